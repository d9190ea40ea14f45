/** What loading components takes and gives. */
import type { Binding } from '../../components/bindings/contract.ts';
import type { ComponentLogger, ComponentOptions } from '../../components/component.ts';
import type { ConfigurationStore } from '../../components/configuration/contract.ts';
import type { Conversation } from '../../components/conversation/contract.ts';
import type { CryptoProvider } from '../../components/crypto/contract.ts';
import type { LockStore } from '../../components/lock/contract.ts';
import type { Middleware } from '../../components/middleware/contract.ts';
import type { PubSub } from '../../components/pubsub/contract.ts';
import type { KindName, Registry, ResolvedDriver } from '../../components/registry.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { StateStore } from '../../components/state/contract.ts';
import type { ComponentInfo } from '../api/metadata.ts';
import type { StateEncryption } from '../api/state-encryption.ts';
import type { OutboxSettings } from '../api/state-outbox.ts';
import type { ComponentSpec } from '../config/component.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { TopicScopes } from './topic-scopes.ts';

export interface LoadOptions {
  readonly registry: Registry;
  readonly appId: string;
  /** For `envRef`, and NAMESPACE, POD_NAME and DAPR_ENV_KEYS. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: ComponentLogger;
  /** Aborting gives up opening. */
  readonly signal?: AbortSignal;
  /** Delays of drivers, on the clock of `now`. Default: the real time, keeping no process alive. */
  readonly timer?: ComponentOptions['timer'];
  /** Policies of calls on components. Absent: each call is made once. */
  readonly resiliency?: Resiliency | undefined;
  /** Gets counts and latencies of calls on components. Absent: nothing is measured. */
  readonly measuring?: { readonly telemetry: Telemetry; readonly namespace: string } | undefined;
  /** Metadata fields that a driver does not have: refused, or passed over with a warning as Dapr does. Default `refuse`. */
  readonly unknownMetadata?: 'refuse' | 'warn' | undefined;
  /** Types that may not be used: `state.redis`, or with a version `state.redis/v1`. */
  readonly deniedTypes?: readonly string[] | undefined;
}

export interface LoadedStateStore {
  readonly name: string;
  readonly store: StateStore;
  /** Goes before every key of the state API: `shop||`, or empty. Actor state has keys of its own. */
  readonly keyPrefix: string;
  /** Of values written through the state API. */
  readonly encryption?: StateEncryption | undefined;
  /** Of transactions of the state API. */
  readonly outbox?: OutboxSettings | undefined;
}

export interface LoadedPubSub {
  readonly name: string;
  readonly pubsub: PubSub;
  /** Goes before every topic in the broker. */
  readonly topicPrefix?: string;
  /** Which topics this app may use. */
  readonly topics: TopicScopes;
}

export interface LoadedLockStore {
  readonly store: LockStore;
  /** Goes before the name of every lock: `lock||shop||`. */
  readonly keyPrefix: string;
}

export interface LoadedBinding {
  readonly binding: Binding;
  /** As metadata says; undefined: what the driver has, and events only if the app takes them. */
  readonly direction: string | undefined;
  /** Path of the app that events are posted to, without a leading slash. */
  readonly route: string;
}

export interface LoadedMiddleware {
  readonly type: string;
  readonly version: string;
  readonly middleware: Middleware;
}

export type ChangeListener = (change: {
  readonly kind: KindName;
  readonly name: string;
}) => Promise<void> | void;

export interface LoadedComponents extends AsyncDisposable {
  readonly stateStores: ReadonlyMap<string, LoadedStateStore>;
  readonly pubsubs: ReadonlyMap<string, LoadedPubSub>;
  readonly secretStores: ReadonlyMap<string, SecretStore>;
  readonly configurations: ReadonlyMap<string, ConfigurationStore>;
  readonly locks: ReadonlyMap<string, LoadedLockStore>;
  readonly bindings: ReadonlyMap<string, LoadedBinding>;
  readonly cryptoProviders: ReadonlyMap<string, CryptoProvider>;
  readonly conversations: ReadonlyMap<string, Conversation>;
  readonly middlewares: ReadonlyMap<string, LoadedMiddleware>;
  /** The state store marked `actorStateStore`. */
  readonly actorStore: LoadedStateStore | undefined;
  /** In the order in which they were opened. */
  readonly list: readonly ComponentInfo[];
  /**
   * Puts this component in the place of the one of its name, or beside the
   * others. Calls that run finish on the old instance. Rejects with a
   * ComponentError when the new one cannot be opened; the old one stays then.
   */
  replace(spec: ComponentSpec): Promise<void>;
  /** Takes a component away; calls that run on it finish. */
  remove(name: string): Promise<void>;
  /** Sets the gauges of what components have going with their servers. */
  gauge(telemetry: Telemetry, namespace: string): void;
  /** Told of each component that came, was replaced or went, before an old instance is closed. */
  onChange(listener: ChangeListener): void;
  /** Closes in reverse order of opening, all of them also when one fails. Idempotent. */
  close(): Promise<void>;
}

/** A component whose driver is known and whose metadata names are right. */
export interface Planned {
  readonly spec: ComponentSpec;
  readonly resolved: ResolvedDriver;
}
