/**
 * Receiving: subscriptions to topics, in this process or for the app behind
 * its HTTP port. What a subscriber sees is always what came out of the
 * broker's bytes. Retries are the broker's; a dead letter topic takes what
 * would be given up or delivered again.
 */
import type { CloudEvent } from '../actor/actor.ts';
import { TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { BrokerMessage, Subscription } from '../../components/pubsub/contract.ts';
import { fromEventBytes, fromRaw, hasExpired, type Received } from './cloudevents.ts';
import type { SubscriptionInfo } from './metadata.ts';
import { isRaw, type PubSubApi } from './pubsub.ts';

/** `SUCCESS`: done. `DROP`: never again. `RETRY`: again by the broker's policy. With a dead letter topic the last two go there. */
export type DeliveryStatus = 'SUCCESS' | 'RETRY' | 'DROP';

export interface SubscribeRequest {
  /** Default `pubsub`. */
  readonly pubsub?: string | undefined;
  readonly topic: string;
  readonly deadLetterTopic?: string | undefined;
  /** `rawPayload` and what the broker knows. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Shown in `/v1.0/metadata`. */
  readonly path?: string | undefined;
}

export interface Delivery extends Received {
  readonly signal: AbortSignal;
}

/** A throw counts as RETRY. */
export type Deliver = (delivery: Delivery) => Promise<DeliveryStatus>;

export interface SubscriptionsOptions {
  readonly appId: string;
  readonly pubsub: PubSubApi;
  readonly now: () => number;
  readonly logger: EngineLogger;
}

export interface Subscriptions extends AsyncDisposable {
  /** Resolves when the subscription is in place. Errors: ERR_PUBSUB_NOT_FOUND, FORBIDDEN by the component's scopes. */
  subscribe(
    request: SubscribeRequest,
    deliver: (event: CloudEvent, context: { signal: AbortSignal }) => Promise<DeliveryStatus>,
  ): Promise<Subscription>;
  /** The same with the event's bytes, for delivery over a wire. */
  subscribeBytes(request: SubscribeRequest, deliver: Deliver): Promise<Subscription>;
  list(): SubscriptionInfo[];
  /** Ends all subscriptions and waits for the deliveries that run. Idempotent. */
  close(): Promise<void>;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { appId, pubsub: api, now, logger } = options;
  const open = new Map<Subscription, SubscriptionInfo>();

  async function toDeadLetter(
    pubsub: string,
    deadLetterTopic: string,
    message: BrokerMessage,
  ): Promise<void> {
    const { topic: _topic, ...rest } = message;
    await api.require(pubsub).pubsub.publish({ ...rest, topic: deadLetterTopic });
  }

  async function subscribeBytes(
    request: SubscribeRequest,
    deliver: Deliver,
  ): Promise<Subscription> {
    const { pubsub = 'pubsub', topic, deadLetterTopic, metadata = {} } = request;
    const entry = api.require(pubsub);
    if (entry.topics && !entry.topics.maySubscribe(topic)) {
      throw new TroupeError(
        'FORBIDDEN',
        `app "${appId}" may not subscribe to topic "${topic}" of pubsub "${pubsub}": the component's subscriptionScopes, allowedTopics or protectedTopics exclude it`,
      );
    }
    const raw = isRaw(pubsub, metadata);
    const where = { pubsub, topic };

    async function handle(message: BrokerMessage, signal: AbortSignal): Promise<DeliveryStatus> {
      const received = raw
        ? fromRaw(message.data, message.topic, pubsub)
        : fromEventBytes(message.data, message.topic, pubsub);
      if (hasExpired(received.event, now())) {
        logger.warn({ ...where, id: received.event.id }, 'expired event dropped');
        return 'DROP';
      }
      return deliver({ ...received, signal });
    }

    const subscription = await entry.pubsub.subscribe(
      Object.keys(metadata).length === 0 ? { topic } : { topic, metadata },
      async (message, { signal }) => {
        let status: DeliveryStatus = 'RETRY';
        let failure: unknown;
        try {
          status = await handle(message, signal);
        } catch (error) {
          failure = error;
        }
        if (status === 'SUCCESS') return;
        if (deadLetterTopic) {
          await toDeadLetter(pubsub, deadLetterTopic, message);
          return;
        }
        if (status === 'DROP') {
          logger.warn(where, 'event dropped');
          return;
        }
        throw failure ?? new Error(`the subscriber of topic "${topic}" asked for a retry`);
      },
    );
    open.set(subscription, {
      pubsubname: pubsub,
      topic,
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      ...(request.path === undefined ? {} : { rules: [{ path: request.path }] }),
      deadLetterTopic: deadLetterTopic ?? '',
      type: 'PROGRAMMATIC',
    });
    const close = async (): Promise<void> => {
      open.delete(subscription);
      await subscription.close();
    };
    return { close, [Symbol.asyncDispose]: close };
  }

  const close = async (): Promise<void> => {
    const all = [...open.keys()];
    open.clear();
    const outcomes = await Promise.allSettled(all.map((one) => one.close()));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        logger.warn({ error: textOf(outcome.reason) }, 'subscription did not close well');
      }
    }
  };
  return {
    subscribeBytes,
    subscribe: (request, deliver) =>
      subscribeBytes(request, ({ event, signal }) => deliver(event, { signal })),
    list: () => [...open.values()],
    close,
    [Symbol.asyncDispose]: close,
  };
}
