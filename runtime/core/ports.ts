/**
 * What the engine needs from outside and what it offers inside. The engine
 * tells no time, opens nothing and keeps nothing but through these.
 */
import type { ActorAddress } from './errors.ts';
import type { Payload } from './codec.ts';

/** Milliseconds since the epoch, and wake-ups. One owner of time per system; virtual in tests. */
export interface Clock {
  now(): number;
  /**
   * Calls `fire` once at `at` or as soon after as possible. A background timer
   * does not keep the process alive.
   */
  timer(at: number, fire: () => void, options?: { readonly background?: boolean }): ClockTimer;
}

export interface ClockTimer {
  cancel(): void;
}

export interface Random {
  /** A short unique text, for example 16 hex digits. */
  id(): string;
}

/** Who owns an actor now. `term` grows with every new owner and is written into the actor's ownership record. */
export type Owner =
  | { readonly kind: 'here'; readonly term: number }
  | { readonly kind: 'peer'; readonly address: string };

export interface Placement extends AsyncDisposable {
  /** Synchronous when the answer is known, which keeps the local path short. */
  owner(type: string, id: string): Owner | Promise<Owner>;
  /** The store refused this host as owner of the actor: a newer host has it. */
  fenced(actor: ActorAddress): void;
  /**
   * Address of the peer that gives out the turns, when another runtime does: every call
   * goes to it first, and comes back forwarded to the host that owns the actor.
   */
  readonly gate?: string;
}

/** What a turn is opened for. A system turn runs a function of the engine's own on the actor. */
export type CallKind = 'method' | 'timer' | 'reminder' | 'system';

/** Identifies a durable send to its receiver: repetitions of (key, stream) up to `seq` are dropped. */
export interface Once {
  readonly key: string;
  readonly stream: string;
  readonly seq: number;
  /** How long the receiver remembers, in milliseconds. Default 7 days. */
  readonly windowMs?: number;
}

/** A call as it enters the router from any border. */
export interface OutgoingCall {
  readonly type: string;
  readonly id: string;
  readonly method: string;
  readonly kind?: CallKind;
  readonly payload: Payload;
  /** Milliseconds since the epoch. Default: now plus the default timeout. */
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Id of the call chain this call is part of, when it came over a wire (Dapr-Reentrancy-Id). */
  readonly chainId?: string | undefined;
  /** The actors already in that chain, outermost first, when the wire carried them. */
  readonly chain?: readonly ActorAddress[] | undefined;
  readonly once?: Once | undefined;
  /** It came from the host that took this one for the owner: it goes no further. */
  readonly isForwarded?: boolean | undefined;
  /** Trace context and other call metadata, names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The request that the call came by, for an actor that lives behind a wire itself. */
  readonly wire?: WireRequest | undefined;
}

/** A call as its request looked. Only read, by whoever passes it on. */
export interface WireRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Without the question mark. */
  readonly query: string;
}

/** What becomes of a firing that failed: given up, or tried again after a pause. */
export type FailurePolicy =
  | { readonly kind: 'drop' }
  | {
      readonly kind: 'constant';
      readonly intervalMs: number;
      /** Undefined: without end. */
      readonly maxRetries?: number;
    };

export interface ReminderSpec {
  readonly due?: string | number | Date | undefined;
  readonly period?: string | number | undefined;
  readonly ttl?: string | number | Date | undefined;
  readonly data?: unknown;
  /** Default true. */
  readonly overwrite?: boolean | undefined;
  /** Default: again and again, with growing pauses. */
  readonly failurePolicy?: FailurePolicy | undefined;
}

export interface TimerSpec extends Omit<ReminderSpec, 'overwrite' | 'failurePolicy'> {
  /** Method called with `data`; absent: the timer hook. */
  readonly method?: string | undefined;
}

export interface ReminderRecord {
  readonly name: string;
  readonly due: number;
  /** The first due time as it was given. */
  readonly dueGiven?: string;
  readonly period?: string | number;
  readonly left?: number;
  readonly expires?: number;
  readonly data?: unknown;
  /** Firings in a row whose handler failed. */
  readonly failures: number;
  /** When the firing that failed is tried again. */
  readonly retryAt?: number;
  readonly failurePolicy?: FailurePolicy;
}

export type EntryOperation =
  | {
      readonly kind: 'upsert';
      readonly name: string;
      readonly json: string;
      readonly ttlSeconds?: number;
    }
  | { readonly kind: 'delete'; readonly name: string };

/**
 * The actors of a system, as the API rooms see them. Every operation enters as
 * a turn of the actor. Errors: NOT_FOUND for an unknown type, METHOD_NOT_FOUND,
 * INVALID_ARGUMENT, OVERLOADED, TIMEOUT, CANCELLED, DEADLOCK, STACK_DEPTH,
 * FENCED, CONFLICT, and the application's own.
 */
