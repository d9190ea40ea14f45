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

export interface MetadataOptions {
  readonly appId: string;
  readonly runtimeVersion: string;
  readonly actors?: ActorRuntime | undefined;
  readonly components: readonly ComponentInfo[];
  readonly subscriptions: () => readonly SubscriptionInfo[];
  readonly app?: { readonly host: string; readonly port: number } | undefined;
  readonly ready?: (() => { readonly inbound: readonly string[] }) | undefined;
}

export interface MetadataApi {
  /** The body of `GET /v1.0/metadata`, members without content left out as daprd does. */
  get(): Record<string, unknown>;
  set(key: string, value: string): void;
}

export function createMetadataApi(options: MetadataOptions): MetadataApi {
  const labels = new Map<string, string>();
  return {
    get() {
      const actors = options.actors?.types() ?? [];
      const subscriptions = options.subscriptions();
      const { app } = options;
      return {
        id: options.appId,
        runtimeVersion: options.runtimeVersion,
        ...(options.actors ? { enabledFeatures: ['ActorStateTTL'] } : {}),
        ...(actors.length > 0 ? { actors } : {}),
        ...(options.components.length > 0 ? { components: options.components } : {}),
        extended: { daprRuntimeVersion: options.runtimeVersion, ...Object.fromEntries(labels) },
        ...(subscriptions.length > 0 ? { subscriptions } : {}),
        ...(app
          ? {
              appConnectionProperties: {
                port: app.port,
                protocol: 'http',
                channelAddress: app.host,
              },
            }
          : {}),
        actorRuntime: {
          runtimeStatus: options.actors ? 'RUNNING' : 'DISABLED',
          ...(actors.length > 0 ? { activeActors: actors } : {}),
          hostReady: options.actors !== undefined && (options.ready?.().inbound.length ?? 0) === 0,
        },
      };
    },
    set: (key, value) => void labels.set(key, value),
  };
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
