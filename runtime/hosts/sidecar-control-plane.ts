/**
 * Dapr's placement and scheduler as a sidecar joins them: who owns an actor,
 * where its reminders and the app's jobs are kept, and what this host takes of
 * them. Without an address of theirs nothing here is opened.
 */
import { LocalValue } from '../core/codec.ts';
import type { Engine } from '../core/engine.ts';
import { isTroupeError } from '../core/errors.ts';
import type { Jobs } from '../core/job-scheduler.ts';
import type { Peer } from '../core/peer.ts';
import type { ActorStore, Clock } from '../core/ports.ts';
import type { ReminderService } from '../core/services.ts';
import { createDaprPlacement, type DaprPlacement } from '../placement/dapr.ts';
import { createSchedulerJobs } from '../stores/scheduler-jobs.ts';
import { createSchedulerReminders, createNoReminders } from '../stores/scheduler-reminders.ts';
import { createDaprScheduler, type DaprScheduler } from '../stores/dapr-scheduler.ts';
import type { TriggerTarget } from '../stores/dapr-triggers.ts';
import { createControlPlaneProtos } from '../transport/grpc/proto.ts';
import { createActorPeer } from '../targets/actor-peer.ts';
import { firingData, REMINDER_CANCELED } from '../transport/peer/actor-messages.ts';
import type { PeerConnections } from '../transport/peer/connections.ts';
import type { SidecarOptions } from './sidecar-options.ts';

export interface ControlPlaneParts {
  readonly options: SidecarOptions;
  readonly clock: Clock;
  readonly connections: PeerConnections;
}

/** What the engine is given, and its life among the members. */
export interface JoinedPlacement {
  readonly placement: DaprPlacement;
  readonly peer: Peer;
  readonly reminders: ReminderService;
  typesChanged(types: readonly string[]): void;
  /** Joins with the engine's types as they are now. */
  join(engine: Engine, address: string): void;
}

export interface ControlPlane extends AsyncDisposable {
  /** Undefined: no scheduler was named. */
  readonly jobs: Jobs | undefined;
  /** Undefined: no placement was named. Call it once, for the engine that is made with it. */
  readonly place: ((store: ActorStore, engine: () => Engine) => JoinedPlacement) | undefined;
  /** What keeps the sidecar from being ready, by daprd's names. */
  waiting(): readonly string[];
  /** Addresses of the schedulers that are connected; undefined without any. */
  readonly schedulers: (() => readonly string[]) | undefined;
  /** True while this host is a member; undefined without a placement. */
  readonly isPlaced: (() => boolean) | undefined;
  /** Leaves the placement, so that others have the actors at once. */
  leave(): Promise<void>;
}

const DEFAULT_NAMESPACE = 'default';

export function openControlPlane({ options, clock, connections }: ControlPlaneParts): ControlPlane {
  const { appId, log, controlPlane, namespace = DEFAULT_NAMESPACE } = options;
  const protos = createControlPlaneProtos();
  const common = { appId, namespace, clock, protos };
  let placement: DaprPlacement | undefined;
  let engine: (() => Engine) | undefined;
  let hasSettled = false;
  let watched = { jobs: false, actorTypes: [] as readonly string[] };

  const scheduler: DaprScheduler | undefined =
    controlPlane && controlPlane.scheduler.length > 0
      ? createDaprScheduler({
          ...common,
          addresses: controlPlane.scheduler,
          streams: controlPlane.schedulerStreams,
          logger: log.scoped('dapr.runtime.scheduler'),
        })
      : undefined;
  const reminders = scheduler ? createSchedulerReminders(scheduler) : createNoReminders();
  const jobs =
    scheduler && createSchedulerJobs({ scheduler, takesJobs: (takes) => watch({ jobs: takes }) });

  const target: TriggerTarget = {
    job: (trigger) => jobs!.trigger(trigger),
    async reminder({ type, id }, { name, data }) {
      const firing = { name, data: firingData(data), due: clock.now() };
      try {
        await engine!().router.call({
          type,
          id,
          method: name,
          kind: 'reminder',
          payload: new LocalValue(firing),
        });
      } catch (error) {
        // The app of another sidecar wants no more of them; one of Troupe has seen to it itself.
        if (!isTroupeError(error) || error.message !== REMINDER_CANCELED) throw error;
        await reminders.delete({ type, id }, name);
      }
    },
  };

  function watch(change: Partial<typeof watched>): void {
    watched = { ...watched, ...change };
    scheduler?.watch(watched, target);
  }

  function place(store: ActorStore, made: () => Engine): JoinedPlacement {
    engine = made;
    if (scheduler) log.info({}, 'Using Scheduler service for reminders.');
    let types: readonly string[] = [];
    let address = '';
    const logger = log.scoped('dapr.runtime.actors.placement');
    const takeUp = (work: Promise<void>): void =>
      void work.catch((err: unknown) =>
        logger.error({ err }, 'what other hosts left undelivered could not be read'),
      );
    const opened = createDaprPlacement({
      ...common,
      addresses: controlPlane!.placement,
      address: () => address,
      disseminateTimeoutMs: controlPlane!.disseminateTimeoutMs,
      logger,
      nextTerm: () => store.nextTerm(),
      halt: (isHere) => made().halt(isHere),
      settled() {
        takeUp(hasSettled ? made().takeUp() : made().start());
        hasSettled = true;
        watch({ actorTypes: types.toSorted() });
      },
    });
    placement = opened;
    return {
      placement: opened,
      peer: createActorPeer({ connections, now: () => clock.now() }),
      reminders,
      typesChanged(now) {
        types = now;
        if (address !== '') opened.report(types);
      },
      join(joining, at) {
        address = at;
        types = joining.actors.types().map(({ type }) => type);
        opened.start(types);
      },
    };
  }

  const leave = async (): Promise<void> => {
    await placement?.close();
  };

  return {
    jobs,
    place: controlPlane && controlPlane.placement.length > 0 ? place : undefined,
    waiting: () => [
      ...(placement && !hasSettled ? ['internal-placement-service'] : []),
      ...(scheduler && !scheduler.ready ? ['scheduler-watch-hosts'] : []),
    ],
    schedulers: scheduler && (() => scheduler.connected),
    get isPlaced() {
      return placement && (() => placement!.ready);
    },
    leave,
    async [Symbol.asyncDispose]() {
      await leave();
      await scheduler?.close();
    },
  };
}
