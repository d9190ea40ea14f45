/**
 * `pubsub.in-memory`: a broker that lives and ends with the process. Every
 * subscription of a topic gets every event, in the order of publishing. As
 * Dapr's, it handles one event of a subscription at a time; `concurrencyMode`
 * `parallel` starts handlers in that order and lets them run together.
 *
 * A handler that rejects gets its event again after a growing delay; the event
 * keeps its place meanwhile. After the last attempt it is given up, which is
 * logged as an error with topic and attempts; so is one whose subscriber has
 * used up retries of its own, as in Dapr. A subscription of a topic that ends with
 * `*` gets every topic that begins so and goes on.
 */
import { ComponentError, isTroupeError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { BrokerMessage, MessageHandler, PubSub, Subscription } from '../contract.ts';

/** Events that may wait for one subscription; a publish beyond it is refused. */
const QUEUE_LIMIT = 10_000;
/** Deliveries of one event before it is given up. */
const ATTEMPTS = 10;
/** Delay before the second delivery; it doubles from there. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
/** How long a closing subscription leaves its handlers alone before their signal aborts. */
const CLOSE_GRACE_MS = 5_000;

const fields: readonly MetadataField[] = [
  {
    name: 'concurrencyMode',
    description:
      '`single`: one event of a subscription at a time. `parallel`: handlers are started in order and run together. Default `single`.',
  },
  {
    name: 'maxConcurrentHandlers',
    description: 'With `parallel`, how many handlers of a subscription run at once. Default `64`.',
  },
];

/** How many handlers a subscription may run at once. */
function readConcurrency(options: ComponentOptions): number {
  const metadata = readMetadata(options, fields);
  const mode = (metadata.text('concurrencyMode') ?? 'single').toLowerCase();
  const limit = metadata.count('maxConcurrentHandlers', 1);
  if (mode === 'parallel') return limit ?? 64;
  if (mode !== 'single') throw metadata.refuse('concurrencyMode', 'must be "single" or "parallel"');
  if (limit !== undefined && limit > 1)
    throw metadata.refuse('maxConcurrentHandlers', 'needs "concurrencyMode" set to "parallel"');
  return 1;
}

/** What became of an event: with its subscriber's agreement or without, but over; or left when the subscription closed. */
type Outcome = 'over' | 'left';

interface Queued {
  readonly message: BrokerMessage;
  readonly settle: (outcome: Outcome) => void;
}

class MemorySubscription implements Subscription {
  readonly #options: ComponentOptions;
  readonly #topic: string;
  readonly #handler: MessageHandler;
  readonly #concurrency: number;
  readonly #onClose: () => void;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Deliveries that wait for their next attempt: the function lets them go on, or give up. */
  readonly #delayed = new Set<() => void>();
  #queue: Queued[] = [];
  /** Position of the next event in the queue, so that taking one moves nothing. */
  #next = 0;
  #closing: Promise<void> | undefined;

  constructor(
    options: ComponentOptions,
    topic: string,
    handler: MessageHandler,
    concurrency: number,
    onClose: () => void,
  ) {
    this.#options = options;
    this.#topic = topic;
    this.#handler = handler;
    this.#concurrency = concurrency;
    this.#onClose = onClose;
  }

  get isFull(): boolean {
    return this.#queue.length - this.#next >= QUEUE_LIMIT;
  }

  /** Resolves when the subscriber is done with the event. */
  offer(message: BrokerMessage): Promise<Outcome> {
    return new Promise((settle) => {
      this.#queue.push({ message, settle });
      // The publisher goes on first: its handlers never run inside its call.
      queueMicrotask(() => this.#pump());
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(): Promise<void> {
    this.#onClose();
    const undelivered = this.#queue.length - this.#next + this.#delayed.size;
    for (const { settle } of this.#queue.slice(this.#next)) settle('left');
    this.#queue = [];
    this.#next = 0;
    if (undelivered > 0) {
      this.#options.logger.warn(
        { component: this.#options.name, topic: this.#topic, count: undelivered },
        'subscription closed with events undelivered',
      );
    }
    for (const giveUp of this.#delayed) giveUp();
    const grace = this.#options.timer(CLOSE_GRACE_MS, () => this.#stop.abort());
    await Promise.all(this.#running);
    grace.cancel();
  }

  #pump(): void {
    while (this.#running.size < this.#concurrency && this.#next < this.#queue.length) {
      const { message, settle } = this.#queue[this.#next++]!;
      if (this.#next > 1_000 && this.#next * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#next);
        this.#next = 0;
      }
      const delivery = this.#deliver(message).then((outcome) => {
        settle(outcome);
        this.#running.delete(delivery);
        this.#pump();
      });
      this.#running.add(delivery);
    }
  }

  /** Never rejects: an event ends handled, given up, or left behind by close. */
  async #deliver(message: BrokerMessage): Promise<Outcome> {
    const log = { component: this.#options.name, topic: this.#topic };
    let delay = FIRST_DELAY_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#handler(message, { signal: this.#stop.signal });
        return 'over';
      } catch (error) {
        const fields = { ...log, attempts: attempt, error: textOf(error) };
        if (attempt === ATTEMPTS || isUsedUp(error)) {
          this.#options.logger.error(fields, 'event given up after its last delivery failed');
          return 'over';
        }
        if (this.#closing) {
          this.#options.logger.warn(fields, 'event left undelivered by a closing subscription');
          return 'left';
        }
        this.#options.logger.warn(
          { ...fields, delayMs: delay },
          'event handler failed; will retry',
        );
      }
      if (!(await this.#delay(delay))) return 'left';
      delay = Math.min(delay * 2, LONGEST_DELAY_MS);
    }
  }

  /** Resolves to false when the subscription closes meanwhile. */
  #delay(delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = (): void => {
        this.#delayed.delete(giveUp);
        timer.cancel();
        resolve(false);
      };
      const timer = this.#options.timer(delayMs, () => {
        this.#delayed.delete(giveUp);
        resolve(true);
      });
      this.#delayed.add(giveUp);
    });
  }
}

