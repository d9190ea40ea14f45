/** The contract of a configuration store: versioned texts by key, and news of their changes. */
import type { Component } from '../component.ts';

export interface ConfigurationItem {
  readonly value: string;
  /** Empty when the backend keeps none. */
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type ConfigurationItems = Readonly<Record<string, ConfigurationItem>>;

export interface ConfigurationRequest {
  /** Empty: every key that the store has. */
  readonly keys: readonly string[];
  /** As the caller gave it, for example `pgNotifyChannel`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ConfigurationSubscription extends AsyncDisposable {
  /** No update is delivered after it resolved. Idempotent. */
  close(): Promise<void>;
}

export interface ConfigurationStore extends Component {
  /** Keys that are not there are left out. */
  get(request: ConfigurationRequest): Promise<ConfigurationItems>;
  /**
   * Calls `onUpdate` with what changed, one call at a time, in the order of the
   * changes; a key that was deleted comes with an empty value and version. What
   * is there already is not delivered. Resolves when every later change will be seen.
   */
  subscribe(
    request: ConfigurationRequest,
    onUpdate: (items: ConfigurationItems) => Promise<void>,
  ): Promise<ConfigurationSubscription>;
}
