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

/** A host that was picked for one call. */
export interface PickedHost extends HostAddress {
  /** Says that the call is over; a second time counts for nothing. Absent: nobody counts calls. */
  readonly release?: () => void;
}

/** What a service of any kind tells of itself when it registers. */
export interface ServiceRegistration {
  readonly name: string;
  /** Unique among all services. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Absent: it stays as long as it gives signs. */
  readonly check?: {
    /** Answers with 2xx while the service is well; on the service's own address. */
    readonly http: string;
    readonly intervalMs: number;
  };
}

export interface Service extends ServiceRegistration {
  /** `starting` until its first check has passed. */
  readonly status: 'starting' | 'passing' | 'failing';
  /** When the last check ended, in milliseconds since the epoch. */
  readonly checkedAt?: number;
}

/** Services that registered themselves. Errors: OVERLOADED when it is full, CONFLICT for an id of another name. */
export interface ServiceRegistry {
  /** Again with the same id: replaces it, and counts as a sign. */
  register(service: ServiceRegistration): void;
  /** A sign of the service. Errors: NOT_FOUND. */
  heartbeat(id: string): void;
  /** Errors: NOT_FOUND. */
  deregister(id: string): void;
  /** All, whatever their status, or those of a name. */
  list(name?: string): readonly Service[];
  /** Grows with each change of what `list` answers. */
  revision(): number;
  /** Resolves to true at the first revision above `revision`; to false after `waitMs`, on abort and when it closes. */
  changed(
    revision: number,
    options: { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean>;
}

export interface NameResolver extends Component {
  /** Makes the host known until the component is closed. Errors: COMPONENT when it was done before. */
  register(instance: HostInstance, options?: { signal?: AbortSignal }): Promise<void>;
  /** One of the app's hosts, for a call that is about to be made. Errors: NOT_FOUND when there is none. */
  resolve(
    app: { readonly appId: string; readonly namespace?: string },
    options?: { signal?: AbortSignal },
  ): Promise<PickedHost>;
  /** Absent: it keeps only hosts that register themselves through it. */
  readonly services?: ServiceRegistry;
}
