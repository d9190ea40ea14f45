import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTopic, startKafka } from '../../../test/servers/kafka.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type LogEntry, type TestClock, testOptions } from '../../test-clock.ts';
import { event, pubsubConformance, textOf } from '../conformance/suite.ts';
import type { BrokerMessage, PubSub } from '../contract.ts';
import { driver } from './kafka.ts';

let server: TestServer;
beforeAll(async () => void (server = await startKafka()));
afterAll(() => server.stop());

let groups = 0;

function open(
  metadata: ComponentMetadata = {},
  clock: TestClock = createTestClock(),
  log: LogEntry[] = [],
): Promise<PubSub> {
  const address = { brokers: `127.0.0.1:${server.port}`, authType: 'none' };
  const given = { ...address, consumerGroup: `group-${groups++}`, ...metadata };
  const options = testOptions('pubsub.kafka', given, clock, log);
  return driver.create(options, { signal: new AbortController().signal });
}

pubsubConformance({
  name: 'pubsub.kafka',
  create: (clock) => open({}, clock),
  features: ['BULK_PUBSUB'],
  redeliver: (clock) => clock.advance(5_000),
});

/** Collects what a broker delivers of a topic. */
async function collect(broker: PubSub, topic: string): Promise<BrokerMessage[]> {
  const seen: BrokerMessage[] = [];
  await broker.subscribe({ topic }, async (message) => void seen.push(message));
  return seen;
}

const soon = { timeout: 30_000 };
let topics = 0;
const newTopic = (): string => `topic-${topics++}`;

async function withAdmin<T>(body: (admin: Admin) => Promise<T>): Promise<T> {
  const brokers = [`127.0.0.1:${server.port}`];
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await body(admin);
  } finally {
    await admin.disconnect();
  }
}

/** The position of a group in the one partition of a topic; -1: none. */
const positionOf = (groupId: string, topic: string): Promise<string | undefined> =>
  withAdmin(async (admin) => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return found?.partitions[0]?.offset;
  });

