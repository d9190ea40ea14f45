import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerMessage, MessageHandler, PubSub } from '../../components/pubsub/contract.ts';
import { policies } from '../core/resiliency.fixture.ts';
import { createResiliency } from '../core/resiliency.ts';
import type { ResiliencyPolicies } from '../core/resiliency-policies.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { createPubSubApi, type PubSubEntry } from './pubsub.ts';
import { createSubscriptions, type BulkDelivery, type Delivery } from './subscriptions.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** A broker that the test moves by hand: what was published is listed, what is pushed has its outcome. */
function createBroker() {
  const published: BrokerMessage[] = [];
  const handlers = new Map<string, MessageHandler>();
  let failures = 0;
  const pubsub = {
    features: [],
    async publish(message) {
      if (failures-- > 0) throw new Error('broker is away');
      published.push(message);
    },
    async subscribe({ topic }, handler) {
      handlers.set(topic, handler);
      const close = async () => void handlers.delete(topic);
      return { close, [Symbol.asyncDispose]: close };
    },
    async ping() {},
    async close() {},
    async [Symbol.asyncDispose]() {},
  } satisfies PubSub;
  return {
    pubsub,
    published,
    fail: (times: number) => void (failures = times),
    handler: (topic: string) => handlers.get(topic)!,
    topics: () => [...handlers.keys()],
    /** `done`, or why the broker has the message again. */
    push: async (topic: string, message: Partial<BrokerMessage> = {}): Promise<string> => {
      const { signal } = new AbortController();
      const data = encode({ id: '1', type: 'order', data: { n: 5 } });
      return handlers.get(topic)!({ topic, data, ...message }, { signal }).then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      );
    },
  };
}

function start(documents: Partial<ResiliencyPolicies> = {}, entry: Partial<PubSubEntry> = {}) {
  const time = createVirtualClock(0, () => new Promise((rest) => setImmediate(rest)));
  const broker = createBroker();
  const resiliency = createResiliency([policies(documents)], {
    clock: time.clock,
    random: () => 0.5,
    logger: silent,
    compileTrip: () => () => false,
  });
  const shared = { appId: 'shop', now: () => time.clock.now(), logger: silent, resiliency };
  const pubsubs = new Map([['pubsub', { pubsub: broker.pubsub, ...entry }]]);
  const api = createPubSubApi({ ...shared, pubsubs });
  const subscriptions = createSubscriptions({
    ...shared,
    pubsub: api,
    timer: (delayMs, fire) => time.clock.timer(time.clock.now() + delayMs, fire),
  });
  return { ...broker, api, subscriptions, clock: time.handle };
}

let world: ReturnType<typeof start>;
beforeEach(() => (world = start()));
afterEach(() => world.subscriptions.close());

const threeTimes = {
  retries: {
    r: { policy: 'constant', durationMs: 100, maxIntervalMs: 0, maxRetries: 2 } as const,
  },
  components: { pubsub: { inbound: { retry: 'r' }, outbound: { retry: 'r' } } },
};

describe('a subscriber that fails', () => {
  it('has the broker deliver again when there is no policy and no dead letter topic', async () => {
    await world.subscriptions.subscribeBytes({ topic: 't' }, async () => 'RETRY');
    expect(await world.push('t')).toMatch(/asked for a retry/);
  });

  it('is tried as the inbound policy says, and then the event goes to the dead letter topic', async () => {
    world = start(threeTimes);
    let attempts = 0;
    const request = { topic: 't', deadLetterTopic: 'dead' };
    await world.subscriptions.subscribeBytes(request, async () => {
      attempts += 1;
      return 'RETRY';
    });
    const message = { contentType: 'application/cloudevents+json', metadata: { k: 'v' } };
    const outcome = world.push('t', message);
    await world.clock.advance(1000);
    expect(await outcome).toBe('done');
    expect(attempts).toBe(3);
    expect(world.published).toMatchObject([{ topic: 'dead', ...message }]);
  });

  it('is tried again only with a status that matches', async () => {
    const { retries } = threeTimes;
    world = start({
      ...threeTimes,
      retries: { r: { ...retries.r, httpStatusCodes: [[503, 503]] } },
    });
    const codes: number[] = [];
    await world.subscriptions.subscribeBytes({ topic: 't' }, async () => {
      codes.push(codes.length === 0 ? 503 : 400);
      return { status: 'RETRY', code: codes.at(-1)! };
    });
    const outcome = world.push('t');
    await world.clock.advance(1000);
    expect(await outcome).toMatch(/retry/);
    expect(codes).toEqual([503, 400]);
  });

  it('and says DROP is not asked again; the event goes to the dead letter topic if there is one', async () => {
    await world.subscriptions.subscribeBytes({ topic: 'plain' }, async () => 'DROP');
    await world.subscriptions.subscribeBytes(
      { topic: 'kept', deadLetterTopic: 'dead' },
      async () => 'DROP',
    );
    expect(await world.push('plain')).toBe('done');
    expect(world.published).toEqual([]);
    expect(await world.push('kept')).toBe('done');
    expect(world.published).toMatchObject([{ topic: 'dead' }]);
  });

  it('keeps the event with the broker when the dead letter topic cannot be written', async () => {
    const request = { topic: 't', deadLetterTopic: 'dead' };
    await world.subscriptions.subscribeBytes(request, async () => 'RETRY');
    world.fail(1);
    expect(await world.push('t')).toMatch(/retry/);
  });
});

