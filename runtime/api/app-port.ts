/**
 * The app as events reach it, whatever wire it is behind. An app over HTTP has
 * none of this: its forms are app-subscriptions.ts and the bindings' and jobs'
 * own files, over `AppChannel.invoke`. A channel with `events` is used instead
 * of them (targets/app-grpc.ts is one).
 */
import type {
  BulkDelivery,
  BulkResult,
  Delivery,
  DeliveryResult,
  SubscribeRequest,
} from './subscriptions.ts';

type Texts = Readonly<Record<string, string>>;

export interface AppBindingEvent {
  readonly name: string;
  readonly data: Uint8Array;
  readonly metadata: Texts;
  readonly signal?: AbortSignal | undefined;
}

/** What the app answers to a binding's event: data for the binding, and output bindings to pass it on to. */
export interface AppBindingReply {
  readonly data: Uint8Array;
  readonly to: readonly string[];
  readonly concurrency: 'sequential' | 'parallel';
  readonly storeName: string;
  readonly states: readonly { readonly key: string; readonly value: Uint8Array }[];
}

export interface AppJobEvent {
  readonly name: string;
  /** As the job was scheduled: a google.protobuf.Any. Absent: no data. */
  readonly data?: { readonly typeUrl: string; readonly value: Uint8Array } | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AppEvents {
  /** What the app wants to hear; empty when it lists nothing. Errors: UNAVAILABLE. */
  subscriptions(options?: {
    readonly signal?: AbortSignal | undefined;
  }): Promise<readonly (SubscribeRequest & { readonly pubsub: string })[]>;
  /** Never throws: an app that fails answers RETRY with its code. */
  deliver(
    delivery: Delivery & { readonly pubsub: string; readonly topic: string },
  ): Promise<DeliveryResult>;
  deliverBulk(delivery: BulkDelivery): Promise<BulkResult>;
  /** Names of the input bindings that the app takes events of. */
  inputBindings(options?: {
    readonly signal?: AbortSignal | undefined;
  }): Promise<readonly string[]>;
  /** Errors: the app's own, as UNAVAILABLE or COMPONENT. */
  binding(event: AppBindingEvent): Promise<AppBindingReply>;
  /** `dropped`: the app has no handler for it. Errors: the app's own, as UNAVAILABLE or COMPONENT. */
  job(event: AppJobEvent): Promise<'done' | 'dropped'>;
}
