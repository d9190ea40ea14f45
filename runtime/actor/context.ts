/**
 * What an actor is given: one context object an activation. Members marked
 * "of the turn" answer for the turn that is running when they are read, also
 * when read-only turns run side by side; outside a turn they throw.
 */
import type { ActorAddress } from '../core/errors.ts';
import type { StateEntry, StateOptions } from './state.ts';
import type { ActorRef, OutboxRef } from './ref.ts';

/**
 * A length of time: milliseconds as a number, or text as Dapr takes it: a Go
 * duration (`1h30m`, `250ms`) or an ISO 8601 duration (`PT1H30M`, `P3D`), or
 * whole days (`3d`).
 */
export type Duration = string | number;

/** A point in time: a `Duration` from now, an RFC 3339 text, or a Date. */
export type DueTime = Duration | Date;

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface TimerOptions {
  /** Default: at once. */
  readonly due?: DueTime;
  /** Text may be `R3/PT10S`: three firings in all. Absent: fires once. */
  readonly period?: Duration;
  /** Nothing fires later than this long after the due time. */
  readonly ttl?: DueTime;
  /** Method called with `data`. Default: `onTimer`. */
  readonly method?: string;
  readonly data?: unknown;
}

/** Timers live with the activation: a restart or idle passivation ends them. */
export interface Timers {
  /** Replaces a timer of the same name. */
  set(name: string, options: TimerOptions): void;
  delete(name: string): void;
}

export interface ReminderOptions {
  readonly due?: DueTime;
  readonly period?: Duration;
  readonly ttl?: DueTime;
  readonly data?: unknown;
  /** Default true. With false, an existing reminder of the name is a CONFLICT. */
  readonly overwrite?: boolean;
}

export interface ReminderInfo {
  readonly name: string;
  /** Milliseconds since the epoch of the next firing. */
  readonly due: number;
  /** As it was given. */
  readonly period?: Duration;
  /** Firings left, when bounded. */
  readonly left?: number;
  /** Milliseconds since the epoch; nothing fires later. */
  readonly expires?: number;
  readonly data?: unknown;
  /** Firings in a row whose handler failed; they are retried with back-off. */
  readonly failures: number;
}

/** Reminders are durable: set and deleted with the turn's commit, never early, at least once. */
export interface Reminders {
  set(name: string, options: ReminderOptions): Promise<void>;
  get(name: string): Promise<ReminderInfo | undefined>;
  delete(name: string): Promise<void>;
}

export interface OffloadOptions {
  /** The lowest goes first. Default: by the pool or the model. */
  readonly priority?: number;
}

/** What `onReminder` and `onTimer` are given. */
export interface Firing {
  readonly name: string;
  readonly data: unknown;
  /** Milliseconds since the epoch at which this firing was due. */
  readonly due: number;
}

export interface PublishOptions {
  /** Component name. Default `pubsub`. */
  readonly pubsub?: string;
  /** Dapr's publish metadata, for example `ttlInSeconds`, `cloudevent.type`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Sends that commit with the turn: nothing leaves if the turn fails, and what
 * was committed is delivered at least once, in order per receiver, across
 * crashes; a receiving actor drops repetitions.
 */
export interface Outbox {
  /** A ref whose methods send and return nothing. */
  ref<T extends object>(type: string, id: string): OutboxRef<T>;
  publish(topic: string, data: unknown, options?: PublishOptions): void;
}

export interface ActorContext<Services = unknown> {
  readonly type: string;
  readonly id: string;
  /** What the host handed in under `services`. */
  readonly services: Services;
  readonly logger: Logger;
  /** Fencing epoch of this activation; undefined until its first commit. */
  readonly epoch: number | undefined;

  /** Of the turn: the actor that made the call, undefined for a call from outside. */
  readonly caller: ActorAddress | undefined;
  /** Of the turn: milliseconds since the epoch after which nobody waits for the answer. */
  readonly deadline: number;
  /** Of the turn: aborted when the caller gave up or the deadline passed. */
  readonly signal: AbortSignal;

  /** Milliseconds since the epoch by the host's clock (virtual in tests). */
  now(): number;
  /** Waits by the host's clock; rejects when the turn's signal aborts. */
  sleep(duration: Duration): Promise<void>;

  /**
   * Of the turn: runs a task in a worker thread. The turn stays open meanwhile, so nothing
   * else of this actor runs; its deadline and its cancellation reach the task. Requests of
   * many actors to one model are batched together.
   *
   * @throws TroupeError with the task's own code, OVERLOADED with `details.retryAfterMs`,
   * UNAVAILABLE when the worker ended, UNSUPPORTED when the system runs no tasks.
   */
  offload<Output>(task: string, input: unknown, options?: OffloadOptions): Promise<Output>;
  /** Declares a named entry of this actor's state. Call it once a name, as a field initialiser. */
  state<T>(name: string, options: StateOptions<T>): StateEntry<T>;
  /** Calls made through the ref belong to the turn: its deadline, its call chain. */
  ref<T extends object>(type: string, id: string): ActorRef<T>;
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly reminders: Reminders;
  /** Of the turn: when it commits, state, reminders and pending outbox of this actor are gone. */
  delete(): void;
}