describe('an event', () => {
  it('that has expired, or that no rule takes, goes to the dead letter topic', async () => {
    const seen: Delivery[] = [];
    await world.subscriptions.subscribeBytes(
      {
        topic: 't',
        deadLetterTopic: 'dead',
        rules: [{ match: 'event.type == "other"', path: '/x' }],
      },
      async (delivery) => {
        seen.push(delivery);
        return 'SUCCESS';
      },
    );
    await world.clock.advance(10_000);
    const expired = encode({ id: '1', type: 'other', expiration: '1970-01-01T00:00:01Z' });
    expect(await world.push('t', { data: expired })).toBe('done');
    expect(await world.push('t')).toBe('done');
    expect(await world.push('t', { data: encode({ id: '1', type: 'other' }) })).toBe('done');
    expect(world.published.map(({ topic }) => topic)).toEqual(['dead', 'dead']);
    expect(seen.map(({ path }) => path)).toEqual(['/x']);
  });

  it('whose rule cannot be evaluated is the broker’s again', async () => {
    const rules = [{ match: 'event.data.missing == 1', path: '/x' }];
    await world.subscriptions.subscribeBytes({ topic: 't', rules }, async () => 'SUCCESS');
    expect(await world.push('t')).toMatch(/No such key: missing/);
  });

  it('of binary content is made from the headers that begin with ce_', async () => {
    const seen: Delivery[] = [];
    await world.subscriptions.subscribeBytes({ topic: 't' }, async (delivery) => {
      seen.push(delivery);
      return 'SUCCESS';
    });
    await world.push('t', {
      data: new Uint8Array([1, 2]),
      contentType: 'application/octet-stream',
      metadata: { ce_id: '7', Ce_Type: 'picture', ce_source: 'camera' },
    });
    expect(seen[0]!.event).toMatchObject({
      id: '7',
      type: 'picture',
      source: 'camera',
      datacontenttype: 'application/octet-stream',
      data: 'AQI=',
    });
    expect(seen[0]!.bytes).toEqual(new Uint8Array([1, 2]));
  });

  it('of a raw subscription has the trace that came beside it', async () => {
    const seen: unknown[] = [];
    const request = { topic: 't', metadata: { rawPayload: 'true' } };
    await world.subscriptions.subscribeBytes(request, async ({ bytes }) => {
      seen.push(JSON.parse(new TextDecoder().decode(bytes)));
      return 'SUCCESS';
    });
    await world.push('t', { metadata: { traceparent: '00-1-2-01' } });
    expect(seen).toMatchObject([{ traceid: '00-1-2-01', traceparent: '00-1-2-01', topic: 't' }]);
  });
});

describe('a component that belongs to a namespace', () => {
  it('has topics of its own in the broker, which the app does not see', async () => {
    world = start({}, { topicPrefix: 'prod' });
    const seen: Delivery[] = [];
    await world.subscriptions.subscribeBytes({ topic: 't' }, async (delivery) => {
      seen.push(delivery);
      return 'SUCCESS';
    });
    await world.api.publish({ pubsub: 'pubsub', topic: 't', data: encode('x') });
    expect(world.published[0]!.topic).toBe('prodt');
    expect(world.topics()).toEqual(['prodt']);
    await world.push('prodt', { data: world.published[0]!.data });
    expect(seen[0]!.event).toMatchObject({ topic: 't' });
  });
});

