/** What the runtimes that host their own engine are put together from. */
import { createRegistry, type Registry } from '../../components/registry.ts';
import type { ActorRef, CallOptions } from '../actor/ref.ts';
import type { PubSubApi } from '../api/pubsub.ts';
import type { Subscriptions } from '../api/subscriptions.ts';
import type { ComponentSpec } from '../config/component.ts';
import { toJson } from '../core/codec.ts';
import type { Engine } from '../core/engine.ts';
import { TroupeError } from '../core/errors.ts';
import type { ActorRuntime, ActorStore, Clock, EngineLogger } from '../core/ports.ts';
import { JobScheduler } from '../core/job-scheduler.ts';
import { assertName, createRef } from '../core/ref.ts';
import { createComponentStore } from '../stores/component-store.ts';
import { createJobStore } from '../stores/job-store.ts';
import { sendThrough } from '../targets/calls.ts';
import { loadComponents, type LoadedComponents, type LoadOptions } from './components.ts';
import type { System } from './system.ts';

const encoder = new TextEncoder();

/** Longest time that turns may go on after close() was called. */
export const CLOSE_GRACE_MS = 800;

export interface OpenComponentsOptions {
  readonly components: readonly ComponentSpec[];
  readonly appId: string;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly registry?: Registry | undefined;
  /** What else loading takes. */
  readonly loading?:
    | Pick<LoadOptions, 'resiliency' | 'deniedTypes' | 'unknownMetadata' | 'signal' | 'measuring'>
    | undefined;
}

export function openComponents(options: OpenComponentsOptions): Promise<LoadedComponents> {
  const { components, appId, clock, logger, env, registry = createRegistry() } = options;
  return loadComponents(components, {
    registry,
    appId,
    env,
    now: () => clock.now(),
    timer: (delayMs, fire) => clock.timer(clock.now() + delayMs, fire, { background: true }),
    logger,
    ...options.loading,
  });
}

/** Where the actors of the app live. Errors: INVALID_ARGUMENT when no component is marked for them. */
export function actorStoreOf({ actorStore }: LoadedComponents, appId: string): ActorStore {
  assertName('app id', appId);
  if (actorStore) return createComponentStore({ store: actorStore.store, appId });
  throw new TroupeError(
    'INVALID_ARGUMENT',
    'no state component is marked for actors; add metadata actorStateStore: "true" to the one that is to keep them',
  );
}

/** Jobs live where actors do; undefined when no component is marked for them. */
export function jobsOf(
  { actorStore }: LoadedComponents,
  { appId, clock, logger }: { appId: string; clock: Clock; logger: EngineLogger },
): JobScheduler | undefined {
  if (!actorStore) return undefined;
  const store = createJobStore({ store: actorStore.store, appId });
  return new JobScheduler({ store, clock, logger });
}

/** How a system publishes and subscribes. */
export interface TopicsApi {
  readonly pubsub: Pick<PubSubApi, 'publish'>;
  readonly subscriptions: Pick<Subscriptions, 'subscribe'>;
}

export interface SystemParts {
  readonly appId: string;
  readonly engine: Engine;
  /** Default: the engine's. */
  readonly actors?: ActorRuntime;
  readonly api: TopicsApi;
  readonly http: { readonly host: string; readonly port: number } | undefined;
  readonly grpc?: { readonly host: string; readonly port: number } | undefined;
  /** Closes everything, once, when the system closes. */
  readonly open: AsyncDisposableStack;
}

/** The system as its program sees it. */
export function systemOf({ appId, engine, actors, api, http, grpc, open }: SystemParts): System {
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= open.disposeAsync();
    return closing;
  };
  return {
    appId,
    ref: ((typeOrClass: string | { readonly type: string }, id: string) => {
      const type = typeof typeOrClass === 'string' ? typeOrClass : typeOrClass.type;
      assertName('actor type', type);
      assertName('actor id', id);
      return createRef<ActorRef<object>>((method, argument, callOptions) =>
        sendThrough(
          engine.router,
          type,
          id,
          method,
          argument,
          callOptions as CallOptions | undefined,
        ),
      );
    }) as System['ref'],
    publish: (topic, data, { pubsub = 'pubsub', metadata } = {}) =>
      api.pubsub.publish({
        pubsub,
        topic,
        data: encoder.encode(toJson(data) ?? 'null'),
        contentType: 'application/json',
        metadata,
      }),
    subscribe: ({ pubsub, topic }, handler) =>
      api.subscriptions.subscribe({ pubsub, topic }, async (event) => {
        await handler(event);
        return 'SUCCESS';
      }),
    actors: actors ?? engine.actors,
    ...(http ? { http: { host: http.host, port: http.port } } : {}),
    ...(grpc ? { grpc: { host: grpc.host, port: grpc.port } } : {}),
    stats: () => engine.stats(),
    outboxIdle: () => engine.outboxIdle(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
