import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TestServer } from '../../../test/servers/process.ts';
import { startRedis } from '../../../test/servers/redis.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type LogEntry, type TestClock, testOptions } from '../../test-clock.ts';
import { event, pubsubConformance, textOf } from '../conformance/suite.ts';
import type { PubSub } from '../contract.ts';
import { driver } from './redis.ts';

let server: TestServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

let databases = 0;
/** An event counts as left behind at once; the looks for such events are on the clock. */
const EAGER = { processingTimeout: '1ms', redeliverInterval: '10s' };

function open(
  database: number,
  clock: TestClock = createTestClock(),
  metadata: ComponentMetadata = {},
  log: LogEntry[] = [],
): Promise<PubSub> {
  const address = { redisHost: `127.0.0.1:${server.port}`, redisDB: String(database) };
  const options = testOptions('pubsub.redis', { ...address, ...metadata }, clock, log);
  return driver.create(options, { signal: new AbortController().signal });
}

pubsubConformance({
  name: 'pubsub.redis',
  create: (clock) => open(databases++, clock, EAGER),
  features: [],
  redeliver: (clock) => clock.advance(10_000),
});

async function plainClient(database: number) {
  const client = await createClient({ socket: { port: server.port }, database }).connect();
  return { client, [Symbol.asyncDispose]: async () => client.destroy() };
}

/** Collects what a broker delivers of a topic. */
async function collect(broker: PubSub, topic: string): Promise<string[]> {
  const seen: string[] = [];
  await broker.subscribe({ topic }, async (message) => void seen.push(textOf(message)));
  return seen;
}

describe('the streams of pubsub.redis', () => {
  it('hold entries as daprd writes them, and are read when daprd wrote them', async () => {
    const database = databases++;
    await using plain = await plainClient(database);
    await using broker = await open(database);
    await broker.publish({ ...event('t', '{"a":1}'), metadata: { k: 'v' } });
    const entries = await plain.client.xRange('t', '-', '+');
    expect(entries).toMatchObject([{ message: { data: '{"a":1}', metadata: '{"k":"v"}' } }]);
    const seen = await collect(broker, 'other');
    await plain.client.xAdd('other', '*', { data: 'from daprd', metadata: '{"x":"y"}' });
    await vi.waitFor(() => expect(seen).toEqual(['from daprd']));
  });

  it('are read by one process of a group only, and from their beginning by a new group', async () => {
    const database = databases++;
    await using one = await open(database);
    await using two = await open(database);
    const seen = [await collect(one, 't'), await collect(two, 't')];
    for (let i = 0; i < 200; i++) await one.publish(event('t', String(i)));
    await vi.waitFor(() => expect(seen.flat()).toHaveLength(200));
    expect(new Set(seen.flat()).size).toBe(200);
    await using other = await open(database, createTestClock(), { consumerID: 'late' });
    const late = await collect(other, 't');
    await vi.waitFor(() => expect(late).toHaveLength(200));
  });

  it('are acknowledged after the handler, and leave no consumer behind', async () => {
    const database = databases++;
    await using plain = await plainClient(database);
    const broker = await open(database);
    const gate = Promise.withResolvers<void>();
    await broker.subscribe({ topic: 't' }, () => gate.promise);
    await broker.publish(event('t', '1'));
    await vi.waitFor(async () => {
      expect((await plain.client.xPending('t', 'conformance')).pending).toBe(1);
    });
    gate.resolve();
    await vi.waitFor(async () => {
      expect((await plain.client.xPending('t', 'conformance')).pending).toBe(0);
    });
    await broker.close();
    expect(await plain.client.xInfoConsumers('t', 'conformance')).toEqual([]);
  });

  it('are taken over from a process that ended with events in handling', async () => {
    const database = databases++;
    await using plain = await plainClient(database);
    await plain.client.xGroupCreate('t', 'conformance', '0', { MKSTREAM: true });
    await plain.client.xAdd('t', '*', { data: 'left' });
    await plain.client.xReadGroup('conformance', 'gone', { key: 't', id: '>' });
    const clock = createTestClock();
    await using broker = await open(database, clock, EAGER);
    const seen = await collect(broker, 't');
    await vi.waitFor(() => {
      if (seen.length === 0) clock.advance(10_000);
      expect(seen).toContain('left');
    });
    // Once more if the clock went on before the first was acknowledged: at least once.
    expect(new Set(seen)).toEqual(new Set(['left']));
  });

  it('tell a handler to stop after processingTimeout', async () => {
    const clock = createTestClock();
    await using broker = await open(databases++, clock, { processingTimeout: '2s' });
    const started = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    await broker.subscribe({ topic: 't' }, (_, { signal }) => {
      signal.addEventListener('abort', () => stopped.resolve());
      started.resolve();
      return stopped.promise;
    });
    await broker.publish(event('t', '1'));
    await started.promise;
    clock.advance(1_999);
    clock.advance(1);
    await stopped.promise;
  });

  it('run as many handlers at once as concurrency says', async () => {
    await using broker = await open(databases++, createTestClock(), { concurrency: '3' });
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    let over = 0;
    await broker.subscribe({ topic: 't' }, async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      over++;
    });
    for (let i = 0; i < 7; i++) await broker.publish(event('t', String(i)));
    await vi.waitFor(() => expect(running).toBe(3));
    gate.resolve();
    await vi.waitFor(() => expect(over).toBe(7));
    expect(most).toBe(3);
  });

  it('are cut at maxLenApprox', async () => {
    const database = databases++;
    await using plain = await plainClient(database);
    await using broker = await open(database, createTestClock(), { maxLenApprox: '100' });
    for (let i = 0; i < 1_000; i++) await broker.publish(event('t', String(i)));
    expect(await plain.client.xLen('t')).toBeLessThan(300);
  });

  it('are made anew when somebody deleted them', async () => {
    const database = databases++;
    await using plain = await plainClient(database);
    await using broker = await open(database);
    const seen = await collect(broker, 't');
    await plain.client.del('t');
    await broker.publish(event('t', 'again'));
    await vi.waitFor(() => expect(seen).toEqual(['again']));
  });
});

describe('the settings of pubsub.redis', () => {
  it.each([
    [{ concurrency: '0' }, /"concurrency".*at least 1/],
    [{ processingTimeout: '-1s' }, /"processingTimeout" must not be negative/],
    [{ streamTTL: '1h', maxLenApprox: '5' }, /"streamTTL" cannot be used with/],
    [{ redisType: 'cluster' }, /"redisType" is cluster/],
  ])('%j are refused by name', async (metadata, message) => {
    await expect(open(0, createTestClock(), metadata)).rejects.toThrow(message);
  });
});

it('pubsub.redis says that it has a connection, and nothing under way', async () => {
  await using broker = await open(databases++);
  expect(broker.usage!()).toEqual({ connections: 1, inFlight: 0 });
  await broker.close();
  expect(broker.usage!()).toEqual({ connections: 0, inFlight: 0 });
});
