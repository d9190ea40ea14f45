/** Events on a real Redis that is killed, frozen and started again in mid-load. */
import { expect, it, vi } from 'vitest';
import { testOptions } from '../../components/test-clock.ts';
import type { PubSub } from '../../components/pubsub/contract.ts';
import { driver } from '../../components/pubsub/drivers/redis.ts';
import type { TestServer } from './process.ts';
import { startRedis } from './redis.ts';

function open(server: TestServer): Promise<PubSub> {
  const metadata = { redisHost: `127.0.0.1:${server.port}`, readTimeout: '500ms' };
  const options = testOptions('pubsub.redis', metadata);
  return driver.create({ ...options, now: Date.now }, { signal: new AbortController().signal });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Publishes one after the other until `stop`, and collects what was acknowledged and what arrived. */
function underLoad(broker: PubSub) {
  const acknowledged: string[] = [];
  const seen = new Set<string>();
  const codes = new Set<unknown>();
  let isStopped = false;
  const run = async (lane: number): Promise<void> => {
    for (let i = 0; !isStopped; i++) {
      const data = `${lane}-${i}`;
      try {
        await broker.publish({ topic: 't', data: encoder.encode(data) });
        acknowledged.push(data);
      } catch (error) {
        codes.add((error as { code?: unknown }).code);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  const lanes = Array.from({ length: 8 }, (_, lane) => run(lane));
  return {
    acknowledged,
    seen,
    codes,
    start: () =>
      broker.subscribe({ topic: 't' }, async ({ data }) => void seen.add(decoder.decode(data))),
    async stop() {
      isStopped = true;
      await Promise.all(lanes);
    },
    missing: () => acknowledged.filter((data) => !seen.has(data)),
  };
}

it.each([
  ['killed', (server: TestServer) => server.kill(), (server: TestServer) => server.restart()],
  [
    'frozen',
    async (server: TestServer) => server.freeze(),
    async (server: TestServer) => server.thaw(),
  ],
])(
  'loses no acknowledged event when the server is %s under load, and goes on after its return',
  async (_, hurt, mend) => {
    await using server = await startRedis();
    await using broker = await open(server);
    const load = underLoad(broker);
    await load.start();
    await vi.waitFor(() => expect(load.seen.size).toBeGreaterThan(200));
    await hurt(server);
    await vi.waitFor(() => expect([...load.codes]).toEqual(['UNAVAILABLE']));
    const before = load.acknowledged.length;
    await mend(server);
    await vi.waitFor(() => expect(load.acknowledged.length).toBeGreaterThan(before + 200));
    await load.stop();
    await vi.waitFor(() => expect(load.missing()).toEqual([]));
    expect([...load.codes]).toEqual(['UNAVAILABLE']);
  },
);
