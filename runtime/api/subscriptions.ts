/**
 * Receiving: subscriptions to topics, in this process or for the app, whatever
 * wire it is behind. What a subscriber sees is always what came out of the
 * broker's bytes. Attempts follow the component's inbound policy; what is left
 * undelivered goes to the dead letter topic or back to the broker.
 */
import type { CloudEvent } from '../actor/actor.ts';
import { TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Tracer } from '../core/tracing.ts';
import type { BrokerMessage, Subscription } from '../../components/pubsub/contract.ts';
import type { Received } from './cloudevents.ts';
import type { SubscriptionInfo } from './metadata.ts';
import { isRaw, type PubSubApi } from './pubsub.ts';
import {
  createBatcher,
  deliverBatch,
  MAX_MESSAGES,
  type BulkOptions,
} from './subscriptions-bulk.ts';
import { deliverOne, textOf, type DeliveryParts } from './subscriptions-deliver.ts';
import { createDrain } from './subscriptions-drain.ts';
import { compileRoutes, type RouteRule } from './subscriptions-routes.ts';

/** How long closing waits for the deliveries that run. */
const DRAIN_MS = 30_000;

/** `SUCCESS`: done. `DROP`: never again. `RETRY`: again by the policy. With a dead letter topic what is not done goes there. */
export type DeliveryStatus = 'SUCCESS' | 'RETRY' | 'DROP';

export interface DeliveryResult {
  readonly status: DeliveryStatus;
  /** HTTP or gRPC status of the app's answer, for policies that match codes. */
  readonly code?: number | undefined;
  readonly why?: string | undefined;
}

export interface SubscribeRequest {
  /** Default `pubsub`. */
  readonly pubsub?: string | undefined;
  readonly topic: string;
  readonly deadLetterTopic?: string | undefined;
  /** `rawPayload` and what the broker knows. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Where every event goes, when there are no rules. */
  readonly path?: string | undefined;
  /** Tried in order; an event that none takes is dropped. */
  readonly rules?: readonly RouteRule[] | undefined;
  /** Present: several events at a time, to `deliverBulk`. */
  readonly bulk?: BulkOptions | undefined;
  /** Listed by whoever made it, with `announce`. */
  readonly announced?: boolean | undefined;
  /** As `/v1.0/metadata` shows it. Default PROGRAMMATIC. */
  readonly type?: SubscriptionInfo['type'] | undefined;
}

export interface Delivery extends Received {
  /** Of the rule that took the event. */
  readonly path: string;
  /** What was subscribed to. The event of a dead letter still names the topic that it was published to. */
  readonly topic?: string | undefined;
  readonly message: BrokerMessage;
  /** Of the span of the delivery. Absent: the event's own counts. */
  readonly traceparent?: string | undefined;
  readonly signal: AbortSignal;
}

export interface BulkEntryDelivery extends Received {
  readonly entryId: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly message: BrokerMessage;
  /** True when the event is the bytes of the message as they are. */
  readonly raw: boolean;
}

export interface BulkDelivery {
  readonly id: string;
  readonly pubsub: string;
  readonly topic: string;
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: readonly BulkEntryDelivery[];
  readonly signal: AbortSignal;
}

export interface BulkResult {
  /** By entry id; a missing one counts as RETRY. */
  readonly statuses: ReadonlyMap<string, DeliveryStatus>;
  readonly code?: number | undefined;
  readonly why?: string | undefined;
}

/** A throw counts as RETRY. */
export type Deliver = (delivery: Delivery) => Promise<DeliveryStatus | DeliveryResult>;
export type DeliverBulk = (delivery: BulkDelivery) => Promise<BulkResult>;

/** How events reach an app; every wire has one. */
export interface EventTarget {
  readonly deliver: Deliver;
  readonly deliverBulk: DeliverBulk;
}

/** Calls `fire` once, `delayMs` from now. */
export type Timer = (delayMs: number, fire: () => void) => { cancel(): void };

export interface SubscriptionsOptions {
  readonly appId: string;
  readonly pubsub: PubSubApi;
  readonly now: () => number;
  readonly logger: EngineLogger;
  /** Absent: a delivery is tried once, and then it is the broker's. */
  readonly resiliency?: Resiliency | undefined;
  /** Absent: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  readonly tracer?: Tracer | undefined;
  readonly namespace?: string | undefined;
  /** On the clock of `now`. Default: the real time, keeping no process alive. */
  readonly timer?: Timer | undefined;
}

