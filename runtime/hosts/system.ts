/** A running system as its program sees it, whatever the runtime, and how one is asked for. */
import type { ActorClass, CloudEvent } from '../actor/actor.ts';
import type { Duration, PublishOptions } from '../actor/context.ts';
import type { ActorRef } from '../actor/ref.ts';
import type { ModelServer } from '../api/inference.ts';
import type { InvocationHandler } from '../api/invoke.ts';
import type { SecretScope } from '../api/secrets.ts';
import type { ComponentSpec } from '../config/component.ts';
import type { EngineStats } from '../core/engine-options.ts';
import type { Interceptor } from '../core/interceptors.ts';
import type { ActorRuntime, Clock, EngineLogger, TaskRunner } from '../core/ports.ts';
import type { Tracer } from '../core/tracing.ts';

export interface HttpOptions {
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Callers have to send it as `dapr-api-token`. */
  readonly apiToken?: string;
  /** Default 4 MiB; 0 or less: no limit. */
  readonly maxBodyBytes?: number;
  /** Default: no bound. */
  readonly maxConnections?: number;
  /** Origins that browsers may call from, divided by commas; `*` is all. Default: none. */
  readonly allowedOrigins?: string;
}

export interface GrpcOptions {
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Callers have to send it as metadata `dapr-api-token`. */
  readonly apiToken?: string;
  /** Largest message. Default 4 MiB; 0 or less: no limit. */
  readonly maxMessageBytes?: number;
  /** Calls at once on one connection. Default 1000. */
  readonly maxStreams?: number;
  /** Default: no bound. */
  readonly maxConnections?: number;
}

/** A daprd beside this process, with its placement, its scheduler and its components. */
export interface DaprOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Its `--dapr-http-port`. Default 3500. */
  readonly httpPort?: number;
  /** Its `--dapr-grpc-port`. Default 50001. */
  readonly grpcPort?: number;
  /** What it wants as `dapr-api-token`. */
  readonly apiToken?: string;
  /**
   * Its `--app-port`: where this process takes its calls, over HTTP. Absent: over the gRPC
   * actor stream, for a daprd without an app port.
   */
  readonly appPort?: number;
  /** Default `127.0.0.1`. */
  readonly appHost?: string;
  /** Its `APP_API_TOKEN`: calls without it are refused. */
  readonly appToken?: string;
  /** How long the start waits for it. Default `60s`. */
  readonly startTimeout?: Duration;
}

/** Dapr's own placement and scheduler, which share the actors of several hosts. */
export interface ControlPlane {
  /** `host:port`, several by commas. */
  readonly placement: string;
  /** `host:port`, several by commas. Absent: there are no reminders, and jobs stay with this host. */
  readonly scheduler?: string;
}

export interface SystemOptions {
  /** Default `embedded`. `dapr`: the actors behind a daprd, which `dapr` says where to find. `sidecar`: the APIs over HTTP and gRPC always, for an app beside the actors of this process. */
  readonly runtime?: 'embedded' | 'sidecar' | 'dapr';
  /**
   * Makes a host of the runtime `sidecar` one member among others, daprds too. They
   * need one app id and one state store that all of them reach. Absent: it hosts alone.
   */
  readonly controlPlane?: ControlPlane;
  /** Where the daprd of the runtime `dapr` is. */
  readonly dapr?: DaprOptions;
  /** Prefix of state keys, source of events. Default `troupe`. */
  readonly appId?: string;
  readonly actors: readonly ActorClass[];
  /** Reaches actors as `ctx.services`. */
  readonly services?: unknown;
  /**
   * Default: state.in-memory `statestore` for actors and pubsub.in-memory `pubsub`, so nothing outlives the process.
   */
  readonly components?: readonly ComponentSpec[];
  /** Dapr's HTTP API. Absent: no server. Port 0 takes a free one. Host default 127.0.0.1. */
  readonly http?: HttpOptions;
  /** Dapr's gRPC API. Absent: no server. Port 0 takes a free one. Host default 127.0.0.1. */
  readonly grpc?: GrpcOptions;
  /**
   * Port on 127.0.0.1 of an app of the same id, for events and invocations.
   * The start waits until the app takes connections; the HTTP API serves it meanwhile.
   */
  readonly appPort?: number;
  /** What the app speaks. Default `http`. */
  readonly appProtocol?: 'http' | 'grpc';
  /** Answers to invocations of this app id, by method path; for a program without a server of its own. */
  readonly invocations?: Readonly<Record<string, InvocationHandler>>;
  /**
   * Runs what actors offload: `createTaskRunner` of `troupe/worker` makes one of pools and
   * model servers. It belongs to the program, which closes these after the system.
   */
  readonly tasks?: TaskRunner;
  /**
   * Served under `/v2` by the Open Inference Protocol: `createInference` of `troupe/worker`
   * makes one. It belongs to the program, which closes it after the system.
   */
  readonly models?: ModelServer;
  /** Default: JSON lines on stderr, warnings and errors. */
  readonly logger?: EngineLogger;
  /** Makes spans of requests, actor turns and deliveries; `openTracing` opens one over OpenTelemetry. Default: trace contexts are passed on as they came. */
  readonly tracer?: Tracer | undefined;
  readonly clock?: Clock;
  /** How long a call may take that names no deadline. Default `60s`. */
  readonly defaultTimeout?: Duration;
  readonly interceptors?: readonly Interceptor[];
  /** What `POST /v1.0/shutdown` does. Absent: it is refused, because the program owns the system. */
  readonly onShutdown?: (options: { readonly force: boolean }) => void;
  /** Which secrets the API gives out, by store. A store without a scope gives out all. */
  readonly secretScopes?: readonly SecretScope[];
  /** For `envRef` in components. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export type { InvocationHandler, ModelServer };

export interface EventSubscription extends AsyncDisposable {
  close(): Promise<void>;
}

export interface System extends AsyncDisposable {
  readonly appId: string;
  ref<T extends object>(type: string, id: string): ActorRef<T>;
  ref<A extends object>(
    actorClass: { readonly type: string; new (...args: never[]): A },
    id: string,
  ): ActorRef<A>;
  /** Errors: NOT_FOUND for an unknown component, FORBIDDEN by its scopes. */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void>;
  /** The event is delivered again when the handler rejects. */
  subscribe(
    options: { readonly pubsub?: string; readonly topic: string },
    handler: (event: CloudEvent) => Promise<void>,
  ): Promise<EventSubscription>;
  readonly actors: ActorRuntime;
  /** Where the HTTP API listens, when it was asked for. */
  readonly http?: { readonly host: string; readonly port: number };
  /** Where the gRPC API listens, when it was asked for. */
  readonly grpc?: { readonly host: string; readonly port: number };
  stats(): EngineStats;
  /** Resolves when no durable send is left to deliver. */
  outboxIdle(): Promise<void>;
  /** Lets running turns end, runs `onDeactivate`, closes components. Idempotent. */
  close(): Promise<void>;
}
