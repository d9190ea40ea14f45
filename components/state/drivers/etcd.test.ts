import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEtcd } from '../../../test/servers/etcd.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type TestClock, testOptions } from '../../test-clock.ts';
import { stateConformance } from '../conformance/suite.ts';
import { expectCode, STATE_FEATURES } from '../conformance/subject.ts';
import type { StateStore } from '../contract.ts';
import { driver } from './etcd.ts';

let server: TestServer;
beforeAll(async () => void (server = await startEtcd()));
afterAll(() => server.stop());

let prefixes = 0;
const prefixOf = new WeakMap<StateStore, string>();

async function open(
  keyPrefixPath: string,
  clock: TestClock = createTestClock(),
  { version = 'v2', ...metadata }: ComponentMetadata & { version?: string } = {},
): Promise<StateStore> {
  const all = { endpoints: `127.0.0.1:${server.port}`, keyPrefixPath, ...metadata };
  const options = { ...testOptions('state.etcd', all, clock), version };
  const store = await driver.create(options, { signal: new AbortController().signal });
  prefixOf.set(store, keyPrefixPath);
  return store;
}

for (const version of ['v1', 'v2'])
  stateConformance({
    name: version === 'v1' ? 'state.etcd v1' : 'state.etcd',
    create: (clock) => open(`s${prefixes++}`, clock, { version }),
    reopen: (closed, clock) => open(prefixOf.get(closed)!, clock, { version }),
    features: STATE_FEATURES,
  });

/** A store and a plain client under a prefix that nobody else uses. */
async function openBoth(clock?: TestClock, metadata?: ComponentMetadata) {
  const prefix = `s${prefixes++}`;
  const store = await open(prefix, clock, metadata);
  const plain = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
  return {
    store,
    plain,
    prefix,
    async [Symbol.asyncDispose]() {
      plain.close();
      await store.close();
    },
  };
}

/** The clock of this machine, which is the one that leases go by. */
const wallClock = (): TestClock => ({ ...createTestClock(), now: Date.now });

