/**
 * What the client needs of a transport, in bytes and texts: one function for
 * each method of the API. http.ts and grpc.ts have the same behaviour behind it.
 */
import type { CallOptions } from '../actor/ref.ts';
import { TroupeError } from '../core/errors.ts';
import type {
  ConfigurationItems,
  SidecarMetadata,
  SubscribeOptions,
  Subscription,
  TopicHandler,
} from './types.ts';

/** A call with its limits resolved. */
export interface Limits {
  readonly signal: AbortSignal | undefined;
  /** What is left, in milliseconds. */
  readonly timeoutMs: number;
}

type Texts = Readonly<Record<string, string>>;

export interface WireItem {
  readonly key: string;
  /** JSON text; empty when nothing is there. */
  readonly data: Uint8Array;
  readonly etag: string;
}

export interface WireWrite {
  readonly key: string;
  /** JSON text; undefined deletes. */
  readonly json: string | undefined;
  readonly etag: string | undefined;
  readonly firstWrite: boolean;
  readonly metadata: Texts;
}

export interface WireEvent {
  readonly data: Uint8Array;
  readonly contentType: string;
}

export interface WireJob {
  readonly name: string;
  readonly schedule?: string | undefined;
  readonly dueTime?: string | undefined;
  readonly repeats?: number | undefined;
  readonly ttl?: string | undefined;
  /** JSON text. */
  readonly json?: string | undefined;
}

export interface Wire {
  callActor(
    actor: { type: string; id: string; method: string; key: string | undefined },
    body: Uint8Array,
    limits: Limits,
  ): Promise<Uint8Array>;
  getState(store: string, key: string, metadata: Texts, limits: Limits): Promise<WireItem>;
  getManyStates(
    store: string,
    keys: readonly string[],
    metadata: Texts,
    limits: Limits,
  ): Promise<WireItem[]>;
  saveState(store: string, write: WireWrite, limits: Limits): Promise<void>;
  transact(
    store: string,
    writes: readonly WireWrite[],
    metadata: Texts,
    limits: Limits,
  ): Promise<void>;
  publish(
    pubsub: string,
    topic: string,
    event: WireEvent,
    metadata: Texts,
    limits: Limits,
  ): Promise<void>;
  /** Positions of the events that failed. */
  publishMany(
    pubsub: string,
    topic: string,
    events: readonly WireEvent[],
    metadata: Texts,
    limits: Limits,
  ): Promise<number[]>;
  subscribe(
    pubsub: string,
    topic: string,
    handler: TopicHandler,
    options: SubscribeOptions,
  ): Promise<Subscription>;
  invoke(
    request: {
      appId: string;
      method: string;
      verb: string;
      query: string;
      body: Uint8Array;
      contentType: string;
      metadata: Texts;
    },
    limits: Limits,
  ): Promise<Uint8Array>;
  secret(
    store: string,
    key: string,
    metadata: Texts,
    limits: Limits,
  ): Promise<Record<string, string>>;
  secrets(
    store: string,
    metadata: Texts,
    limits: Limits,
  ): Promise<Record<string, Record<string, string>>>;
  configuration(
    store: string,
    keys: readonly string[],
    metadata: Texts,
    limits: Limits,
  ): Promise<ConfigurationItems>;
  watchConfiguration(
    store: string,
    keys: readonly string[],
    changed: (items: ConfigurationItems) => void,
    options: SubscribeOptions,
  ): Promise<Subscription>;
  tryLock(
    store: string,
    lock: { resource: string; owner: string; seconds: number },
    limits: Limits,
  ): Promise<boolean>;
  /** Dapr's status: 0 given back, 1 there is none, 2 another's, 3 failed. */
  unlock(store: string, resource: string, owner: string, limits: Limits): Promise<number>;
  scheduleJob(job: WireJob, overwrite: boolean, limits: Limits): Promise<void>;
  getJob(name: string, limits: Limits): Promise<WireJob>;
  deleteJob(name: string, limits: Limits): Promise<void>;
  /** `json` is the data as JSON text. */
  binding(
    name: string,
    operation: string,
    data: { bytes: Uint8Array; json: string | undefined },
    metadata: Texts,
    limits: Limits,
  ): Promise<{ data: Uint8Array; metadata: Texts }>;
  encrypt(
    component: string,
    plain: Uint8Array,
    key: { name: string; algorithm: string },
    limits: Limits,
  ): Promise<Uint8Array>;
  decrypt(
    component: string,
    sealed: Uint8Array,
    keyName: string | undefined,
    limits: Limits,
  ): Promise<Uint8Array>;
  metadata(limits: Limits): Promise<SidecarMetadata>;
  setMetadata(key: string, value: string, limits: Limits): Promise<void>;
  isHealthy(limits: Limits): Promise<boolean>;
  close(): Promise<void>;
}

export function limitsOf(options: CallOptions, defaultMs: number): Limits {
  const { signal, deadline, timeout = defaultMs } = options;
  const timeoutMs = deadline === undefined ? timeout : Math.min(timeout, deadline - Date.now());
  if (signal?.aborted) {
    throw new TroupeError('CANCELLED', 'the call was given up before it was sent', {
      cause: signal.reason,
    });
  }
  if (!(timeoutMs > 0)) {
    throw new TroupeError('TIMEOUT', 'the deadline was over before the call was sent');
  }
  return { signal, timeoutMs: Math.ceil(timeoutMs) };
}
