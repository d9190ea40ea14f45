/** SubscribeTopicEventsAlpha1: a topic delivered down the caller's own stream, without a port of the app. */
import type { Delivery, DeliveryResult, Subscriptions } from '../../../api/subscriptions.ts';
import { duplex, type DuplexCall, type MethodRow } from '../registry.ts';
import { GrpcError } from '../status.ts';
import { statusOf, topicEvent } from '../topic-event.ts';
import { leavingOf } from '../leaving.ts';

interface Initial {
  readonly pubsubName: string;
  readonly topic: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly deadLetterTopic?: string | null;
}

interface SubscribeMessage {
  readonly initialRequest?: Initial | null;
  readonly eventProcessed?: {
    readonly id: string;
    readonly status?: { readonly status: number } | null;
  } | null;
}

type Stream = DuplexCall<SubscribeMessage, object>;

/** Events that wait for the app's word, by id; a broker may deliver an id again meanwhile. */
class Pending {
  readonly #waiting = new Map<string, PromiseWithResolvers<DeliveryResult>[]>();
  #gone = false;

  add(id: string): Promise<DeliveryResult> {
    const one = Promise.withResolvers<DeliveryResult>();
    if (this.#gone) one.resolve({ status: 'RETRY', why: 'the stream was closed' });
    else this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), one]);
    return one.promise;
  }

  settle(id: string, result: DeliveryResult): void {
    const [first, ...rest] = this.#waiting.get(id) ?? [];
    if (rest.length > 0) this.#waiting.set(id, rest);
    else this.#waiting.delete(id);
    first?.resolve(result);
  }

  /** The app is gone; what it did not answer goes back to the broker. */
  end(): void {
    this.#gone = true;
    for (const [id, all] of this.#waiting)
      for (const _one of all) {
        this.settle(id, { status: 'RETRY', why: 'the stream was closed' });
      }
  }
}

function refuse(text: string): never {
  throw new GrpcError('UNKNOWN', text);
}

async function initialOf(requests: AsyncGenerator<SubscribeMessage>): Promise<Initial> {
  const { value } = await requests.next();
  const initial = (value as SubscribeMessage | undefined)?.initialRequest;
  if (!initial) return refuse('initial request is required');
  if (initial.pubsubName === '') return refuse('pubsubName is required');
  if (initial.topic === '') return refuse('topic is required');
  return initial;
}

async function serve(subscriptions: Subscriptions, call: Stream): Promise<void> {
  const requests = call.requests();
  const initial = await Promise.race([initialOf(requests), leavingOf(call)]);
  const pending = new Pending();

  async function deliver(delivery: Delivery): Promise<DeliveryResult> {
    const { id } = delivery.event;
    const answer = pending.add(id);
    try {
      await call.send({ eventMessage: topicEvent(delivery) });
    } catch (error) {
      pending.settle(id, { status: 'RETRY', why: String(error) });
    }
    return answer;
  }

  async function read(): Promise<void> {
    for await (const { initialRequest, eventProcessed } of requests) {
      if (initialRequest) refuse('duplicate initial request received');
      if (!eventProcessed) refuse('the message has neither an initial request nor an event status');
      else
        pending.settle(eventProcessed.id, { status: statusOf(eventProcessed.status?.status ?? 0) });
    }
  }

  // Acknowledged before the first event, which may come while the subscription is being made.
  const acknowledged = Promise.withResolvers<void>();
  const { pubsubName: pubsub, topic, metadata, deadLetterTopic } = initial;
  const subscription = await subscriptions.subscribeBytes(
    {
      pubsub,
      topic,
      metadata,
      rules: [{ path: '/' }],
      type: 'STREAMING',
      ...(deadLetterTopic ? { deadLetterTopic } : {}),
    },
    async (delivery) => {
      await acknowledged.promise;
      return deliver(delivery);
    },
  );
  try {
    await call.send({ initialResponse: {} });
    acknowledged.resolve();
    const reading = read();
    await Promise.race([reading, leavingOf(call)]).catch(async (error: unknown) => {
      // The app may still say what became of the events that it has.
      const gone = reading.catch(() => {});
      if (call.leaving.aborted) await Promise.race([subscription.close(), gone]);
      throw error;
    });
  } finally {
    acknowledged.resolve();
    pending.end();
    await subscription.close();
  }
}

export function subscribeMethods(subscriptions: Subscriptions): MethodRow[] {
  return [
    duplex<SubscribeMessage, object>('SubscribeTopicEventsAlpha1', (call) =>
      serve(subscriptions, call),
    ),
  ];
}
