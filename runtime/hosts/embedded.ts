/**
 * The embedded runtime: engine, components, actors and, when asked for, Dapr's
 * HTTP API in one process. A composition root: it decides nothing that the
 * rooms it joins could decide.
 */
import { createRegistry, type Registry } from '../../components/registry.ts';
import type { ActorRef, CallOptions } from '../actor/ref.ts';
import { component, type ComponentSpec } from '../config/component.ts';
import { toJson } from '../core/codec.ts';
import { Engine } from '../core/engine.ts';
import { TroupeError } from '../core/errors.ts';
import type { ActorStore, Clock, EngineLogger } from '../core/ports.ts';
import { assertName, createRef } from '../core/ref.ts';
import { parseDuration } from '../core/schedule.ts';
import { createSinglePlacement } from '../placement/single.ts';
import { createComponentStore } from '../stores/component-store.ts';
import { sendThrough } from '../targets/calls.ts';
import { createInProcessTarget } from '../targets/in-process.ts';
import { loadComponents, type LoadedComponents } from './components.ts';
import { createLogger } from './logger.ts';
import { createSurface, type Surface } from './surface.ts';
import type { System, SystemOptions } from './system.ts';
import { createSystemClock, systemRandom } from './system-clock.ts';

const DEFAULT_TIMEOUT = '60s';
const encoder = new TextEncoder();
/** How long turns may go on after close() was called. */
const CLOSE_GRACE_MS = 800;

/** What the test kit needs beyond a system. */
export interface EmbeddedHost {
  readonly system: System;
  readonly engine: Engine;
  readonly surface: Surface;
}

export interface EmbeddedInternals {
  readonly registry?: Registry;
  readonly dedupe?: boolean;
}

export const DEFAULT_COMPONENTS: readonly ComponentSpec[] = [
  component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
  component('pubsub', 'pubsub.in-memory'),
];

export async function createEmbedded(options: SystemOptions): Promise<System> {
  return (await openEmbedded(options)).system;
}

export async function openEmbedded(
  options: SystemOptions,
  internals: EmbeddedInternals = {},
): Promise<EmbeddedHost> {
  const { appId = 'troupe', clock = createSystemClock() } = options;
  const logger = options.logger ?? createLogger({ level: 'warn', fields: { app_id: appId } });
  await using undo = new AsyncDisposableStack();
  const components = undo.use(
    await openComponents(options, appId, clock, logger, internals.registry),
  );
  const store = actorStoreOf(components, appId);
  const placement = createSinglePlacement(() => store.nextTerm());
  const engine = new Engine({
    clock,
    random: systemRandom,
    store,
    placement,
    logger,
    publisher: () => surface.api.publisher,
    targets: (self) =>
      options.actors.map((actorClass) => createInProcessTarget(actorClass, self, options.services)),
    interceptors: options.interceptors ?? [],
    defaultTimeoutMs: parseDuration(options.defaultTimeout ?? DEFAULT_TIMEOUT, 'defaultTimeout'),
    tasks: options.tasks,
    dedupe: internals.dedupe ?? true,
  });
  const surface = createSurface({ options, appId, clock, logger, components, engine });
  // One grace for both: a request in flight may be what waits for a turn in flight.
  undo.defer(async () => {
    await Promise.all([surface.close(), engine.close(CLOSE_GRACE_MS)]);
  });
  // The port first: a host that cannot have it must not take the actors from one that runs.
  await surface.listen();
  await placement.start();
  await surface.subscribe();
  await engine.start();
  await surface.join();
  return { engine, surface, system: systemOf(appId, engine, surface, undo.move()) };
}

function openComponents(
  options: SystemOptions,
  appId: string,
  clock: Clock,
  logger: EngineLogger,
  registry: Registry = createRegistry(),
): Promise<LoadedComponents> {
  return loadComponents(options.components ?? DEFAULT_COMPONENTS, {
    registry,
    appId,
    env: options.env ?? {},
    now: () => clock.now(),
    timer: (delayMs, fire) => clock.timer(clock.now() + delayMs, fire, { background: true }),
    logger,
  });
}

function actorStoreOf({ actorStore }: LoadedComponents, appId: string): ActorStore {
  assertName('app id', appId);
  if (actorStore) return createComponentStore({ store: actorStore.store, appId });
  throw new TroupeError(
    'INVALID_ARGUMENT',
    'no state component is marked for actors; add metadata actorStateStore: "true" to the one that is to keep them',
  );
}

function systemOf(
  appId: string,
  engine: Engine,
  surface: Surface,
  open: AsyncDisposableStack,
): System {
  const { api } = surface;
  const server = surface.server();
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
    actors: engine.actors,
    ...(server ? { http: { host: server.host, port: server.port } } : {}),
    stats: () => engine.stats(),
    outboxIdle: () => engine.outboxIdle(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
