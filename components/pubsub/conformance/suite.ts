/**
 * The behaviour that every broker shows: each subscription gets each event of
 * its topic at least once, an event that a handler rejected comes again, and
 * close waits for what runs.
 */
import { describe, expect, it, vi } from 'vitest';
import { createTestClock, type TestClock } from '../../test-clock.ts';
import type { BrokerMessage, PubSub } from '../contract.ts';

export const PUBSUB_FEATURES = ['MESSAGE_TTL', 'SUBSCRIBE_WILDCARDS', 'BULK_PUBSUB'] as const;

export interface PubSubSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** An empty broker that tells the time by `clock`. The suite closes it. */
  create(clock: TestClock): Promise<PubSub>;
  readonly features: readonly (typeof PUBSUB_FEATURES)[number][];
  /** Makes a waiting redelivery happen: most brokers do it by themselves, those on the clock want it moved. */
  redeliver(clock: TestClock): void;
}

export const event = (topic: string, data: string): BrokerMessage => ({
  topic,
  data: new TextEncoder().encode(data),
});

export const textOf = (message: BrokerMessage): string => new TextDecoder().decode(message.data);

/** Servers take their time on a machine that does much else. */
const soon = (check: () => void): Promise<void> => vi.waitFor(check);

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function pubsubConformance(subject: PubSubSubject): void {
  const withBroker =
    (body: (broker: PubSub, clock: TestClock) => Promise<void>) => async (): Promise<void> => {
      const clock = createTestClock();
      await using broker = await subject.create(clock);
      await body(broker, clock);
    };

  describe(`${subject.name} as a broker`, () => {
    it(
      'declares its features, and has bulk publish exactly when it says so',
      withBroker(async (broker) => {
        expect([...broker.features].sort()).toEqual([...subject.features].sort());
        expect(broker.bulkPublish !== undefined).toBe(subject.features.includes('BULK_PUBSUB'));
      }),
    );

    it(
      'delivers an event as it was published',
      withBroker(async (broker) => {
        const seen: BrokerMessage[] = [];
        await broker.subscribe({ topic: 'orders' }, async (message) => void seen.push(message));
        const data = Buffer.from([0, 1, 255]);
        const publishing = broker.publish({
          topic: 'orders',
          data,
          contentType: 'application/octet-stream',
          metadata: { a: 'b' },
        });
        data[0] = 9;
        await publishing;
        await soon(() => expect(seen).toHaveLength(1));
        expect(seen[0]).toMatchObject({
          topic: 'orders',
          contentType: 'application/octet-stream',
          metadata: { a: 'b' },
        });
        expect([...seen[0]!.data].slice(1)).toEqual([1, 255]);
      }),
    );

    it(
      'gives every subscription of a topic every event, and none of another topic',
      withBroker(async (broker) => {
        const seen: Record<string, string[]> = { a: [], b: [], other: [] };
        for (const [name, topic] of [
          ['a', 'orders'],
          ['b', 'orders'],
          ['other', 'orders.late'],
        ] as const)
          await broker.subscribe({ topic }, async (message) => {
            seen[name]!.push(textOf(message));
          });
        for (const data of ['1', '2', '3']) await broker.publish(event('orders', data));
        await soon(() => {
          expect(seen).toEqual({ a: ['1', '2', '3'], b: ['1', '2', '3'], other: [] });
        });
      }),
    );

    it(
      'takes an event that nobody subscribed to',
      withBroker(async (broker) => {
        await broker.publish(event('nobody', '1'));
      }),
    );

    it(
      'keeps the order of publishing for a subscription',
      withBroker(async (broker) => {
        const seen: string[] = [];
        await broker.subscribe({ topic: 't' }, async (message) => {
          seen.push(textOf(message));
          await Promise.resolve();
        });
        const expected = Array.from({ length: 3_000 }, (_, i) => String(i));
        for (const data of expected) await broker.publish(event('t', data));
        await soon(() => expect(seen).toHaveLength(3_000));
        expect(seen).toEqual(expected);
      }),
    );

    it(
      'delivers again what a handler rejected, to that subscription only',
      withBroker(async (broker, clock) => {
        const seen: string[] = [];
        let failures = 2;
        await broker.subscribe({ topic: 't' }, async (message) => {
          seen.push(`a${textOf(message)}`);
          if (failures-- > 0) throw new Error('not yet');
        });
        await broker.subscribe({ topic: 't' }, async (message) => {
          seen.push(`b${textOf(message)}`);
        });
        await broker.publish(event('t', '1'));
        await soon(() => {
          subject.redeliver(clock);
          expect(seen.filter((entry) => entry === 'a1')).toHaveLength(3);
        });
        subject.redeliver(clock);
        expect(seen.filter((entry) => entry === 'b1')).toHaveLength(1);
        expect(seen.filter((entry) => entry === 'a1')).toHaveLength(3);
      }),
    );

    it(
      'survives a handler that throws at once',
      withBroker(async (broker, clock) => {
        let calls = 0;
        await broker.subscribe({ topic: 't' }, () => {
          calls++;
          if (calls === 1) throw new Error('at once');
          return Promise.resolve();
        });
        await broker.publish(event('t', '1'));
        await soon(() => {
          subject.redeliver(clock);
          expect(calls).toBe(2);
        });
      }),
    );

    it(
      'ends a subscription after the handler that runs, and delivers nothing more to it',
      withBroker(async (broker) => {
        const started = Promise.withResolvers<void>();
        const finish = Promise.withResolvers<void>();
        const seen: string[] = [];
        const subscription = await broker.subscribe({ topic: 't' }, async (message) => {
          started.resolve();
          await finish.promise;
          seen.push(textOf(message));
        });
        await broker.publish(event('t', '1'));
        await started.promise;
        let closed = false;
        const closing = subscription.close().then(() => (closed = true));
        await broker.publish(event('t', '2'));
        await Promise.resolve();
        expect(closed).toBe(false);
        finish.resolve();
        await closing;
        await subscription.close();
        expect(seen).toEqual(['1']);
        await broker.publish(event('t', '3'));
        expect(seen).toEqual(['1']);
      }),
    );

    it(
      'waits on close for the handlers that run, and refuses every use afterwards',
      withBroker(async (broker) => {
        const started = Promise.withResolvers<void>();
        const finish = Promise.withResolvers<void>();
        let handled = false;
        await broker.subscribe({ topic: 't' }, async () => {
          started.resolve();
          await finish.promise;
          handled = true;
        });
        await broker.publish(event('t', '1'));
        await started.promise;
        await broker.ping();
        const closing = broker.close();
        finish.resolve();
        await closing;
        expect(handled).toBe(true);
        await broker.close();
        await broker[Symbol.asyncDispose]();
        const uses = [
          broker.publish(event('t', '2')),
          broker.subscribe({ topic: 't' }, async () => {}),
          broker.ping(),
        ];
        for (const use of uses) await expect(use).rejects.toThrow(/is closed/);
      }),
    );

    it(
      'refuses an empty topic and a publish that was cancelled',
      withBroker(async (broker) => {
        await expect(broker.publish(event('', '1'))).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
        });
        await expect(broker.subscribe({ topic: '' }, async () => {})).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
        });
        await expect(
          broker.publish(event('t', '1'), { signal: AbortSignal.abort() }),
        ).rejects.toMatchObject({ code: 'CANCELLED' });
      }),
    );
  });
}
