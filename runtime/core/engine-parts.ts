/** What the engine's pieces share: the ports, the turn scope, and the counters. */
import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Call } from './call.ts';
import type { EngineTelemetry } from './engine-telemetry.ts';
import type { ActorAddress } from './errors.ts';
import type { Interceptor } from './interceptors.ts';
import type { OutboxRow } from './outbox-row.ts';
import type { ActorStore, Clock, EngineLogger, Placement, Random, TaskRunner } from './ports.ts';
import type { ReminderService, TimerService } from './services.ts';
import type { Turn } from './turn.ts';

export interface EngineCounters {
  /** Turns opened, all kinds. */
  turns: number;
  /** Turns that committed to the store. */
  durableTurns: number;
  /** Durable sends that a receiver had already seen. */
  duplicates: number;
  remindersFired: number;
  reminderFailures: number;
  /** Turns open now. */
  openTurns: number;
  /** Turns that wait on the clock (`ctx.sleep`). */
  sleeping: number;
  /** Turns that wait for work of theirs in a worker (`ctx.offload`). */
  offloaded: number;
  /** Events that the outbox has given to a broker and that are not taken yet. */
  publishing: number;
  /** Grows with everything that happens; still when nothing does. */
  activity: number;
}

export interface EngineParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: ActorStore;
  readonly placement: Placement;
  readonly logger: EngineLogger;
  readonly interceptors: readonly Interceptor[];
  /** Absent: nothing can be offloaded. */
  readonly tasks: TaskRunner | undefined;
  /** Absent: reminders are kept in the store. */
  readonly reminders: ReminderService | undefined;
  /** Absent: timers are kept by the activation. */
  readonly timers: TimerService | undefined;
  readonly scope: AsyncLocalStorage<Turn>;
  readonly counters: EngineCounters;
  readonly told: EngineTelemetry;
  readonly dedupe: boolean;
  /** Sends a committed outbox row on its way; `isCertain` is false when its commit had no answer. */
  dispatch(row: OutboxRow, isCertain: boolean): void;
  /** Undelivered rows of a deleted actor are gone from the store: stop sending them. */
  forget(sender: ActorAddress): void;
  /** Takes up rows that an older owner committed after this host had started. */
  recheckOutbox(): Promise<void>;
  outboxFull(): boolean;
  /** A reminder is due at this time. */
  remindAt(due: number): void;
  /** A waiting call, of an actor that this host has no more, looks for its owner again. */
  relocate(call: Call): void;
  /** The store has a newer owner of the actor than this host. */
  fenced(actor: ActorAddress): void;
  /** Enters a call that the engine itself makes (timers). */
  enter(call: {
    readonly type: string;
    readonly id: string;
    readonly method: string;
    readonly kind: Call['kind'];
    readonly payload: Call['payload'];
  }): Promise<unknown>;
  /** Background work that closing waits for; its failure is logged. */
  track(work: Promise<unknown>): void;
}
