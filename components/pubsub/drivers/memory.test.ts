import { describe, expect, it, vi } from 'vitest';
import { TroupeError } from '../../../runtime/core/errors.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type LogEntry, testOptions, type TestClock } from '../../test-clock.ts';
import { event, pubsubConformance, textOf } from '../conformance/suite.ts';
import { driver } from './memory.ts';

const create = (
  metadata: ComponentMetadata = {},
  clock: TestClock = createTestClock(),
  log: LogEntry[] = [],
) =>
  driver.create(testOptions('pubsub.in-memory', metadata, clock, log), {
    signal: new AbortController().signal,
  });

for (const metadata of [{}, { concurrencyMode: 'parallel' }]) {
  pubsubConformance({
    name: `pubsub.in-memory ${JSON.stringify(metadata)}`,
    create: (clock) => create(metadata, clock),
    features: ['SUBSCRIBE_WILDCARDS'],
    redeliver: (clock) => clock.advance(100),
  });
}

/** A handler that can be watched and let go event by event. */
function gate() {
  const running: string[] = [];
  const waiting: (() => void)[] = [];
  return {
    running,
    release: () => waiting.shift()?.(),
    handler: async (message: Parameters<typeof textOf>[0]) => {
      running.push(textOf(message));
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

describe('pubsub.in-memory', () => {
  it('handles one event of a subscription at a time', async () => {
    const broker = await create();
    const { running, release, handler } = gate();
    await broker.subscribe({ topic: 't' }, handler);
    for (const data of ['1', '2', '3']) await broker.publish(event('t', data));
    await vi.waitFor(() => expect(running).toEqual(['1']));
    release();
    await vi.waitFor(() => expect(running).toEqual(['1', '2']));
    const closing = broker.close();
    release();
    await closing;
    expect(running).toEqual(['1', '2']);
  });

  it('gives a subscription with a star at the end what begins so and goes on', async () => {
    const broker = await create({ concurrencyMode: 'parallel' });
    const seen: string[] = [];
    const all = await broker.subscribe(
      { topic: 'orders/*' },
      async (message) => void seen.push(textOf(message)),
    );
    for (const topic of ['orders', 'orders/', 'orders/new', 'orders/eu/new', 'other']) {
      await broker.publish(event(topic, topic), { untilHandled: true });
    }
    expect(seen).toEqual(['orders/new', 'orders/eu/new']);
    await all.close();
    await broker.publish(event('orders/new', 'late'), { untilHandled: true });
    expect(seen).toHaveLength(2);
    await broker.close();
  });

  it('runs up to maxConcurrentHandlers together in parallel mode, started in order', async () => {
    const broker = await create({ concurrencyMode: 'parallel', maxConcurrentHandlers: '2' });
    const { running, release, handler } = gate();
    await broker.subscribe({ topic: 't' }, handler);
    for (const data of ['1', '2', '3']) await broker.publish(event('t', data));
    await vi.waitFor(() => expect(running).toEqual(['1', '2']));
    release();
    await vi.waitFor(() => expect(running).toEqual(['1', '2', '3']));
    release();
    release();
    await broker.close();
  });

  it('waits longer before every delivery, and gives the event up after ten', async () => {
    const clock = createTestClock();
    const log: LogEntry[] = [];
    await using broker = await create({}, clock, log);
    const at: number[] = [];
    const start = clock.now();
    const seen: string[] = [];
    await broker.subscribe({ topic: 't' }, async (message) => {
      if (textOf(message) === 'next') return void seen.push('next');
      at.push(clock.now() - start);
      throw new Error('never');
    });
    await broker.publish(event('t', 'poison'));
    await broker.publish(event('t', 'next'));
    for (let attempt = 1; attempt < 10; attempt++) {
      await vi.waitFor(() => expect([at.length, clock.pending()]).toEqual([attempt, 1]));
      expect(seen).toEqual([]);
      clock.advance(Math.min(100 * 2 ** (attempt - 1), 10_000));
    }
    await vi.waitFor(() => expect(seen).toEqual(['next']));
    expect(at).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300, 12_700, 22_700, 32_700]);
    expect(log.filter((entry) => entry.level === 'error')).toEqual([
      {
        level: 'error',
        message: 'event given up after its last delivery failed',
        fields: { component: 'subject', topic: 't', attempts: 10, error: 'never' },
      },
    ]);
  });

  it('gives an event up at once whose subscriber has used up retries of its own', async () => {
    const log: LogEntry[] = [];
    const broker = await create({}, createTestClock(), log);
    let deliveries = 0;
    await broker.subscribe({ topic: 't' }, async () => {
      deliveries++;
      throw new TroupeError('UNAVAILABLE', 'used up', { retryable: false });
    });
    await broker.publish(event('t', '1'));
    await vi.waitFor(() => expect(log.some(({ level }) => level === 'error')).toBe(true));
    expect(deliveries).toBe(1);
    await broker.close();
  });

  it('refuses a publish when 10,000 events wait, for every subscription alike', async () => {
    const broker = await create();
    const { handler, release, running } = gate();
    await broker.subscribe({ topic: 't' }, handler);
    let others = 0;
    await broker.subscribe({ topic: 't' }, async () => void others++);
    await broker.publish(event('t', 'first'));
    await vi.waitFor(() => expect(running).toEqual(['first']));
    for (let i = 0; i < 10_000; i++) await broker.publish(event('t', String(i)));
    await vi.waitFor(() => expect(others).toBe(10_001));
    await expect(broker.publish(event('t', 'one too many'))).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
      details: { topic: 't' },
    });
    await broker.publish(event('another topic', '1'));
    release();
    await vi.waitFor(() => expect(running).toHaveLength(2));
    await broker.publish(event('t', 'room again'));
    await vi.waitFor(() => expect(others).toBe(10_002));
    const closing = broker.close();
    release();
    await closing;
  });

  it('closes at once while an event waits for its next delivery, and says what was lost', async () => {
    const clock = createTestClock();
    const log: LogEntry[] = [];
    const broker = await create({}, clock, log);
    let calls = 0;
    await broker.subscribe({ topic: 't' }, async () => {
      calls++;
      throw new Error('no');
    });
    await broker.publish(event('t', '1'));
    await broker.publish(event('t', '2'));
    await vi.waitFor(() => expect(clock.pending()).toBe(1));
    await broker.close();
    expect(clock.pending()).toBe(0);
    clock.advance(60_000);
    expect(calls).toBe(1);
    expect(log.at(-1)).toMatchObject({ level: 'warn', fields: { topic: 't', count: 2 } });
  });

  it('aborts the signal of a handler that still runs five seconds after close', async () => {
    const clock = createTestClock();
    const broker = await create({}, clock);
    let signal: AbortSignal | undefined;
    await broker.subscribe({ topic: 't' }, async (_, context) => {
      signal = context.signal;
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
    });
    await broker.publish(event('t', '1'));
    await vi.waitFor(() => expect(signal).toBeDefined());
    const closing = broker.close();
    clock.advance(4_999);
    expect(signal?.aborted).toBe(false);
    clock.advance(1);
    await closing;
    expect(signal?.aborted).toBe(true);
  });

  it.each([
    [{ concurrencyMode: 'double' }, /"concurrencyMode" must be "single" or "parallel"/],
    [{ maxConcurrentHandlers: '5' }, /"maxConcurrentHandlers" needs "concurrencyMode"/],
    [{ concurrencyMode: 'parallel', maxConcurrentHandlers: '0' }, /not a whole number/],
  ])('refuses the metadata %j', async (metadata, reason) => {
    await expect(create(metadata)).rejects.toThrow(reason);
  });
});
