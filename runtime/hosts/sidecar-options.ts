/** What a sidecar is asked to be: daprd's flags and environment as plain values, defaults applied. */
import type { ActorClass } from '../actor/actor.ts';
import type { InvocationHandler } from '../api/invoke.ts';
import type { SecretScope } from '../api/secrets.ts';
import type { ComponentSpec } from '../config/component.ts';
import type { Configuration } from '../config/configuration.ts';
import type { HttpEndpointSpec } from '../config/http-endpoint.ts';
import type { ResiliencySpec } from '../config/resiliency.ts';
import type { SubscriptionSpec } from '../config/subscription.ts';
import type { Interceptor } from '../core/interceptors.ts';
import type { Clock } from '../core/ports.ts';
import type { Tracer } from '../core/tracing.ts';
import type { HotReloadOptions } from './hot-reload.ts';
import type { SidecarLog } from './sidecar-log.ts';

export const APP_PROTOCOLS = ['http', 'https', 'h2c', 'grpc', 'grpcs'] as const;

export type AppProtocol = (typeof APP_PROTOCOLS)[number];

export interface AppHealthOptions {
  /** Path of HTTP probes. */
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row after which the app counts as unhealthy. */
  readonly threshold: number;
}

export interface SidecarAppOptions {
  readonly port: number;
  readonly host: string;
  readonly protocol: AppProtocol;
  /** 0: no limit. */
  readonly maxConcurrency: number;
  /** Absent: the app is taken for healthy once its port is open. */
  readonly health?: AppHealthOptions | undefined;
  /** Sent to the app as `dapr-api-token`. */
  readonly token?: string | undefined;
  /** Endpoints of the app that are not asked at start. */
  readonly disabledInitEndpoints: readonly ('config' | 'subscribe')[];
}

export interface SidecarListenOptions {
  /** Addresses of the HTTP and the gRPC API; an empty one is every address. */
  readonly addresses: readonly string[];
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Port of the gRPC API for other sidecars; undefined: a free one. */
  readonly internalPort: number | undefined;
  readonly internalAddress: string;
  /** Health and metadata alone, without a token. */
  readonly publicPort: number | undefined;
  readonly publicAddress: string;
  /** Folder for `dapr-<app id>-http.socket` and `-grpc.socket`, which take the place of the ports. */
  readonly socketFolder: string | undefined;
  /** Port of profiles; undefined: none. */
  readonly profilePort: number | undefined;
  /** Also HTTP/2 without TLS on the HTTP port. */
  readonly h2c: boolean;
  readonly apiToken: string | undefined;
  /** Bytes; 0 or less: no limit. */
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly allowedOrigins: string;
  /** Undefined: the configuration decides. */
  readonly apiLogging: boolean | undefined;
}

export interface ControlPlaneOptions {
  /** `host:port`; none: actors are placed here alone. */
  readonly placement: readonly string[];
  /** `host:port`; none: no reminders where actors are shared, and jobs are kept here. */
  readonly scheduler: readonly string[];
  /** Streams to each scheduler. */
  readonly schedulerStreams: number;
  /** What a round of the placement may take before the stream is given up. */
  readonly disseminateTimeoutMs: number;
}

export interface SidecarOptions {
  readonly appId: string;
  readonly namespace: string | undefined;
  readonly mode: string;
  readonly components: readonly ComponentSpec[];
  readonly listen: SidecarListenOptions;
  readonly app: SidecarAppOptions | undefined;
  /** Dapr's own placement and scheduler. Absent: this sidecar hosts actors, reminders and jobs by itself. */
  readonly controlPlane?: ControlPlaneOptions | undefined;
  /** True: actors can be called although none may be hosted here, because a placement was named. */
  readonly actorsEnabled?: boolean | undefined;
  /** Subscriptions declared beside the app. */
  readonly subscriptions?: readonly SubscriptionSpec[] | undefined;
  /** Policies of calls and deliveries. */
  readonly resiliencies?: readonly ResiliencySpec[] | undefined;
  /** Follows the resource files. Absent: what was read at the start counts to the end. */
  readonly reload?:
    | Pick<HotReloadOptions, 'paths' | 'read' | 'initial' | 'restart' | 'fail' | 'intervalMs'>
    | undefined;
  /** Addresses outside. */
  readonly httpEndpoints?: readonly HttpEndpointSpec[] | undefined;
  readonly configuration?: Configuration | undefined;
  /** Makes spans where the configuration and the environment ask for none. */
  readonly tracer?: Tracer | undefined;
  /** Where metrics are served. Absent: nothing is measured. */
  readonly metrics?: { readonly host: string; readonly port: number } | undefined;
  /** In place of the configuration's. */
  readonly secretScopes?: readonly SecretScope[] | undefined;
  /** How long requests and turns that run may still take when the sidecar closes; 0: no limit. Default 5 s. */
  readonly gracefulShutdownMs?: number | undefined;
  readonly log: SidecarLog;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the shutdown API does. Absent: it is refused. */
  readonly onShutdown?: ((options: { readonly force: boolean }) => void) | undefined;
  /** Aborting gives up starting. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  /** Actors that live in this process, beside those of the app. */
  readonly actors?: readonly ActorClass[] | undefined;
  readonly services?: unknown;
  readonly interceptors?: readonly Interceptor[] | undefined;
  readonly invocations?: Readonly<Record<string, InvocationHandler>> | undefined;
  readonly defaultTimeoutMs?: number | undefined;
}