describe('the rows of state.etcd', () => {
  it('are the values themselves in version v1, under the prefix and a slash', async () => {
    await using both = await openBoth(undefined, { version: 'v1' });
    const etag = await both.store.apply({ kind: 'set', key: 'app||k', value: '{"a":"ü"}' });
    const all = await both.plain.getAll().prefix(`${both.prefix}/`).exec();
    expect(all.kvs.map((kv) => [kv.key.toString(), kv.value.toString(), kv.mod_revision])).toEqual([
      [`${both.prefix}/app||k`, '{"a":"ü"}', etag],
    ]);
    await both.plain.put(`${both.prefix}/app||k`).value('"daprd"');
    const item = await both.store.get('app||k');
    expect(item?.value).toBe('"daprd"');
    expect(item?.etag).not.toBe(etag);
  });

  it('go on when another writes them: new etag, no stale kind, end or place in an index', async () => {
    const clock = createTestClock();
    await using both = await openBoth(clock, { version: 'v1' });
    await both.store.apply({
      ...{ kind: 'set', key: 'k', value: new Uint8Array([1]), ttlSeconds: 10 },
      index: { name: 'x', score: 1 },
    });
    await both.plain.put(`${both.prefix}/k`).value('"text"');
    clock.advance(60_000);
    expect(await both.store.get('k')).toMatchObject({ value: '"text"' });
    expect(await both.store.get('k')).not.toHaveProperty('expiresAt');
    expect(await both.store.range({ index: 'x', limit: 9 })).toEqual([]);
    const keys = await both.plain.getAll().prefix(`${both.prefix}/\0`).keys();
    expect(keys, 'the entry is gone').toEqual([]);
  });

  it('are removed by etcd itself at their end, and leave nothing behind', async () => {
    await using both = await openBoth(wallClock());
    const index = { name: 'x', score: 1 };
    await both.store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 1, index });
    await expect
      .poll(() => both.plain.getAll().prefix(both.prefix).keys(), { timeout: 20_000 })
      .toEqual([]);
    expect(await both.store.range({ index: 'x', limit: 1 })).toEqual([]);
  });

  it('stay when the component has a clock of its own', async () => {
    await using both = await openBoth();
    await both.store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 1 });
    const { leases } = await both.plain.leaseClient.leaseLeases();
    const lasts = await Promise.all(
      leases.map(async ({ ID }) =>
        Number((await both.plain.leaseClient.leaseTimeToLive({ ID })).TTL),
      ),
    );
    expect(Math.max(...lasts)).toBeGreaterThan(80_000);
  });

  it('leave nothing behind when they are deleted', async () => {
    await using both = await openBoth();
    const index = { name: 'x', score: 1 };
    await both.store.apply({ kind: 'set', key: 'a', value: '1', index });
    await both.store.apply({ kind: 'set', key: 'b', value: '1', index });
    await both.store.apply({ kind: 'set', key: 'b', value: '1', index: { name: 'y', score: -2 } });
    await both.store.apply({ kind: 'set', key: 'c', value: new Uint8Array([1]) });
    await both.store.apply({ kind: 'set', key: 'c', value: '1' });
    await both.store.apply({ kind: 'delete', key: 'a', index: 'x' });
    await both.store.apply({ kind: 'delete', key: 'b', index: 'y' });
    const keys = await both.plain.getAll().prefix(both.prefix).keys();
    expect(keys).toEqual([`${both.prefix}/c`]);
  });

  it('take one of many first writes of the same row, from several stores', async () => {
    const prefix = `s${prefixes++}`;
    await using one = await open(prefix);
    await using two = await open(prefix);
    for (let round = 0; round < 20; round++) {
      const writes = [one, two, one, two].map((store, i) =>
        store.apply({ kind: 'set', key: `k${round}`, value: String(i), firstWrite: true }),
      );
      const results = await Promise.allSettled(writes);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  it('may not begin or end with a NUL', async () => {
    await using both = await openBoth();
    for (const key of ['\0k', 'k\0']) {
      await expectCode(both.store.apply({ kind: 'set', key, value: '1' }), 'INVALID_ARGUMENT');
      await expectCode(both.store.get(key), 'INVALID_ARGUMENT');
    }
  });
});

describe('a transaction of state.etcd', () => {
  it('may have many more operations than the server takes flat, and a prefix with rows that stay', async () => {
    await using both = await openBoth(undefined, { maxTxnOps: '64' });
    const rows = Array.from({ length: 700 }, (_, i) => `p||${i}`);
    await both.store.transact(rows.map((key) => ({ kind: 'set', key, value: '1' })));
    await both.store.transact([
      { kind: 'delete-prefix', prefix: 'p||' },
      { kind: 'set', key: 'p||5', value: '2' },
      { kind: 'set', key: 'p||50', value: '2' },
    ]);
    const left = (await both.store.getBulk(rows)).filter(({ value }) => value !== undefined);
    expect(left.map(({ key, value }) => [key, value])).toEqual([
      ['p||5', '2'],
      ['p||50', '2'],
    ]);
  });

  it('is refused by name with more conditions than fit, or when it is too large for the server', async () => {
    await using both = await openBoth();
    const many = Array.from({ length: 64 }, (_, i) => ({
      ...{ kind: 'check' as const, key: `k${i}`, etag: null },
    }));
    await expectCode(both.store.transact(many), 'INVALID_ARGUMENT');
    await both.store.transact(many.slice(1));
    const huge = both.store.apply({ kind: 'set', key: 'k', value: 'x'.repeat(2_000_000) });
    await expectCode(huge, 'COMPONENT');
    await expect(huge).rejects.toThrow(/too large/);
  });
});

describe('the settings of state.etcd', () => {
  it.each<[ComponentMetadata, RegExp]>([
    [{ endpoints: '' }, /"endpoints" is missing/],
    [{ endpoints: 'localhost' }, /"endpoints" must be addresses/],
    [{ tlsEnable: 'true' }, /"ca" is missing/],
    [{ ca: 'x' }, /"ca" needs "tlsEnable"/],
    [{ username: 'me' }, /"password" is missing/],
    [{ timeout: '1ms' }, /"timeout" must be at least 100ms/],
    [{ maxTxnOps: '3' }, /"maxTxnOps" is not a whole number of at least 16/],
  ])('%j are refused by name', async (metadata, message) => {
    await expect(open('x', undefined, metadata)).rejects.toThrow(message);
  });
});
