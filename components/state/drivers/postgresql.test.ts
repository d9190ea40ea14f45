import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgresql } from '../../../test/servers/postgresql.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type TestClock, testOptions } from '../../test-clock.ts';
import { stateConformance } from '../conformance/suite.ts';
import { expectConflict, STATE_FEATURES } from '../conformance/subject.ts';
import type { StateStore } from '../contract.ts';
import { driver } from './postgresql.ts';

let server: TestServer;
beforeAll(async () => void (server = await startPostgresql()));
afterAll(() => server.stop());

let prefixes = 0;
const prefixOf = new WeakMap<StateStore, string>();

const url = (): string => `postgres://postgres@127.0.0.1:${server.port}/postgres`;

async function open(
  tablePrefix: string,
  clock: TestClock = createTestClock(),
  metadata: ComponentMetadata = {},
): Promise<StateStore> {
  const all = { connectionString: url(), tablePrefix, maxConns: '4', ...metadata };
  const options = { ...testOptions('state.postgresql', all, clock), version: 'v2' };
  const store = await driver.create(options, { signal: new AbortController().signal });
  prefixOf.set(store, tablePrefix);
  return store;
}

stateConformance({
  name: 'state.postgresql',
  create: (clock) => open(`s${prefixes++}_`, clock),
  reopen: (closed, clock) => open(prefixOf.get(closed)!, clock),
  features: STATE_FEATURES,
  forgetsKinds: true,
  refusesNulInKeys: true,
});

/** A store and a plain client on tables that nobody else uses. */
async function openBoth(clock?: TestClock, metadata?: ComponentMetadata) {
  const prefix = `s${prefixes++}_`;
  const store = await open(prefix, clock, metadata);
  const plain = new pg.Client({ connectionString: url() });
  await plain.connect();
  return {
    store,
    table: `${prefix}state`,
    rows: async (text: string) => (await plain.query<Record<string, unknown>>(text)).rows,
    async [Symbol.asyncDispose]() {
      await plain.end();
      await store.close();
    },
  };
}

describe('the tables of state.postgresql', () => {
  it('are laid out as daprd lays them out', async () => {
    await using both = await openBoth();
    const etag = await both.store.apply({ kind: 'set', key: 'app||k', value: '{"a":"ü"}' });
    const [row] = await both.rows(`SELECT * FROM ${both.table}`);
    expect(row).toMatchObject({ key: 'app||k', etag, expires_at: null });
    expect(String(row!['value'])).toBe('{"a":"ü"}');
    const level = `SELECT value FROM dapr_metadata WHERE key LIKE 'migrations-state-v2-s%'`;
    expect(await both.rows(level)).toContainEqual({ value: '1' });
  });

  it('are read when daprd wrote them, with its etag and its time to live', async () => {
    const clock = { ...createTestClock(), now: Date.now };
    await using both = await openBoth(clock);
    await both.rows(
      `INSERT INTO ${both.table} (key, value, etag, expires_at)
       VALUES ('k', '1', gen_random_uuid(), now() + interval '100 seconds')`,
    );
    const item = (await both.store.get('k'))!;
    expect(item.value).toBe('1');
    expect(item.expiresAt! - Date.now()).toBeGreaterThan(90_000);
    await both.store.apply({ kind: 'set', key: 'k', value: '2', etag: item.etag! });
    await expectConflict(
      both.store.apply({ kind: 'set', key: 'k', value: '3', etag: item.etag! }),
      'k',
    );
  });

  it('lose the entry of the index with a row that daprd deletes', async () => {
    await using both = await openBoth();
    const index = { name: 'due', score: 1 };
    await both.store.apply({ kind: 'set', key: 'k', value: '1', index });
    await both.rows(`DELETE FROM ${both.table} WHERE key = 'k'`);
    expect(await both.store.range({ index: 'due', limit: 9 })).toEqual([]);
    await both.store.apply({ kind: 'set', key: 'k', value: '2' });
    expect(await both.store.range({ index: 'due', limit: 9 })).toEqual([]);
  });

  it('are cleared of expired rows after the cleanup interval', async () => {
    const clock = createTestClock();
    await using both = await openBoth(clock, { cleanupInterval: '1m' });
    await both.store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 30 });
    await both.store.apply({ kind: 'set', key: 'stays', value: '1' });
    clock.advance(60_000);
    await expect.poll(() => both.rows(`SELECT key FROM ${both.table}`)).toEqual([{ key: 'stays' }]);
  });

  it('are refused when they are those of version v1', async () => {
    const prefix = `s${prefixes++}_`;
    const plain = new pg.Client({ connectionString: url() });
    await plain.connect();
    await plain.query(`CREATE TABLE ${prefix}state (key text PRIMARY KEY, value jsonb,
      expires_at timestamptz)`);
    await plain.end();
    await expect(open(prefix)).rejects.toThrow(/holds values of type jsonb.*set "tablePrefix"/);
  });

  it('take one of many first writes of the same row, from several stores', async () => {
    const prefix = `s${prefixes++}_`;
    await using one = await open(prefix);
    await using two = await open(prefix);
    const firstWrite = true;
    for (let round = 0; round < 20; round++) {
      const key = `k${round}`;
      const writes = [one, two, one, two].map((store, i) =>
        store.apply({ kind: 'set', key, value: String(i), firstWrite }),
      );
      const results = await Promise.allSettled(writes);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });
});

describe('the settings of state.postgresql', () => {
  it('take the pairs of libpq for a URL, with other fields before them', async () => {
    const connectionString = `host=localhost port=${server.port} user=nobody dbname=postgres`;
    await using store = await open(`s${prefixes++}_`, undefined, {
      connectionString,
      host: '127.0.0.1',
      user: 'postgres',
    });
    await store.ping();
  });

  it.each([
    [{ connectionString: 'localhost:5432' }, /"connectionString" is neither a URL nor pairs/],
    [{ connectionString: 'host=a nonsense=b' }, /has a pair "nonsense"/],
    [{ connectionString: '' }, /"connectionString" is missing/],
    [{ timeout: '10ms' }, /"timeout" must be at least 1s/],
    [{ tablePrefix: 'a; drop table b' }, /"tablePrefix" must be a name/],
    [{ sslRootCert: '/none.pem' }, /"sslRootCert" cannot be read/],
  ])('%j are refused by name', async (metadata, message) => {
    await expect(open('x_', undefined, metadata)).rejects.toThrow(message);
  });

  it('name the server that does not answer, and no password', async () => {
    const connectionString = 'postgres://me:secret@127.0.0.1:1/db';
    const error = await open('x_', undefined, { connectionString }).catch(
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(String(error)).toContain('127.0.0.1:1');
    expect(String(error)).not.toContain('secret');
  });
});