describe('the records of pubsub.kafka', () => {
  it('carry metadata as headers, the key, and the place that they are at', async () => {
    await using broker = await open();
    const topic = newTopic();
    const seen = await collect(broker, topic);
    await broker.publish({ ...event(topic, 'a'), metadata: { partitionKey: 'k', x: 'ü y' } });
    await broker.publish({ ...event(topic, 'b'), key: 'of the actor' });
    await broker.publish({ ...event(topic, 'c'), key: 'no', metadata: { __key: 'yes' } });
    await broker.publish(event(topic, 'null'));
    await vi.waitFor(() => expect(seen).toHaveLength(4), soon);
    expect(seen[0]!.metadata).toMatchObject({
      partitionKey: 'k',
      x: 'ü y',
      __key: 'k',
      __topic: topic,
    });
    expect(seen.map(({ metadata }) => metadata!['__offset'])).toEqual(['0', '1', '2', '3']);
    expect(seen[1]!.metadata!['__key']).toBe('of the actor');
    expect(seen[2]!.metadata!['__key']).toBe('yes');
    expect(textOf(seen[3]!)).toBe('null');
    expect(seen[3]!.metadata!['__timestamp']).toMatch(/^\d{13}$/);
  });

  it('are escaped and left out as the component says', async () => {
    await using broker = await open({ escapeHeaders: 'true', excludeHeaderMetaRegex: '^secret' });
    const topic = newTopic();
    const seen = await collect(broker, topic);
    const metadata = { __key: 'a b', x: "it's ü", secretOne: '1' };
    await broker.publish({ ...event(topic, 'a'), metadata });
    await vi.waitFor(() => expect(seen).toHaveLength(1), soon);
    expect(seen[0]!.metadata).toMatchObject({ __key: 'a+b', x: 'it%27s+%C3%BC' });
    expect(seen[0]!.metadata).not.toHaveProperty('secretOne');
  });

  it('are compressed when the component says so, and read all the same', async () => {
    for (const compression of ['gzip', 'zstd']) {
      await using broker = await open({ compression });
      const topic = newTopic();
      const seen = await collect(broker, topic);
      await broker.publish(event(topic, 'x'.repeat(10_000)));
      await vi.waitFor(() => expect(seen.map(textOf)).toEqual(['x'.repeat(10_000)]), soon);
    }
  });

  it('go to the partition of their key as daprd computes it, or the one that is named', async () => {
    const topic = newTopic();
    await createTopic(server, topic, 7);
    await using broker = await open();
    const seen = await collect(broker, topic);
    for (const key of ['a', 'order-1', 'ü'])
      await broker.publish({ ...event(topic, key), metadata: { partitionKey: key } });
    await broker.publish({ ...event(topic, 'five'), metadata: { partitionNumber: '5' } });
    await vi.waitFor(() => expect(seen).toHaveLength(4), soon);
    const placed = Object.fromEntries(
      seen.map((message) => [textOf(message), message.metadata!['__partition']]),
    );
    // 32-bit FNV-1a, signed, modulo 7, without its sign.
    expect(placed).toEqual({ a: '6', 'order-1': '1', ü: '0', five: '5' });
    const beyond = broker.publish({ ...event(topic, 'x'), metadata: { partitionNumber: '7' } });
    await expect(beyond).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await broker.publish({ ...event(topic, 'after'), metadata: { partitionNumber: '0' } });
  });

  it('are refused beyond maxMessageBytes, and with a schema', async () => {
    await using broker = await open({ maxMessageBytes: '1000' });
    await expect(broker.publish(event('t', 'x'.repeat(1_000)))).rejects.toThrow(
      /"maxMessageBytes"/,
    );
    const metadata = { valueSchemaType: 'Avro' };
    await expect(broker.publish({ ...event('t', 'x'), metadata })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
    await expect(broker.subscribe({ topic: 't', metadata }, async () => {})).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  it('fail by themselves in bulk', async () => {
    await using broker = await open({ maxMessageBytes: '1000' });
    const topic = newTopic();
    const seen = await collect(broker, topic);
    const messages = ['a', 'x'.repeat(1_000), 'b'].map((data) => event(topic, data));
    const failures = await broker.bulkPublish!(messages);
    expect(failures).toMatchObject([{ index: 1, error: { code: 'INVALID_ARGUMENT' } }]);
    await vi.waitFor(() => expect(seen.map(textOf)).toEqual(['a', 'b']), soon);
  });
});

describe('the group of pubsub.kafka', () => {
  it('has its position written behind what was handled, and not before', async () => {
    const topic = newTopic();
    const metadata = { consumerGroup: topic };
    await using broker = await open(metadata);
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let started = 0;
    await broker.subscribe({ topic }, () => gates[started++]!.promise);
    // A group that begins at the end has that written at once.
    expect(await positionOf(topic, topic)).toBe('0');
    await broker.publish(event(topic, '1'));
    await broker.publish(event(topic, '2'));
    await vi.waitFor(() => expect(started).toBe(1), soon);
    expect(await positionOf(topic, topic)).toBe('0');
    gates[0]!.resolve();
    await vi.waitFor(async () => expect(await positionOf(topic, topic)).toBe('1'), soon);
    expect(started).toBe(2);
    gates[1]!.resolve();
    await vi.waitFor(async () => expect(await positionOf(topic, topic)).toBe('2'), soon);
  });

  it('goes on where it was, and a new one begins as initialOffset says', async () => {
    const topic = newTopic();
    const metadata = { consumerGroup: topic };
    const one = await open(metadata);
    const seen = await collect(one, topic);
    await one.publish(event(topic, '1'));
    await vi.waitFor(() => expect(seen.map(textOf)).toEqual(['1']), soon);
    await one.close();
    await using publisher = await open();
    await publisher.publish(event(topic, '2'));
    await using two = await open(metadata);
    const later = await collect(two, topic);
    await using oldest = await open({ initialOffset: 'oldest' });
    const all = await collect(oldest, topic);
    await using newest = await open();
    const fresh = await collect(newest, topic);
    await publisher.publish(event(topic, '3'));
    await vi.waitFor(() => {
      expect(later.map(textOf)).toEqual(['2', '3']);
      expect(all.map(textOf)).toEqual(['1', '2', '3']);
      expect(fresh.map(textOf)).toEqual(['3']);
    }, soon);
  });

  it('keeps events of a key apart, and runs as many others as concurrency says', async () => {
    await using broker = await open({ concurrency: '3' });
    const topic = newTopic();
    const gate = Promise.withResolvers<void>();
    const running: string[] = [];
    const ended: string[] = [];
    await broker.subscribe({ topic }, async (message) => {
      running.push(textOf(message));
      await gate.promise;
      ended.push(textOf(message));
    });
    for (const data of ['a1', 'a2', 'b1', 'b2', 'c1', 'd1'])
      await broker.publish({ ...event(topic, data), key: data[0]! });
    await vi.waitFor(() => expect(running).toEqual(['a1', 'b1', 'c1']), soon);
    gate.resolve();
    await vi.waitFor(() => expect(ended).toHaveLength(6), soon);
    expect(ended.indexOf('a1')).toBeLessThan(ended.indexOf('a2'));
    expect(ended.indexOf('b1')).toBeLessThan(ended.indexOf('b2'));
  });

  it('gives a subscriber that gathers events as many as it gathers', async () => {
    await using broker = await open();
    const topic = newTopic();
    const gate = Promise.withResolvers<void>();
    let running = 0;
    await broker.subscribe({ topic, together: 5 }, async () => {
      running++;
      await gate.promise;
    });
    await broker.bulkPublish!(Array.from({ length: 8 }, (_, i) => event(topic, String(i))));
    await vi.waitFor(() => expect(running).toBe(5), soon);
    gate.resolve();
    await vi.waitFor(() => expect(running).toBe(8), soon);
  });

  it('pauses a partition whose events wait, and reads all of them in the end', async () => {
    const metadata = {
      channelBufferSize: '5',
      consumerFetchDefault: '1000',
      initialOffset: 'oldest',
    };
    await using broker = await open(metadata);
    const topic = newTopic();
    // Each is a batch of its own, so that an answer of the broker holds some of them only.
    for (let i = 0; i < 60; i++) await broker.publish(event(topic, `${i}`.padEnd(100)));
    const seen: number[] = [];
    const gate = Promise.withResolvers<void>();
    await broker.subscribe({ topic }, async (message) => {
      await gate.promise;
      seen.push(Number(textOf(message)));
    });
    gate.resolve();
    await vi.waitFor(() => expect(seen).toHaveLength(60), soon);
    expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('passes over an event after backOffMaxRetries, and says so', async () => {
    const clock = createTestClock();
    const log: LogEntry[] = [];
    await using broker = await open({ backOffMaxRetries: '1', backOffDuration: '1s' }, clock, log);
    const topic = newTopic();
    const seen: string[] = [];
    await broker.subscribe({ topic }, async (message) => {
      seen.push(textOf(message));
      if (textOf(message) === 'poison') throw new Error('never');
    });
    await broker.publish(event(topic, 'poison'));
    await broker.publish(event(topic, 'next'));
    await vi.waitFor(() => {
      clock.advance(1_000);
      expect(seen).toEqual(['poison', 'poison', 'next']);
    }, soon);
    expect(log.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'event handler failed; the event is passed over', fields: { failures: 2 } },
    ]);
  });
});

it('pubsub.kafka says how many connections it has, and what is under way', async () => {
  await using broker = await open();
  const topic = newTopic();
  const gate = Promise.withResolvers<void>();
  await broker.subscribe({ topic }, () => gate.promise);
  expect(broker.usage!().connections).toBeGreaterThan(1);
  await broker.bulkPublish!([event(topic, '1'), event(topic, '2')]);
  await vi.waitFor(() => expect(broker.usage!().inFlight).toBe(2), soon);
  gate.resolve();
  await vi.waitFor(() => expect(broker.usage!().inFlight).toBe(0), soon);
  await broker.close();
  await vi.waitFor(() => expect(broker.usage!().connections).toBe(0), soon);
});

describe('transactions of pubsub.kafka', () => {
  it('store what a handler published with the position, or nothing of it', async () => {
    const [from, to] = [newTopic(), newTopic()];
    const clock = createTestClock();
    const metadata = { consumerGroup: from, transactional: 'true', initialOffset: 'oldest' };
    await using broker = await open(metadata, clock);
    await using reader = await open({ initialOffset: 'oldest' });
    const seen = await collect(reader, to);
    let attempts = 0;
    await broker.subscribe({ topic: from }, async (message) => {
      attempts++;
      await broker.publish(event(to, `${textOf(message)} at ${attempts}`));
      if (attempts === 1) throw new Error('after it published');
    });
    await broker.publish(event(from, 'one'));
    await broker.publish(event(from, 'two'));
    await vi.waitFor(() => {
      clock.advance(5_000);
      expect(seen.map(textOf)).toEqual(['one at 2', 'two at 3']);
    }, soon);
    // Behind the second event; the transaction wrote it.
    await vi.waitFor(async () => expect(await positionOf(from, from)).toBe('2'), soon);
  });

  it('are ended by the next owner of the partition', async () => {
    const [from, to] = [newTopic(), newTopic()];
    const metadata = { consumerGroup: from, transactional: 'true', initialOffset: 'oldest' };
    const first = await open(metadata);
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    await first.subscribe({ topic: from }, async () => {
      await first.publish(event(to, 'of the first'));
      entered.resolve();
      await gate.promise;
    });
    await first.publish(event(from, 'one'));
    await entered.promise;
    // Another process takes the name of the transaction, as after a failure of this one.
    const brokers = [`127.0.0.1:${server.port}`];
    const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
    const thief = kafka.producer({
      transactionalId: `troupe-${from}-${from}-0`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await thief.connect();
    await (await thief.transaction()).abort();
    await thief.disconnect();
    gate.resolve();
    await first.close();
    expect(await positionOf(from, from), 'the first could not commit').toBe('-1');
    await using second = await open(metadata);
    await using reader = await open({ initialOffset: 'oldest' });
    const seen = await collect(reader, to);
    await second.subscribe({ topic: from }, () => second.publish(event(to, 'of the second')));
    await vi.waitFor(() => expect(seen.map(textOf)).toEqual(['of the second']), soon);
  });
});

describe('the settings of pubsub.kafka', () => {
  it.each([
    [{ authType: 'oidc' }, /"authType" is oidc: OpenID Connect is not supported/],
    [{ authType: 'awsiam' }, /"authType" is awsiam/],
    [{ authType: 'password', saslUsername: 'u' }, /"saslPassword" is missing/],
    [{ authType: 'certificate' }, /"caCert" is missing/],
    [{ caCert: 'x' }, /"caCert" is not PEM/],
    [{ compression: 'snappy' }, /"compression" is snappy, which is not supported/],
    [{ consumerGroupRebalanceStrategy: 'sticky' }, /is sticky, which is not supported/],
    [{ heartbeatInterval: '10s' }, /"heartbeatInterval" must be less than "sessionTimeout"/],
    [{ initialOffset: 'middle' }, /"initialOffset" must be "newest" or "oldest"/],
    [{ version: '0.10.2.0' }, /"version" is below 0.11/],
    [{ brokers: 'localhost' }, /"brokers" is not a list of addresses/],
    [{ excludeHeaderMetaRegex: '(' }, /is not a regular expression/],
    [{ transactional: 'true', concurrency: '2' }, /"concurrency" must be 1 with "transactional"/],
  ])('%j are refused by name', async (metadata, message) => {
    await expect(open(metadata)).rejects.toThrow(message);
  });

  it('name the broker that does not answer', async () => {
    const metadata = { brokers: '127.0.0.1:1', producerRetryMax: '1' };
    await expect(open(metadata)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('127.0.0.1:1') as unknown,
    });
    const options = testOptions('pubsub.kafka', { brokers: '127.0.0.1:1', authType: 'none' });
    const opening = driver.create(options, { signal: AbortSignal.timeout(50) });
    await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
