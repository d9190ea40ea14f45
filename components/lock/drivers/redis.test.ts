import { createClient } from '@redis/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startRedis } from '../../../test/servers/redis.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { lockConformance } from '../conformance/suite.ts';
import type { LockStore } from '../contract.ts';
import { driver } from './redis.ts';

let server: TestServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

let databases = 0;
const numbers = new WeakMap<LockStore, number>();

async function create(metadata: Record<string, string> = {}): Promise<LockStore> {
  const redisDB = String(databases++);
  const address = { redisHost: `127.0.0.1:${server.port}`, redisDB };
  const store = await driver.create(testOptions('lock.redis', { ...address, ...metadata }), {
    signal: new AbortController().signal,
  });
  numbers.set(store, Number(redisDB));
  return store;
}

const plain = async (store: LockStore) =>
  createClient({ socket: { port: server.port }, database: numbers.get(store)! }).connect();

lockConformance({
  name: 'lock.redis',
  create,
  async pass(store, seconds) {
    const client = await plain(store);
    const keys = await client.keys('*');
    // Redis keeps its own time: a lock that ends too late stays, and the suite sees it.
    for (const key of keys) {
      const left = await client.pTTL(key);
      if (left > 0 && left <= seconds * 1000) await client.pExpire(key, 1);
    }
    await vi.waitUntil(async () => (await client.exists(keys)) === 0, { timeout: 20_000 });
    client.destroy();
  },
});

it('lock.redis keeps a lock as daprd does: owner as value, expiry on the key', async () => {
  await using store = await create();
  const client = await plain(store);
  await store.tryLock({ resource: 'lock||shop||door', owner: 'a', expirySeconds: 30 });
  expect(await client.get('lock||shop||door')).toBe('a');
  expect(await client.ttl('lock||shop||door')).toBeGreaterThan(15);
  client.destroy();
});

it('lock.redis refuses a cluster by name', async () => {
  await expect(create({ redisType: 'cluster' })).rejects.toThrow(/"redisType" is cluster/);
});
