/** The drivers of Redis beside @redis/client, on a server that syncs each write. */
import { createClient } from '@redis/client';
import { startRedis } from '../../test/servers/redis.ts';
import { eventsOf, measureDelivery } from './deliver.ts';
import { configurationRow, EXPIRY_SECONDS, lockRow, UNLOCK, UNLOCK_SHA } from './held.ts';
import { openPubSub } from './open.ts';
import { turns, VALUE, type Address, type Row } from './rows.ts';
import { stateRows } from './state.ts';

const hostOf = ({ port }: Address) => ({ redisHost: `127.0.0.1:${port}` });
const connect = ({ port }: Address) => createClient({ socket: { port } }).connect();

/** What keeps an etag for a row, as daprd does: the value and a version that grows. */
const SET = `redis.call('HSET', KEYS[1], 'data', ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'version', 1)`;

const state = stateRows({
  driver: 'state.redis',
  server: startRedis,
  bare: { set: 'EVALSHA of HSET and HINCRBY', get: 'HMGET data version' },
  metadata: hostOf,
  async open(address) {
    const client = await connect(address);
    const sha = await client.scriptLoad(SET);
    const name = (key: string): string => `${address.name}-${key}`;
    return {
      set: (key, value) => client.evalSha(sha, { keys: [name(key)], arguments: [value] }),
      get: (key) => client.hmGet(name(key), ['data', 'version']),
      close: async () => client.destroy(),
    };
  },
});

const event = new TextEncoder().encode(VALUE);
/** Entries of a read, and of them handled and acknowledged at once, on both sides. */
const DEPTH = 100;

const publish: Row = {
  driver: 'pubsub.redis',
  does: 'publish',
  bare: 'XADD',
  server: startRedis,
  async ours(address) {
    const broker = await openPubSub('pubsub.redis', hostOf(address));
    const topic = address.name;
    const operation = turns(() => broker.publish({ topic, data: event }));
    return { operation, close: () => broker.close() };
  },
  async theirs(address) {
    const client = await connect(address);
    const operation = turns(() => client.xAdd(address.name, '*', { data: VALUE }));
    return { operation, close: async () => client.destroy() };
  },
};

/** Entries that are there before anybody reads. */
async function prepare(address: Address, total: number): Promise<void> {
  const client = await connect(address);
  for (let done = 0; done < total; done += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, total - done) }, () =>
      client.xAdd(address.name, '*', { data: VALUE }),
    );
    await Promise.all(batch);
  }
  client.destroy();
}

const deliver: Row = {
  driver: 'pubsub.redis',
  does: 'deliver',
  bare: 'XREADGROUP of 100, an XACK for each',
  server: startRedis,
  async ours(address, scale) {
    const total = eventsOf(scale);
    await prepare(address, total);
    const broker = await openPubSub('pubsub.redis', {
      ...hostOf(address),
      concurrency: String(DEPTH),
      queueDepth: String(DEPTH),
    });
    return {
      measure: () =>
        measureDelivery(total, (taken) =>
          broker.subscribe({ topic: address.name }, async () => taken()),
        ),
      close: () => broker.close(),
    };
  },
  async theirs(address, scale) {
    const total = eventsOf(scale);
    await prepare(address, total);
    const reader = await connect(address);
    const client = await connect(address);
    const [stream, group] = [address.name, 'bench'];
    await client.xGroupCreate(stream, group, '0');
    const read = async (taken: () => void): Promise<void> => {
      for (let left = total; left > 0;) {
        const from = { key: stream, id: '>' };
        const reply = await reader.xReadGroup(group, 'one', from, { COUNT: DEPTH, BLOCK: 1_000 });
        const [{ messages }] = reply as unknown as [{ messages: { id: string }[] }];
        await Promise.all(
          messages.map(async ({ id }) => {
            taken();
            await client.xAck(stream, group, id);
          }),
        );
        left -= messages.length;
      }
    };
    return {
      measure: () => measureDelivery(total, read),
      async close() {
        reader.destroy();
        client.destroy();
      },
    };
  },
};

const lock = lockRow({
  driver: 'lock.redis',
  server: startRedis,
  bare: 'SET NX PX, EVALSHA of GET and DEL',
  metadata: hostOf,
  async open(address) {
    const client = await connect(address);
    await client.scriptLoad(UNLOCK);
    const PX = EXPIRY_SECONDS * 1_000;
    return {
      lock: (resource, owner) =>
        client.set(resource, owner, { condition: 'NX', expiration: { type: 'PX', value: PX } }),
      unlock: (resource, owner) =>
        client.evalSha(UNLOCK_SHA, { keys: [resource], arguments: [owner] }),
      close: async () => client.destroy(),
    };
  },
});

const configuration = configurationRow({
  driver: 'configuration.redis',
  server: startRedis,
  bare: 'MGET of one key',
  metadata: hostOf,
  async open(address) {
    const client = await connect(address);
    return {
      set: (key, value) => client.set(key, value),
      get: (key) => client.mGet([key]),
      close: async () => client.destroy(),
    };
  },
});

export const rows: readonly Row[] = [...state, publish, deliver, lock, configuration];