export interface Subscriptions extends AsyncDisposable {
  /** Resolves when the subscription is in place. Errors: ERR_PUBSUB_NOT_FOUND, FORBIDDEN by the component's scopes. */
  subscribe(
    request: SubscribeRequest,
    deliver: (
      event: CloudEvent,
      context: { signal: AbortSignal; traceparent: string | undefined },
    ) => Promise<DeliveryStatus>,
  ): Promise<Subscription>;
  /** The same with the event's bytes, for delivery over a wire. INVALID_ARGUMENT for a rule that is no CEL, or `bulk` without `deliverBulk`. */
  subscribeBytes(
    request: SubscribeRequest,
    deliver: Deliver,
    deliverBulk?: DeliverBulk,
  ): Promise<Subscription>;
  list(): SubscriptionInfo[];
  /** Has `list` begin with these, in place yet or not; the last announcement counts. */
  announce(infos: () => readonly SubscriptionInfo[]): void;
  /** Ends all subscriptions; deliveries that run have 30 s to finish. Idempotent. */
  close(): Promise<void>;
}

/** As `/v1.0/metadata` shows a subscription. */
export function infoOf(request: SubscribeRequest): SubscriptionInfo {
  const { pubsub = 'pubsub', topic, metadata = {}, path, deadLetterTopic = '' } = request;
  const rules = request.rules ?? (path === undefined ? undefined : [{ path }]);
  return {
    pubsubname: pubsub,
    topic,
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(rules ? { rules } : {}),
    deadLetterTopic,
    type: request.type ?? 'PROGRAMMATIC',
  };
}

/** Keeps no process alive. */
export const realTimer: Timer = (delayMs, fire) => {
  const timer = setTimeout(fire, delayMs).unref();
  return { cancel: () => clearTimeout(timer) };
};

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { appId, pubsub: api, now, logger, resiliency, telemetry, timer = realTimer } = options;
  const open = new Map<Subscription, SubscriptionInfo | undefined>();
  let announced: () => readonly SubscriptionInfo[] = () => [];

  async function subscribeBytes(
    request: SubscribeRequest,
    deliver: Deliver,
    deliverBulk?: DeliverBulk,
  ): Promise<Subscription> {
    const { pubsub = 'pubsub', topic, deadLetterTopic, metadata = {}, bulk } = request;
    const entry = api.require(pubsub);
    if (entry.topics && !entry.topics.maySubscribe(topic)) {
      throw new TroupeError(
        'FORBIDDEN',
        `app "${appId}" may not subscribe to topic "${topic}" of pubsub "${pubsub}": the component's subscriptionScopes, allowedTopics or protectedTopics exclude it`,
      );
    }
    if (bulk && !deliverBulk) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `topic "${topic}" of pubsub "${pubsub}" cannot be subscribed in bulk here`,
      );
    }
    const rules = request.rules ?? [{ path: request.path ?? '' }];
    const parts: DeliveryParts = {
      pubsub,
      topic,
      raw: isRaw(pubsub, metadata),
      deadLetterTopic,
      findRoute: compileRoutes(rules),
      policy: () => resiliency?.inbound(pubsub, 'Pubsub'),
      api,
      now,
      logger,
      telemetry,
      tracer: options.tracer,
      namespace: options.namespace ?? '',
    };
    const drain = createDrain(timer, DRAIN_MS);
    const isClosing = (): boolean => drain.closing;
    const isImmediate = entry.pubsub.features.includes('BULK_SUBSCRIBE_IMMEDIATE');
    const batcher =
      bulk &&
      createBatcher(isImmediate ? { maxMessagesCount: 1 } : bulk, timer, (batch) =>
        deliverBatch(parts, batch, deliverBulk!, drain.signal, isClosing),
      );
    const brokerTopic = `${entry.topicPrefix ?? ''}${topic}`;
    const subscription = await entry.pubsub.subscribe(
      {
        topic: brokerTopic,
        ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
        ...(bulk ? { together: bulk.maxMessagesCount || MAX_MESSAGES } : {}),
      },
      (message) =>
        drain.run(() =>
          batcher
            ? batcher.add(message)
            : deliverOne(parts, message, deliver, drain.signal, isClosing),
        ),
    );
    const close = async (): Promise<void> => {
      open.delete(opened);
      await Promise.all([drain.close(), subscription.close()]);
    };
    const opened: Subscription = { close, [Symbol.asyncDispose]: close };
    open.set(opened, request.announced ? undefined : infoOf(request));
    return opened;
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
      subscribeBytes(request, ({ event, signal, traceparent = event.traceparent }) =>
        deliver(event, { signal, traceparent }),
      ),
    list: () => [...announced(), ...[...open.values()].filter((one) => one !== undefined)],
    announce: (infos) => void (announced = infos),
    close,
    [Symbol.asyncDispose]: close,
  };
}
