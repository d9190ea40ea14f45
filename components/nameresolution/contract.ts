/** The contract of name resolution: where the internal port of an app's host is. */
import type { Component } from '../component.ts';

/** What a host tells of itself when it registers. */
export interface HostInstance {
  readonly appId: string;
  /** Empty: the default one. */
  readonly namespace: string;
  /** Address that others reach it by. */
  readonly host: string;
  /** Port of `dapr.proto.internals.v1`. */
  readonly port: number;
}

export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

export interface NameResolver extends Component {
  /** Makes the host known until the component is closed. Errors: COMPONENT when it was done before. */
  register(instance: HostInstance, options?: { signal?: AbortSignal }): Promise<void>;
  /** One of the app's hosts. Errors: NOT_FOUND when there is none. */
  resolve(
    app: { readonly appId: string; readonly namespace?: string },
    options?: { signal?: AbortSignal },
  ): Promise<HostAddress>;
}
