/** What a program that hosts nothing sees of a sidecar: the types of `troupe/client`. */
import type { ActorRef, CallOptions } from '../actor/ref.ts';

export interface ClientOptions {
  /**
   * Where the sidecar listens; the scheme chooses the API: `http://`, `https://`,
   * `grpc://` or `grpcs://`. Default `http://127.0.0.1:3500`.
   */
  readonly address?: string;
  /** Sent as `dapr-api-token` with everything. Default: none. */
  readonly apiToken?: string;
  /** Longest time of a call, in milliseconds, where the call itself says nothing. Default 60,000. */
  readonly timeout?: number;
}

export interface RequestOptions extends CallOptions {
  /** Names and values that the block or the component knows, such as `ttlInSeconds`. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ActorCallOptions extends CallOptions {
  /**
   * The call takes effect once, however often it is repeated with this key within
   * seven days; a repetition answers `undefined`. An app outside gets the key as
   * the header `idempotency-key` too; daprd does no more than pass it on.
   */
  readonly idempotencyKey?: string;
}

/** A ref whose methods take an idempotency key too. */
export type ClientRef<T extends object> = ActorRef<T, ActorCallOptions>;

export interface StateItem<T> {
  readonly key: string;
  /** `undefined`: nothing is kept under the key. */
  readonly value: T | undefined;
  readonly etag?: string;
}

export interface WriteOptions extends RequestOptions {
  /** Writes only over this version; CONFLICT otherwise. */
  readonly etag?: string;
  /** Writes only where nothing is, or over the given etag. Default: the last write wins. */
  readonly firstWrite?: boolean;
}

export type StateOperation =
  | {
      readonly set: string;
      readonly value: unknown;
      readonly etag?: string;
      readonly metadata?: Readonly<Record<string, string>>;
    }
  | { readonly delete: string; readonly etag?: string };

/** One state store. Values are JSON by the rules of actor calls. */
export interface StateStore {
  get<T = unknown>(key: string, options?: RequestOptions): Promise<StateItem<T>>;
  /** In the order of the keys. */
  getMany<T = unknown>(keys: readonly string[], options?: RequestOptions): Promise<StateItem<T>[]>;
  /** Errors: CONFLICT when another version is there. */
  set(key: string, value: unknown, options?: WriteOptions): Promise<void>;
  /** Errors: CONFLICT when another version is there. */
  delete(key: string, options?: WriteOptions): Promise<void>;
  /** All of it or nothing. */
  transact(operations: readonly StateOperation[], options?: RequestOptions): Promise<void>;
}

export interface PublishOptions extends RequestOptions {
  /** Id of the event, by which receivers can drop a repetition. Default: one of the sidecar's. */
  readonly id?: string;
}

/** An event as it arrives. */
export interface TopicEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly topic: string;
  readonly pubsubname: string;
  readonly datacontenttype: string;
  /** The value of JSON, text, or bytes, by its content type. */
  readonly data: unknown;
}

/** Returns: handled. `retry` and `drop` are Dapr's. A throw is a `retry`. */
export type TopicHandler = (
  event: TopicEvent,
  context: { readonly signal: AbortSignal },
) => Promise<'retry' | 'drop' | void> | 'retry' | 'drop' | void;

export interface SubscribeOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Topic of the same pub/sub for events that cannot be handled. Default: none. */
  readonly deadLetterTopic?: string;
  /** Aborting ends the subscription. */
  readonly signal?: AbortSignal;
}

/** A stream that is opened again when the connection is lost, until it is closed. */
export interface Subscription extends AsyncDisposable {
  /** Resolves when it was closed; rejects when the sidecar refuses to open it again. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

export interface InvokeOptions extends RequestOptions {
  /** Default POST. */
  readonly verb?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  /** Query of the URL, without `?`. */
  readonly query?: string;
}

