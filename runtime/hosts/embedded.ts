/**
 * The embedded runtime: engine, components, actors and, when asked for, Dapr's
 * HTTP API in one process. A composition root: it decides nothing that the
 * rooms it joins could decide.
 */
import type { Registry } from '../../components/registry.ts';
import { component, type ComponentSpec } from '../config/component.ts';
import { Engine } from '../core/engine.ts';
import { parseDuration } from '../core/schedule.ts';
import { createSinglePlacement } from '../placement/single.ts';
import { createInProcessTarget } from '../targets/in-process.ts';
import { actorStoreOf, CLOSE_GRACE_MS, openComponents, systemOf } from './composition.ts';
import { createLogger } from './logger.ts';
import { interceptorsOf } from './trace-calls.ts';
import { createSurface, openApp, type Surface } from './surface.ts';
import type { System, SystemOptions } from './system.ts';
import { createSystemClock, systemRandom } from './system-clock.ts';

const DEFAULT_TIMEOUT = '60s';

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
    await openComponents({
      components: options.components ?? DEFAULT_COMPONENTS,
      appId,
      clock,
      logger,
      env: options.env ?? {},
      registry: internals.registry,
    }),
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
    interceptors: interceptorsOf(options),
    defaultTimeoutMs: parseDuration(options.defaultTimeout ?? DEFAULT_TIMEOUT, 'defaultTimeout'),
    tasks: options.tasks,
    dedupe: internals.dedupe ?? true,
  });
  const app = await openApp(options);
  const surface = createSurface({ options, appId, clock, logger, components, engine, app });
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
  const http = surface.server();
  const grpc = surface.grpcServer();
  const system = systemOf({ appId, engine, api: surface.api, http, grpc, open: undo.move() });
  return { engine, surface, system };
}
