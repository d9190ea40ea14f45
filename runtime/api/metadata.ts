/** What this host is and has: `GET /v1.0/metadata`, and the labels that tools attach to it. */
import type { ActorRuntime } from '../core/ports.ts';
import { empty, json, type HttpRoute } from './route.ts';

/** A component as `/v1.0/metadata` prints it. */
export interface ComponentInfo {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly capabilities: readonly string[];
}

export interface SubscriptionInfo {
  readonly pubsubname: string;
  readonly topic: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly rules?: readonly { readonly match?: string; readonly path: string }[];
  readonly deadLetterTopic: string;
  readonly type: 'PROGRAMMATIC' | 'DECLARATIVE' | 'STREAMING';
}

/** How the host and its app are joined, as `/v1.0/metadata` prints it. */
export interface AppConnection {
  readonly port?: number;
  readonly protocol: string;
  readonly channelAddress: string;
  /** Absent: no limit. */
  readonly maxConcurrency?: number;
  readonly health?: {
    readonly healthCheckPath?: string;
    /** Go durations. */
    readonly healthProbeInterval: string;
    readonly healthProbeTimeout: string;
    readonly healthThreshold: number;
  };
}

export interface MetadataOptions {
  readonly appId: string;
  readonly runtimeVersion: string;
  readonly actors?: ActorRuntime | undefined;
  readonly components: readonly ComponentInfo[];
  readonly subscriptions: () => readonly SubscriptionInfo[];
  readonly app?: { readonly host: string; readonly port: number } | undefined;
  /** In place of what `app` tells. */
  readonly appConnection?: AppConnection | undefined;
  /** Names of the features that a Configuration switches on. Default: actor state with ttl. */
  readonly enabledFeatures?: readonly string[] | undefined;
  /** Names of HTTPEndpoints. */
  readonly httpEndpoints?: readonly string[] | undefined;
  /** Names of Resiliency resources. */
  readonly resiliencies?: readonly string[] | undefined;
  readonly ready?: (() => { readonly inbound: readonly string[] }) | undefined;
  /** Whether the app has said which actors it hosts. Default: when the host is ready. */
  readonly isRegistered?: (() => boolean) | undefined;
  /** Whether this host is a member of a placement outside. Absent: it places its actors itself. */
  readonly isPlaced?: (() => boolean) | undefined;
  /** Addresses of the schedulers outside that are connected. Absent: there are none. */
  readonly schedulers?: (() => readonly string[]) | undefined;
  /** True: actors can be called although this host has none. Default: when it has some. */
  readonly actorsEnabled?: boolean | undefined;
}

export interface MetadataApi {
  /** The body of `GET /v1.0/metadata`, members without content left out as daprd does. */
  get(): Record<string, unknown>;
  set(key: string, value: string): void;
}

const VERSION_LABEL = 'daprRuntimeVersion';

export function createMetadataApi(options: MetadataOptions): MetadataApi {
  const { appId, runtimeVersion, app, components, ready } = options;
  const labels = new Map<string, string>();
  const connection =
    options.appConnection ??
    (app && { port: app.port, protocol: 'http', channelAddress: app.host });
  const isEnabled = options.actorsEnabled ?? options.actors !== undefined;
  const named = (names: readonly string[] = []): { name: string }[] =>
    names.map((name) => ({ name }));
  return {
    get() {
      const actors = options.actors?.types() ?? [];
      const features = options.enabledFeatures ?? (options.actors ? ['ActorStateTTL'] : []);
      const isReady = options.isRegistered?.() ?? (ready?.().inbound.length ?? 0) === 0;
      const isPlaced = isEnabled && isReady && (options.isPlaced?.() ?? true);
      const schedulers = options.schedulers?.() ?? [];
      return filled({
        id: appId,
        runtimeVersion,
        enabledFeatures: features,
        actors,
        components: components.map((component) => filled({ ...component })),
        extended: { ...Object.fromEntries(labels), [VERSION_LABEL]: runtimeVersion },
        subscriptions: options.subscriptions(),
        httpEndpoints: named(options.httpEndpoints),
        ...(connection ? { appConnectionProperties: connection } : {}),
        actorRuntime: filled({
          runtimeStatus: isEnabled ? (isReady ? 'RUNNING' : 'INITIALIZING') : 'DISABLED',
          activeActors: actors,
          hostReady: isPlaced,
          // While it starts it is neither.
          placement:
            isEnabled && !isReady ? '' : `placement: ${isPlaced ? 'connected' : 'disconnected'}`,
        }),
        ...(schedulers.length > 0 ? { scheduler: { connected_addresses: schedulers } } : {}),
        resiliencies: named(options.resiliencies),
      });
    },
    set(key, value) {
      if (key !== '') labels.set(key, value);
    },
  };
}

/** Without the members whose list is empty. */
function filled(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => !(Array.isArray(value) && value.length === 0)),
  );
}

const decoder = new TextDecoder();

export function metadataRoutes(api: MetadataApi): HttpRoute[] {
  return [
    { methods: ['GET'], pattern: 'v1.0/metadata', handle: () => json(api.get()) },
    {
      methods: ['PUT'],
      pattern: 'v1.0/metadata/{key}',
      handle: ({ params, body }) => {
        api.set(params[0]!, decoder.decode(body));
        return empty();
      },
    },
  ];
}
