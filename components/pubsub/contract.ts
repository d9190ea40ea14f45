/**
 * The contract of a message broker. Events are opaque bytes here: the
 * CloudEvents envelope is made and read by runtime/api. Delivery is at least
 * once: an event is gone only when its handler resolved.
 */
import type { Component } from '../component.ts';

export interface BrokerMessage {
  readonly topic: string;
  readonly data: Uint8Array;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Events of one key stay in order where a broker would not keep all in order.
   * Metadata that names a key in the broker's own way counts before it.
   */
  readonly key?: string;
}

export interface SubscribeOptions {
  readonly topic: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * The handler takes so many events before it is done with the first, since it
   * gathers them. Default 1. A broker with a limit of its own may give fewer.
   */
  readonly together?: number;
}

/** Resolves when the event is done with; rejects to have it delivered again by the broker's own policy. */
export type MessageHandler = (
  message: BrokerMessage,
  context: { signal: AbortSignal },
) => Promise<void>;

export interface Subscription extends AsyncDisposable {
  /** Stops taking events, waits for the handlers that run. Idempotent. */
  close(): Promise<void>;
}

export interface BulkFailure {
  readonly index: number;
  readonly error: unknown;
}

export interface PublishOptions {
  readonly signal?: AbortSignal;
  /**
   * For a broker that keeps events in memory only: resolve when every
   * subscriber is done with the event, reject when the broker closes before.
   * A broker that keeps them elsewhere has taken responsibility and ignores it.
   */
  readonly untilHandled?: boolean;
}

/**
 * Feature names as in Dapr: `MESSAGE_TTL`, `SUBSCRIBE_WILDCARDS`, `BULK_PUBSUB`, and
 * `BULK_SUBSCRIBE_IMMEDIATE` of a broker that hands out its next event when the last is
 * done, so that waiting for more of them would be in vain.
 */
export interface PubSub extends Component {
  /** Resolves when the broker has taken responsibility for the event. */
  publish(message: BrokerMessage, options?: PublishOptions): Promise<void>;
  /** Only with feature `BULK_PUBSUB`. Resolves to the entries that failed. */
  bulkPublish?(
    messages: readonly BrokerMessage[],
    options?: { signal?: AbortSignal },
  ): Promise<BulkFailure[]>;
  /** Resolves when the subscription is in place: what is published afterwards will be seen. */
  subscribe(options: SubscribeOptions, handler: MessageHandler): Promise<Subscription>;
}