/** The subscriber has retries of its own, which are in the place of ours. */
const isUsedUp = (error: unknown): boolean =>
  isTroupeError(error) && error.code === 'UNAVAILABLE' && !error.retryable;

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function createBroker(options: ComponentOptions): PubSub {
  const concurrency = readConcurrency(options);
  const topics = new Map<string, Set<MemorySubscription>>();
  /** Those of `topics` that end with a star. */
  const wildcards = new Map<string, Set<MemorySubscription>>();
  let closing: Promise<void> | undefined;

  function requireOpen(): void {
    if (closing) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  function requireTopic(topic: string): void {
    if (typeof topic === 'string' && topic !== '') return;
    throw new ComponentError(options, 'a topic must be a non-empty text', {
      code: 'INVALID_ARGUMENT',
    });
  }

  function subscribersOf(topic: string): MemorySubscription[] {
    const found = [...(topics.get(topic) ?? [])];
    for (const [pattern, all] of wildcards) {
      const [start, isOther] = [pattern.slice(0, -1), topic !== pattern];
      if (isOther && topic.startsWith(start) && topic !== start) found.push(...all);
    }
    return found;
  }

  async function closeAll(): Promise<void> {
    const open = [...topics.values()].flatMap((subscriptions) => [...subscriptions]);
    await Promise.all(open.map((subscription) => subscription.close()));
  }

  function close(): Promise<void> {
    closing ??= closeAll();
    return closing;
  }

  return {
    features: ['SUBSCRIBE_WILDCARDS'],
    async publish(message, { signal, untilHandled = false } = {}) {
      requireOpen();
      requireTopic(message.topic);
      if (signal?.aborted)
        throw new ComponentError(options, 'the publish was cancelled before it began', {
          code: 'CANCELLED',
          cause: signal.reason,
        });
      const subscriptions = subscribersOf(message.topic);
      if (subscriptions.length === 0) return;
      // Nobody gets the event unless everybody can.
      for (const subscription of subscriptions) {
        if (!subscription.isFull) continue;
        throw new ComponentError(
          options,
          `${QUEUE_LIMIT} events of topic "${message.topic}" wait for a subscriber that is slower than its publishers; publish again later`,
          { code: 'OVERLOADED', details: { topic: message.topic } },
        );
      }
      const offered = subscriptions.map((subscription) =>
        subscription.offer({ ...message, data: new Uint8Array(message.data) }),
      );
      if (!untilHandled || !(await Promise.all(offered)).includes('left')) return;
      throw new ComponentError(
        options,
        `was closed before topic "${message.topic}" was delivered`,
        {
          code: 'UNAVAILABLE',
          retryable: true,
        },
      );
    },
    async subscribe({ topic }, handler) {
      requireOpen();
      requireTopic(topic);
      let subscriptions = topics.get(topic);
      if (!subscriptions) topics.set(topic, (subscriptions = new Set()));
      const all = subscriptions;
      if (topic.endsWith('*')) wildcards.set(topic, all);
      const subscription = new MemorySubscription(options, topic, handler, concurrency, () => {
        all.delete(subscription);
        if (all.size > 0 || topics.get(topic) !== all) return;
        topics.delete(topic);
        wildcards.delete(topic);
      });
      all.add(subscription);
      return subscription;
    },
    async ping() {
      requireOpen();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<PubSub> = {
  fields,
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    return createBroker(options);
  },
};
