/** Events on a real Kafka that is killed, frozen and started again in mid-load, and a group whose members come and go. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { testOptions } from '../../components/test-clock.ts';
import type { PubSub } from '../../components/pubsub/contract.ts';
import { driver } from '../../components/pubsub/drivers/kafka.ts';
import { createTopic, startKafka } from './kafka.ts';
import type { TestServer } from './process.ts';

let server: TestServer;
beforeAll(async () => void (server = await startKafka()), 90_000);
afterAll(() => server.stop());

function open(metadata: Readonly<Record<string, string>>): Promise<PubSub> {
  const options = testOptions('pubsub.kafka', {
    brokers: `127.0.0.1:${server.port}`,
    authType: 'none',
    readTimeout: '1s',
    writeTimeout: '2s',
    dialTimeout: '2s',
    ...metadata,
  });
  const timer = (ms: number, fire: () => void) => {
    const handle = setTimeout(fire, ms);
    return { cancel: () => clearTimeout(handle) };
  };
  const signal = AbortSignal.timeout(60_000);
  return driver.create({ ...options, now: Date.now, timer }, { signal });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Publishes one after the other in 8 lanes until `stop`, and collects what was acknowledged and what arrived. */
function underLoad(broker: PubSub, topic: string) {
  const acknowledged: string[] = [];
  const seen = new Set<string>();
  const codes = new Set<unknown>();
  let isStopped = false;
  const run = async (lane: number): Promise<void> => {
    for (let i = 0; !isStopped; i++) {
      const data = `${lane}-${i}`;
      try {
        await broker.publish({ topic, data: encoder.encode(data), key: String(lane) });
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
      broker.subscribe({ topic }, async ({ data }) => void seen.add(decoder.decode(data))),
    async stop() {
      isStopped = true;
      await Promise.all(lanes);
    },
    missing: () => acknowledged.filter((data) => !seen.has(data)),
  };
}

it.each([
  ['killed', () => server.kill(), () => server.restart()],
  ['frozen', async () => server.freeze(), async () => server.thaw()],
])(
  'loses no acknowledged event when the broker is %s under load, and goes on after its return',
  { timeout: 180_000 },
  async (name, hurt, mend) => {
    const group = `under-load-${name}`;
    await using broker = await open({ consumerGroup: group, initialOffset: 'oldest' });
    const load = underLoad(broker, group);
    await load.start();
    await vi.waitFor(() => expect(load.seen.size).toBeGreaterThan(200), { timeout: 30_000 });
    await hurt();
    await vi.waitFor(() => expect([...load.codes]).toEqual(['UNAVAILABLE']), { timeout: 30_000 });
    const before = load.acknowledged.length;
    const asked = broker.ping();
    await expect(asked).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await mend();
    await vi.waitFor(() => expect(load.acknowledged.length).toBeGreaterThan(before + 200), {
      timeout: 60_000,
    });
    await load.stop();
    await vi.waitFor(() => expect(load.missing()).toEqual([]), { timeout: 60_000 });
    expect([...load.codes]).toEqual(['UNAVAILABLE']);
    await broker.ping();
  },
);

describe('a consumer group', () => {
  it(
    'hands partitions over without loss, and never runs two handlers of a key',
    { timeout: 120_000 },
    async () => {
      const topic = 'handed-over';
      await createTopic(server, topic, 6);
      const metadata = {
        consumerGroup: 'handing',
        initialOffset: 'oldest',
        heartbeatInterval: '100ms',
        // A member that a busy machine holds up must not count as gone: its events would come twice.
        sessionTimeout: '60s',
      };
      await using publisher = await open(metadata);
      const KEYS = 12;
      const EACH = 60;
      for (let i = 0; i < EACH; i++) {
        const batch = Array.from({ length: KEYS }, (_, key) =>
          publisher.publish({ topic, data: encoder.encode(String(i)), key: `key-${key}` }),
        );
        await Promise.all(batch);
      }
      const running = new Map<string, number>();
      const seen = new Map<string, number[]>();
      let most = 0;
      let total = 0;
      const handler = async (message: {
        data: Uint8Array;
        metadata?: Readonly<Record<string, string>>;
      }): Promise<void> => {
        const key = message.metadata!['__key']!;
        const count = (running.get(key) ?? 0) + 1;
        running.set(key, count);
        most = Math.max(most, count);
        await new Promise((resolve) => setTimeout(resolve, 5));
        const list = seen.get(key) ?? [];
        list.push(Number(decoder.decode(message.data)));
        seen.set(key, list);
        total++;
        running.set(key, running.get(key)! - 1);
      };
      const members: PubSub[] = [];
      for (let i = 0; i < 3; i++) {
        const member = await open(metadata);
        members.push(member);
        await member.subscribe({ topic }, handler);
        const before = total;
        await vi.waitFor(() => expect(total).toBeGreaterThan(before + 20), { timeout: 30_000 });
      }
      await members[0]!.close();
      await vi.waitFor(
        () => {
          for (let key = 0; key < KEYS; key++)
            expect(new Set(seen.get(`key-${key}`)).size).toBe(EACH);
        },
        { timeout: 60_000 },
      );
      await Promise.all(members.map((member) => member.close()));
      expect(most).toBe(1);
      for (const list of seen.values())
        expect(list.filter((value, at) => list.indexOf(value) === at)).toEqual([
          ...Array(EACH).keys(),
        ]);
      // Each handing over ended the handlers first, so nothing came twice.
      expect(total).toBe(KEYS * EACH);
    },
  );
});
