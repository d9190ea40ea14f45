/**
 * The app as events reach it, whatever wire it is behind. An app over HTTP has
 * none of this: its forms stand over `AppChannel.invoke`. A channel with
 * `events` is used instead of them (targets/app-grpc.ts is one).
 */
import type { JobData } from '../core/jobs.ts';
import type { AppSubscription } from './subscriptions-list.ts';
import type { EventTarget } from './subscriptions.ts';

type Texts = Readonly<Record<string, string>>;

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export interface AppBindingEvent extends Signal {
  readonly name: string;
  readonly data: Uint8Array;
  readonly metadata: Texts;
}

/** What the app answers to a binding's event: data for the binding, state to keep, output bindings to pass it on to. */
export interface AppBindingReply {
  readonly data: Uint8Array;
  readonly to: readonly string[];
  readonly concurrency: 'sequential' | 'parallel';
  readonly storeName: string;
  readonly states: readonly { readonly key: string; readonly value: Uint8Array }[];
}

export interface AppJobEvent extends Signal {
  readonly name: string;
  /** As the job was scheduled. Absent: no data. */
  readonly data?: JobData | undefined;
}

/** An app that fails a delivery answers RETRY with its code; one that knows no events, DROP. */
export interface AppEvents extends EventTarget {
  /** What the app wants to hear; empty when it lists nothing. Errors: UNAVAILABLE. */
  subscriptions(options?: Signal): Promise<readonly AppSubscription[]>;
  /** Names of the input bindings that the app takes events of. */
  inputBindings(options?: Signal): Promise<readonly string[]>;
  /** Errors: UNAVAILABLE when the app does not answer, COMPONENT for its own. */
  binding(event: AppBindingEvent): Promise<AppBindingReply>;
  /** `dropped`: the app has no handler for it. Errors: as of `binding`. */
  job(event: AppJobEvent): Promise<'done' | 'dropped'>;
}
