/**
 * 100,000 events through Kafka while its consumer and then the broker are
 * killed: each is handled, in the order of its key, and what comes twice has no effect.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { component, createSystem } from '../../runtime/index.ts';
import { createTopic, startKafka } from './kafka.ts';
import type { FromTally, Tallied } from './tally.fixture.ts';
import type { TestServer } from './process.ts';

const TOTAL = 100_000;
const KEYS = 400;
const EACH = TOTAL / KEYS;
const PARTITIONS = 4;
const TOPIC = 'hundred-thousand';

let server: TestServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-tally-'));
  server = await startKafka();
  await createTopic(server, TOPIC, PARTITIONS);
}, 90_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The consumer as a process, and how many turns all of its lives have run. */
function startTally() {
  const file = join(folder, 'state.db');
  let child: ChildProcess;
  let before = 0;
  let turns = 0;
  const reports: ((report: Tallied) => void)[] = [];
  const start = (): void => {
    const args = [String(server.port), TOPIC, file, String(KEYS)];
    child = fork(join(import.meta.dirname, 'tally.fixture.ts'), args);
    turns = 0;
    child.on('message', (message: FromTally) => {
      if ('turns' in message) ({ turns } = message);
      else reports.shift()?.(message.report);
    });
  };
  start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    before += turns;
  };
  return {
    turns: () => before + turns,
    async killAndStart() {
      await end('SIGKILL');
      start();
    },
    report: () =>
      new Promise<Tallied>((resolve) => {
        reports.push(resolve);
        child.send('report');
      }),
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

it(
  'handles each of 100,000 events in order, through kill -9 of its consumer and of the broker',
  { timeout: 600_000 },
  async () => {
    await using tally = startTally();
    await using system = await createSystem({
      appId: 'source',
      actors: [],
      components: [
        component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
        component('pubsub', 'pubsub.kafka', {
          brokers: `127.0.0.1:${server.port}`,
          authType: 'none',
          readTimeout: '5s',
        }),
      ],
    });
    let failures = 0;
    const publish = async (key: string, n: number): Promise<void> => {
      // The id is the event's own, so that a repetition is recognised as one.
      const metadata = { partitionKey: key, 'cloudevent.id': `${key}-${n}` };
      for (;;) {
        try {
          await system.publish(TOPIC, { key, n }, { metadata });
          return;
        } catch (error) {
          failures++;
          expect(error).toMatchObject({ cause: { code: 'UNAVAILABLE' } });
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    };
    const lanes = Array.from({ length: KEYS }, async (_, key) => {
      for (let n = 0; n < EACH; n++) {
        // Not so far ahead that all is published before the broker is killed.
        while (n * KEYS > tally.turns() + TOTAL / 5)
          await new Promise((resolve) => setTimeout(resolve, 20));
        await publish(`key-${key}`, n);
      }
    });
    const published = Promise.all(lanes);
    published.catch(() => {});
    const reached = (turns: number): Promise<void> =>
      vi.waitFor(() => expect(tally.turns()).toBeGreaterThan(turns), {
        timeout: 240_000,
        interval: 20,
      });
    await reached(TOTAL / 10);
    await tally.killAndStart();
    await reached(TOTAL / 4);
    await server.kill();
    await server.restart();
    await published;
    await vi.waitFor(
      async () => expect(await tally.report()).toEqual({ events: TOTAL, disorder: 0 }),
      { timeout: 240_000, interval: 500 },
    );
    expect(failures, 'the broker was away while events were published').toBeGreaterThan(0);
  },
);