export interface ActorRuntime {
  call(call: OutgoingCall): Promise<Payload>;
  /** True while the actor has an activation here. */
  isActive(actor: ActorAddress): boolean;
  /** JSON text of a committed entry. */
  getState(
    actor: ActorAddress,
    name: string,
  ): Promise<{ json: string; expiresAt?: number } | undefined>;
  changeState(actor: ActorAddress, operations: readonly EntryOperation[]): Promise<void>;
  setTimer(actor: ActorAddress, name: string, spec: TimerSpec): Promise<void>;
  deleteTimer(actor: ActorAddress, name: string): Promise<void>;
  setReminder(actor: ActorAddress, name: string, spec: ReminderSpec): Promise<void>;
  getReminder(actor: ActorAddress, name: string): Promise<ReminderRecord | undefined>;
  deleteReminder(actor: ActorAddress, name: string): Promise<void>;
  /** All of an actor, or of a type. */
  deleteReminders(type: string, id?: string): Promise<void>;
  /** Reminders of a type, or of one actor of it, by due time. */
  reminders(
    type: string,
    id?: string,
  ): Promise<{ readonly actor: ActorAddress; readonly record: ReminderRecord }[]>;
  /** Hosted types with the number of activations of each. */
  types(): { type: string; count: number }[];
  /** Ids of a type that have state, ascending, in pages. */
  list(type: string, page?: { after?: string; limit?: number }): Promise<string[]>;
}

/** A row of an actor in the store. Names beginning with `$` are the engine's own. */
export interface StoredEntry {
  readonly name: string;
  /** JSON text; absent when there is no such row. */
  readonly json?: string;
  readonly etag?: string;
  readonly expiresAt?: number;
}

/** Ordered indexes that the engine keeps: reminders by time, undelivered outbox rows, ids of a type. */
export type IndexName = 'due' | 'outbox' | 'ids' | 'parked';

export type EntryWrite =
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly json: string;
      readonly etag?: string | undefined;
      readonly firstWrite?: boolean | undefined;
      readonly ttlMs?: number | undefined;
      readonly index?: { readonly name: IndexName; readonly score: number } | undefined;
    }
  | { readonly kind: 'delete'; readonly name: string; readonly index?: IndexName | undefined }
  | { readonly kind: 'check'; readonly name: string; readonly etag: string | null }
  | { readonly kind: 'delete-all' };

export interface ScannedEntry {
  readonly actor: ActorAddress;
  readonly name: string;
  readonly json: string;
  readonly score: number;
  /** Position for `after`. */
  readonly key: string;
}

/** Reads what is due by time; only `ActorStore.commit` and `remove` write. */
export interface DueReader {
  scan(
    index: 'due' | 'outbox' | 'parked',
    query: {
      readonly until?: number | undefined;
      readonly after?: { readonly score: number; readonly key: string } | undefined;
      readonly limit: number;
    },
  ): Promise<ScannedEntry[]>;
}

/** Where actors' state, reminders and outbox are kept. */
export interface ActorStore extends DueReader {
  /** One entry a name, in the order asked. */
  read(actor: ActorAddress, names: readonly string[]): Promise<StoredEntry[]>;
  /**
   * One transaction, durable when it resolves; rejects with CONFLICT when a
   * condition does not hold. Resolves to the new etag of each `set`.
   */
  commit(actor: ActorAddress, writes: readonly EntryWrite[]): Promise<(string | undefined)[]>;
  /** Deletes delivered outbox rows, in one transaction. */
  remove(
    rows: readonly {
      readonly actor: ActorAddress;
      readonly name: string;
      readonly index: IndexName;
    }[],
  ): Promise<void>;
  /** Ids of a type that have state, ascending. */
  list(
    type: string,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<string[]>;
  /** A number larger than every one given before by this store for the application. */
  nextTerm(): Promise<number>;
}

/** Runs CPU-heavy work away from the turns: a pool of threads, a model server. */
export interface TaskRunner {
  /** Names of the tasks that it runs. */
  readonly tasks: readonly string[];
  /**
   * What is cancelled or expired before it starts never starts. Rejects with the
   * task's own error, OVERLOADED, CANCELLED, TIMEOUT or UNAVAILABLE.
   */
  run(
    task: string,
    input: unknown,
    options: {
      readonly signal: AbortSignal;
      /** Milliseconds from now. */
      readonly timeoutMs: number;
      readonly priority?: number | undefined;
    },
  ): Promise<unknown>;
}

/** Publishes what an outbox holds. `id` is the same at every repetition. */
export interface Publisher {
  /** True when there is a pub/sub component of the name. */
  knows(pubsub: string): boolean;
  publish(event: {
    readonly id: string;
    readonly pubsub: string;
    readonly topic: string;
    readonly data: unknown;
    /** The events of one key stay in order where a broker would not keep all in order. */
    readonly key?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly headers?: Readonly<Record<string, string>>;
  }): Promise<void>;
}

export interface EngineLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
