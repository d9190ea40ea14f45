import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startRedis } from '../../../test/servers/redis.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { configurationConformance } from '../conformance/suite.ts';
import type { ConfigurationItems, ConfigurationStore } from '../contract.ts';
import { driver } from './redis.ts';

let server: TestServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

let databases = 0;
const numbers = new WeakMap<ConfigurationStore, number>();

async function create(metadata: Record<string, string> = {}): Promise<ConfigurationStore> {
  const database = databases++;
  const address = { redisHost: `127.0.0.1:${server.port}`, redisDB: String(database) };
  const store = await driver.create(
    testOptions('configuration.redis', { ...address, ...metadata }),
    { signal: new AbortController().signal },
  );
  numbers.set(store, database);
  return store;
}

const plain = async (store: ConfigurationStore) =>
  createClient({ socket: { port: server.port }, database: numbers.get(store)! }).connect();

configurationConformance({
  name: 'configuration.redis',
  create,
  async write(store, key, item) {
    const client = await plain(store);
    if (!item) await client.del(key);
    else await client.set(key, item.version ? `${item.value}||${item.version}` : item.value);
    client.destroy();
  },
});

describe('the keys of configuration.redis', () => {
  it('are read as daprd reads them', async () => {
    await using store = await create();
    const client = await plain(store);
    await client.mSet({ a: '1||v2||more', b: '||v1', c: 'x' });
    await client.hSet('hash', 'field', 'value');
    expect(await store.get({ keys: ['a', 'b', 'c', 'hash'] })).toEqual({
      a: { value: '1', version: 'v2', metadata: {} },
      c: { value: 'x', version: '', metadata: {} },
    });
    client.destroy();
  });

  it('keep the notifications that somebody else has turned on', async () => {
    await using store = await create();
    const client = await plain(store);
    await client.configSet('notify-keyspace-events', 'Eh');
    await store.subscribe({ keys: ['a'] }, async () => {});
    const { 'notify-keyspace-events': flags } = await client.configGet('notify-keyspace-events');
    for (const flag of 'EhKg$xe') expect(flags).toContain(flag);
    client.destroy();
  });

  it('that expired are delivered as deleted', async () => {
    await using store = await create();
    const client = await plain(store);
    await client.set('a', '1');
    const seen: ConfigurationItems[] = [];
    await using _subscription = await store.subscribe(
      { keys: ['a'] },
      async (items) => void seen.push(items),
    );
    await client.pExpire('a', 20);
    await vi.waitFor(async () => {
      // With this many databases Redis expires a key in time only when it is read.
      await client.get('a');
      expect(seen).toEqual([{ a: { value: '', version: '', metadata: {} } }]);
    });
    client.destroy();
  });

  it('that changed while the connection was lost are delivered once it is back', async () => {
    await using store = await create({ redisMinRetryInterval: '100ms' });
    const client = await plain(store);
    const seen: ConfigurationItems[] = [];
    await using _subscription = await store.subscribe(
      { keys: ['a'] },
      async (items) => void seen.push(items),
    );
    const kill = client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    const set = client.set('a', 'meanwhile');
    await Promise.all([kill, set]);
    await vi.waitFor(() => expect(seen.map((items) => items['a']?.value)).toEqual(['meanwhile']));
    await client.set('a', 'later');
    await vi.waitFor(() => expect(seen.at(-1)?.['a']?.value).toBe('later'));
    client.destroy();
  });
});
