/** The engine of a sidecar: its actors alone on their store, or as a member of Dapr's placement. */
import type { Api } from '../api/index.ts';
import { Engine } from '../core/engine.ts';
import type { ActorRuntime, Placement } from '../core/ports.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Tracer } from '../core/tracing.ts';
import { createSinglePlacement } from '../placement/single.ts';
import { createNoStore } from '../stores/no-store.ts';
import { createInProcessTarget } from '../targets/in-process.ts';
import { subscribeActors } from './actor-subscriptions.ts';
import { actorStoreOf } from './composition.ts';
import type { LoadedComponents } from './loaded-components.ts';
import type { SidecarApp } from './sidecar-app.ts';
import type { ControlPlane } from './sidecar-control-plane.ts';
import { memberActors } from './sidecar-members.ts';
import type { SidecarOptions } from './sidecar-options.ts';
import { createSystemClock, systemRandom } from './system-clock.ts';
import { interceptorsOf } from './trace-calls.ts';

/** daprd ends no call by itself; a day is what a call without a deadline gets. */
const DEFAULT_TIMEOUT_MS = 86_400_000;

export interface Hosting extends AsyncDisposable {
  readonly engine: Engine;
  /** As the API has them. */
  readonly actors: ActorRuntime;
  /** `address` is where other members reach this host; it joins them when the app is registered. */
  start(given: Api, address: string, registered: Promise<void> | undefined): Promise<void>;
}

export interface HostingParts {
  readonly options: SidecarOptions;
  readonly components: LoadedComponents;
  /** Undefined: neither placement nor scheduler are named. */
  readonly controlPlane: ControlPlane | undefined;
  readonly api: () => Api;
  readonly telemetry: Telemetry | undefined;
  readonly tracer: Tracer | undefined;
  readonly resiliency: Resiliency;
}

/** Undefined: nothing keeps actors here, and no others are known. */
export function hostActors(parts: HostingParts): Hosting | undefined {
  const { options, components, controlPlane, api, telemetry, tracer, resiliency } = parts;
  const { appId, log, clock = createSystemClock(), actors = [] } = options;
  const place = controlPlane?.place;
  if (!components.actorStore && actors.length === 0) {
    log.info(
      {},
      'Actor state store not configured - actor hosting disabled until one is configured, but invocation enabled',
    );
    if (!place) return undefined;
  }
  const keeps = components.actorStore !== undefined || actors.length > 0;
  const store = keeps ? actorStoreOf(components, appId) : createNoStore();
  const joined = place?.(store, () => engine);
  const alone = joined ? undefined : createSinglePlacement(() => store.nextTerm());
  const engine = new Engine({
    clock,
    random: systemRandom,
    store,
    placement: (joined?.placement ?? alone) as Placement,
    peer: joined?.peer,
    reminders: joined?.reminders,
    typesChanged: joined?.typesChanged,
    telemetry,
    logger: log.scoped('dapr.runtime.actor'),
    publisher: () => api().publisher,
    targets: (self) =>
      actors.map((actorClass) => createInProcessTarget(actorClass, self, options.services)),
    interceptors: interceptorsOf({ interceptors: options.interceptors, tracer }),
    defaultTimeoutMs: options.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
  if (components.actorStore) {
    log.info({}, `Using '${components.actorStore.name}' as actor state store`);
  }
  const logger = log.scoped('dapr.runtime.actor');
  const members = joined && memberActors({ engine, clock, logger, resiliency });
  return {
    engine,
    actors: members ?? engine.actors,
    [Symbol.asyncDispose]: async () => members?.[Symbol.asyncDispose](),
    async start(given, address, registered) {
      await alone?.start();
      await subscribeActors(given, engine, actors);
      if (joined) void (registered ?? Promise.resolve()).then(() => joined.join(engine, address));
      else await engine.start();
      log.info({}, 'Actor runtime started');
    },
  };
}

/** As in Dapr, what is asked of actors before the app has named its types waits until it has. */
export function untilRegistered(
  actors: ActorRuntime,
  registration: SidecarApp['registration'],
): ActorRuntime {
  const after =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> => {
      const before = registration();
      return before ? before.then(() => work(...args)) : work(...args);
    };
  return {
    ...actors,
    call: after(actors.call),
    getState: after(actors.getState),
    changeState: after(actors.changeState),
    setTimer: after(actors.setTimer),
    deleteTimer: after(actors.deleteTimer),
    setReminder: after(actors.setReminder),
    getReminder: after(actors.getReminder),
    deleteReminder: after(actors.deleteReminder),
  };
}