describe('a bulk subscription', () => {
  const bulk = { topic: 't', bulk: { maxMessagesCount: 3, maxAwaitDurationMs: 1000 } };
  const never = async () => 'RETRY' as const;

  it('waits for enough events, or for the first to have waited long enough', async () => {
    const sizes: number[] = [];
    await world.subscriptions.subscribeBytes(bulk, never, async ({ entries }) => {
      sizes.push(entries.length);
      return { statuses: new Map(entries.map(({ entryId }) => [entryId, 'SUCCESS'])) };
    });
    const first = [1, 2, 3].map(() => world.push('t'));
    expect(await Promise.all(first)).toEqual(['done', 'done', 'done']);
    const one = world.push('t');
    await world.clock.advance(999);
    expect(sizes).toEqual([3]);
    await world.clock.advance(1);
    expect(await one).toBe('done');
    expect(sizes).toEqual([3, 1]);
  });

  it('gets one event at a time from a broker that hands out the next after the last', async () => {
    const pubsub: PubSub = { ...world.pubsub, features: ['BULK_SUBSCRIBE_IMMEDIATE'] };
    const { subscriptions } = start({}, { pubsub });
    const sizes: number[] = [];
    await subscriptions.subscribeBytes(bulk, never, async ({ entries }) => {
      sizes.push(entries.length);
      return { statuses: new Map(entries.map(({ entryId }) => [entryId, 'SUCCESS'])) };
    });
    expect(await world.push('t')).toBe('done');
    expect(await world.push('t')).toBe('done');
    expect(sizes).toEqual([1, 1]);
  });

  it('tries only those again that are not done, and drops what it is told to', async () => {
    world = start(threeTimes);
    const calls: BulkDelivery[] = [];
    const request = { ...bulk, deadLetterTopic: 'dead' };
    await world.subscriptions.subscribeBytes(request, never, async (delivery) => {
      calls.push(delivery);
      const of = (n: number) => delivery.entries[n]?.entryId ?? '';
      return {
        statuses: new Map(
          calls.length === 1
            ? [
                [of(0), 'SUCCESS'],
                [of(1), 'DROP'],
              ]
            : [],
        ),
      };
    });
    const all = [1, 2, 3].map(() => world.push('t'));
    await world.clock.advance(5000);
    expect(await Promise.all(all)).toEqual(['done', 'done', 'done']);
    expect(calls.map(({ entries }) => entries.length)).toEqual([3, 1, 1]);
    expect(world.published.map(({ topic }) => topic)).toEqual(['dead', 'dead']);
  });
});

describe('closing', () => {
  it('lets the delivery that runs finish, and holds what arrives meanwhile', async () => {
    const running = Promise.withResolvers<'SUCCESS'>();
    let deliveries = 0;
    const subscription = await world.subscriptions.subscribeBytes({ topic: 't' }, () => {
      deliveries += 1;
      return running.promise;
    });
    const first = world.push('t');
    await world.clock.advance(0);
    const handler = world.handler('t');
    const closing = subscription.close();
    let late = 'held';
    void handler({ topic: 't', data: encode({}) }, { signal: AbortSignal.abort() }).catch(
      () => (late = 'given back'),
    );
    await world.clock.advance(1000);
    expect(late).toBe('held');
    running.resolve('SUCCESS');
    await closing;
    expect(await first).toBe('done');
    expect([deliveries, late]).toEqual([1, 'given back']);
  });

  it('gives up after 30 seconds, and tells the delivery', async () => {
    let told = false;
    const subscription = await world.subscriptions.subscribeBytes(
      { topic: 't' },
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            told = true;
            reject(signal.reason as Error);
          });
        }),
    );
    const outcome = world.push('t');
    await world.clock.advance(0);
    const closing = subscription.close();
    await world.clock.advance(29_999);
    expect(told).toBe(false);
    await world.clock.advance(1);
    await closing;
    expect(told).toBe(true);
    expect(await outcome).toMatch(/closed/);
  });
});

describe('publishing under an outbound policy', () => {
  it('is repeated, in bulk only for the entries that failed', async () => {
    world = start(threeTimes);
    world.fail(1);
    const one = world.api.publish({ pubsub: 'pubsub', topic: 't', data: encode(1) });
    await world.clock.advance(1000);
    await one;
    expect(world.published).toHaveLength(1);
    world.fail(1);
    const entries = ['a', 'b'].map((entryId) => ({
      entryId,
      data: encode(entryId),
      contentType: 'application/json',
    }));
    const all = world.api.bulkPublish({ pubsub: 'pubsub', topic: 't', entries });
    await world.clock.advance(1000);
    expect(await all).toEqual([]);
    expect(world.published).toHaveLength(3);
  });
});
