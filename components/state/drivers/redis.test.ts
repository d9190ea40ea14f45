import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedis } from '../../../test/servers/redis.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type TestClock, testOptions } from '../../test-clock.ts';
import { stateConformance } from '../conformance/suite.ts';
import { expectCode, expectConflict, STATE_FEATURES } from '../conformance/subject.ts';
import type { StateStore } from '../contract.ts';
import { driver } from './redis.ts';

let server: TestServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

let databases = 0;
const numbers = new WeakMap<StateStore, number>();

async function open(
  database: number,
  clock: TestClock = createTestClock(),
  metadata: ComponentMetadata = {},
): Promise<StateStore> {
  const address = { redisHost: `127.0.0.1:${server.port}`, redisDB: String(database) };
  const store = await driver.create(
    testOptions('state.redis', { ...address, ...metadata }, clock),
    {
      signal: new AbortController().signal,
    },
  );
  numbers.set(store, database);
  return store;
}

stateConformance({
  name: 'state.redis',
  create: (clock) => open(databases++, clock),
  reopen: (closed, clock) => open(numbers.get(closed)!, clock),
  features: STATE_FEATURES,
});

/** A store and a plain client on one database that nobody else uses. */
async function openBoth(clock?: TestClock, metadata?: ComponentMetadata) {
  const database = databases++;
  const store = await open(database, clock, metadata);
  const plain = await createClient({ socket: { port: server.port }, database }).connect();
  return {
    store,
    plain,
    async [Symbol.asyncDispose]() {
      plain.destroy();
      await store.close();
    },
  };
}

/** The clock of this machine, which is the one that Redis goes by. */
const wallClock = (): TestClock => ({ ...createTestClock(), now: Date.now });

describe('the rows of state.redis', () => {
  it('are hashes of data and version, as daprd makes and reads them', async () => {
    await using both = await openBoth();
    const etag = await both.store.apply({ kind: 'set', key: 'app||k', value: '{"a":"ü"}' });
    expect(await both.plain.hmGet('app||k', ['data', 'version'])).toEqual(['{"a":"ü"}', etag]);
    await both.store.apply({ kind: 'set', key: 'app||b', value: new Uint8Array([0, 255]) });
    expect(await both.plain.hStrLen('app||b', 'data')).toBe(2);
    expect(await both.plain.ttl('app||k')).toBe(-1);
  });

  it('are read when daprd wrote them, with its etag and its time to live', async () => {
    await using both = await openBoth(wallClock());
    await both.plain.hSet('json', { data: '"one"', version: '7' });
    await both.plain.hSet('bytes', { data: Buffer.from([0, 255]), version: '1' });
    await both.plain.expire('bytes', 100);
    await both.plain.set('old', 'before hashes');
    expect(await both.store.get('json')).toEqual({ key: 'json', value: '"one"', etag: '7' });
    const bytes = await both.store.get('bytes');
    expect(bytes?.value).toEqual(new Uint8Array([0, 255]));
    expect(bytes!.expiresAt! - Date.now()).toBeGreaterThan(90_000);
    expect(await both.store.get('old')).toEqual({ key: 'old', value: 'before hashes' });
    const next = await both.store.apply({ kind: 'set', key: 'json', value: '2', etag: '7' });
    expect(Number(next)).toBeGreaterThan(7);
    await both.store.apply({ kind: 'set', key: 'old', value: '"new"' });
    expect(await both.store.get('old')).toMatchObject({ value: '"new"', etag: expect.any(String) });
  });

  it('go on when daprd changes them: new etag, same index, no stale kind or end', async () => {
    const clock = createTestClock();
    await using both = await openBoth(clock);
    const etag = await both.store.apply({
      kind: 'set',
      key: 'k',
      value: new Uint8Array([1]),
      ttlSeconds: 10,
      index: { name: 'x', score: 1 },
    });
    await both.plain.hSet('k', 'data', '"text"');
    await both.plain.hIncrBy('k', 'version', 1);
    await both.plain.persist('k');
    await expectConflict(both.store.apply({ kind: 'delete', key: 'k', etag: etag! }), 'k');
    clock.advance(60_000);
    const item = await both.store.get('k');
    expect(item).toEqual({ key: 'k', value: '"text"', etag: String(Number(etag) + 1) });
    expect(await both.store.range({ index: 'x', limit: 9 })).toEqual([{ ...item, score: 1 }]);
    await both.plain.del('k');
    expect(await both.store.range({ index: 'x', limit: 9 })).toEqual([]);
  });

  it('never get an etag again that daprd gave them', async () => {
    await using both = await openBoth();
    await both.store.apply({ kind: 'set', key: 'k', value: '1' });
    await both.plain.hIncrBy('k', 'version', 1_000);
    const etag = (await both.store.get('k'))!.etag!;
    await both.store.apply({ kind: 'delete', key: 'k' });
    const again = await both.store.apply({ kind: 'set', key: 'k', value: '1' });
    expect(Number(again)).toBeGreaterThan(Number(etag));
  });

  it('are removed by Redis itself at their end, and leave no entry behind', async () => {
    await using both = await openBoth(wallClock());
    const index = { name: 'x', score: 1 };
    await both.store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 0.1, index });
    await expect.poll(() => both.plain.exists('k')).toBe(0);
    expect(await both.store.range({ index: 'x', limit: 1 })).toEqual([]);
    await both.store.apply({ kind: 'set', key: 'other', value: '1' });
    expect((await both.plain.keys('*')).toSorted()).toEqual([
      '__troupe__:keys',
      '__troupe__:version',
      'other',
    ]);
    expect(await both.plain.zRange('__troupe__:keys', 0, -1)).toEqual(['other']);
  });

  it('get the time to live of the component when they have none', async () => {
    await using both = await openBoth(wallClock(), { ttlInSeconds: '100' });
    await both.store.apply({ kind: 'set', key: 'k', value: '1' });
    expect(await both.plain.ttl('k')).toBeGreaterThan(90);
  });

  it('may not have the names of the store itself', async () => {
    await using both = await openBoth();
    await expectCode(
      both.store.apply({ kind: 'set', key: '__troupe__:keys', value: '1' }),
      'INVALID_ARGUMENT',
    );
    await expectCode(both.store.get('__troupe__:keys'), 'INVALID_ARGUMENT');
    await expectCode(
      both.store.apply({ kind: 'delete', key: '__troupe__:version' }),
      'INVALID_ARGUMENT',
    );
  });
});

describe('two stores on one database', () => {
  it('see the writes of each other, and only one wins an etag', async () => {
    const database = databases++;
    await using one = await open(database);
    await using two = await open(database);
    const etag = (await one.apply({ kind: 'set', key: 'k', value: '0' }))!;
    const results = await Promise.allSettled([
      one.apply({ kind: 'set', key: 'k', value: '1', etag }),
      two.apply({ kind: 'set', key: 'k', value: '2', etag }),
    ]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await one.get('k')).toEqual(await two.get('k'));
  });
});
