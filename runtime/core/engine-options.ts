/** What an engine is made from, and what it tells of itself. */
import type { ActorTarget } from './actor-type.ts';
import type { Engine } from './engine.ts';
import type { Interceptor } from './interceptors.ts';
import type { Peer } from './peer.ts';
import type {
  ActorStore,
  Clock,
  EngineLogger,
  Placement,
  Publisher,
  Random,
  TaskRunner,
} from './ports.ts';
import type { ReminderService, TimerService } from './services.ts';
import type { Telemetry } from './telemetry.ts';

export interface EngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: ActorStore;
  readonly placement: Placement;
  readonly logger: EngineLogger;
  /** Read when an outbox publishes; undefined while no pub/sub component is there. */
  readonly publisher: () => Publisher | undefined;
  readonly targets: (engine: Engine) => readonly ActorTarget[];
  readonly interceptors: readonly Interceptor[];
  readonly defaultTimeoutMs: number;
  readonly tasks?: TaskRunner | undefined;
  readonly peer?: Peer | undefined;
  /** Absent: reminders are kept in the store, and this host fires them. */
  readonly reminders?: ReminderService | undefined;
  /** Absent: timers are kept by the activations. */
  readonly timers?: TimerService | undefined;
  /** Told when this host begins or ends hosting a type. */
  readonly typesChanged?: ((types: readonly string[]) => void) | undefined;
  /** Absent: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  /** False only to show in a test what repetitions do without it. */
  readonly dedupe?: boolean;
}

export interface EngineStats {
  readonly turns: number;
  readonly durableTurns: number;
  /** Outbox rows committed and not yet fully delivered. */
  readonly pendingOutbox: number;
  /** Outbox messages that receivers refused for good. */
  readonly parkedMessages: number;
  readonly duplicates: number;
  readonly remindersFired: number;
  readonly reminderFailures: number;
  readonly activeActors: number;
}