export interface ConfigurationItem {
  readonly value: string;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type ConfigurationItems = Readonly<Record<string, ConfigurationItem>>;

export interface ConfigurationStore {
  /** All items for no keys. */
  get(keys?: readonly string[], options?: RequestOptions): Promise<ConfigurationItems>;
  /** Only over gRPC. What is there already is not told; read it first. */
  subscribe(
    keys: readonly string[],
    changed: (items: ConfigurationItems) => void,
    options?: Omit<SubscribeOptions, 'deadLetterTopic'>,
  ): Promise<Subscription>;
}

export interface LockOptions extends CallOptions {
  /** Who holds it. Default: a random name. */
  readonly owner?: string;
  /** It ends by itself after that long. */
  readonly seconds: number;
}

/** A lock that is held; disposing gives it back. */
export interface Lock extends AsyncDisposable {
  readonly owner: string;
  /** Errors: NOT_FOUND when it has run out, CONFLICT when another holds it now. */
  release(options?: CallOptions): Promise<void>;
}

export interface JobSpec {
  /** Cron, or `@every 1m`. This or `dueTime` is needed. */
  readonly schedule?: string;
  /** RFC 3339, or a duration from now. */
  readonly dueTime?: string;
  readonly repeats?: number;
  readonly ttl?: string;
  readonly data?: unknown;
}

export interface Jobs {
  /** Errors: CONFLICT when there is one of that name and `overwrite` is not set. */
  schedule(
    name: string,
    job: JobSpec,
    options?: CallOptions & { readonly overwrite?: boolean },
  ): Promise<void>;
  /** Errors: NOT_FOUND. */
  get(name: string, options?: CallOptions): Promise<JobSpec & { readonly name: string }>;
  delete(name: string, options?: CallOptions): Promise<void>;
}

export interface BindingReply {
  readonly data: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface EncryptOptions extends CallOptions {
  readonly keyName: string;
  /** Such as `A256KW` or `RSA-OAEP-256`. */
  readonly algorithm: string;
}

export interface Crypto {
  encrypt(plain: Uint8Array, options: EncryptOptions): Promise<Uint8Array>;
  decrypt(
    sealed: Uint8Array,
    options?: CallOptions & { readonly keyName?: string },
  ): Promise<Uint8Array>;
}

export interface SidecarMetadata {
  readonly id: string;
  readonly runtimeVersion: string;
  readonly components: readonly {
    readonly name: string;
    readonly type: string;
    readonly version: string;
    readonly capabilities: readonly string[];
  }[];
  readonly extended: Readonly<Record<string, string>>;
}

/** The building blocks of one sidecar. Connections are opened when a call needs them, and again after they were lost. */
export interface Client extends AsyncDisposable {
  ref<T extends object>(type: string, id: string): ClientRef<T>;
  state(store: string): StateStore;
  publish(pubsub: string, topic: string, data: unknown, options?: PublishOptions): Promise<void>;
  /** Errors: COMPONENT with the positions that failed as `details.failed`; the rest is published. */
  publishMany(
    pubsub: string,
    topic: string,
    data: readonly unknown[],
    options?: RequestOptions,
  ): Promise<void>;
  /** Only over gRPC. Resolves when the sidecar has the subscription. */
  subscribe(
    pubsub: string,
    topic: string,
    handler: TopicHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  invoke<T = unknown>(
    appId: string,
    method: string,
    body?: unknown,
    options?: InvokeOptions,
  ): Promise<T>;
  /** Errors: NOT_FOUND. */
  secret(store: string, key: string, options?: RequestOptions): Promise<Record<string, string>>;
  secrets(store: string, options?: RequestOptions): Promise<Record<string, Record<string, string>>>;
  configuration(store: string): ConfigurationStore;
  /** `undefined`: another holds it. */
  lock(store: string, resource: string, options: LockOptions): Promise<Lock | undefined>;
  readonly jobs: Jobs;
  binding(
    name: string,
    operation: string,
    data?: unknown,
    options?: RequestOptions,
  ): Promise<BindingReply>;
  crypto(component: string): Crypto;
  metadata(options?: CallOptions): Promise<SidecarMetadata>;
  setMetadata(key: string, value: string, options?: CallOptions): Promise<void>;
  /** Whether the sidecar answers and is ready; never throws for one that cannot be reached. */
  isHealthy(options?: CallOptions): Promise<boolean>;
  close(): Promise<void>;
}
