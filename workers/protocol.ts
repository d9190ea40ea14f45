/**
 * What crosses between the main thread and the worker threads: every task by
 * name with its input, its answer and what it reports meanwhile. Only plain
 * data that can be cloned.
 */

import type { WatchInput, WatchOutput } from './edge/messages.ts';

/**
 * How distances become costs: as they are; to the nearest whole number; or cut
 * after one decimal.
 */
export type Rounding = 'none' | 'integer' | 'decimal';

/** A stop's number or name, as its file gives it. */
export type StopId = number | string;

/** One vehicle's way, without its depot. */
export interface PlanRoute {
  /** Name of its fleet; the files of the libraries have one, `all`. */
  readonly fleet: string;
  readonly stops: readonly StopId[];
  /** So many leading stops stay as they are: the vehicle is on its way. Default 0. */
  readonly frozen?: number;
  /** Time at which the vehicle left its depot, in the instance's unit. */
  readonly departed?: number;
}

export interface PlanInput {
  /** Name of the file, for messages. */
  readonly name: string;
  /** The file: CVRPLIB, Solomon or Troupe's JSON. */
  readonly text: string;
  /** Stops after so many seconds. With `iterations` too, whichever comes first. */
  readonly seconds?: number;
  /** Stops after so many iterations; the same seed then gives the same plan. */
  readonly iterations?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Routes to go on from, instead of those in the file. Stops it lacks are added. */
  readonly start?: readonly PlanRoute[];
  /** Set by `planRoutes` where several searches work on one plan. */
  readonly team?: TeamInput;
  /** Also tell what simple tours would cost. Default false. */
  readonly compare?: boolean;
}

/** A search's place among those that work on one plan. */
export interface TeamInput {
  /** Of `teamBytes(members)`. */
  readonly memory: SharedArrayBuffer;
  /** From 0. */
  readonly member: number;
  readonly members: number;
}

/** Most depots and customers of an instance: its distances take 8 bytes a pair. */
export const MOST_NODES = 6000;

/** A word for all and three a member, then two boards a member of two lists of nodes and routes. */
export function teamBytes(members: number): number {
  return 4 * (1 + 3 * members + members * 2 * 2 * 2 * MOST_NODES);
}

export interface PlanProgress {
  readonly seconds: number;
  readonly iterations: number;
  readonly cost: number;
  readonly routes: number;
  /** Customers that no vehicle serves yet. */
  readonly absent: number;
}

export interface Site {
  readonly id: StopId;
  readonly x: number;
  readonly y: number;
}

interface TourSize {
  readonly cost: number;
  readonly routes: number;
}

/** Tours without a search, by the same rules but with as many vehicles as they need. */
export interface SimpleTours {
  readonly firstInFirstOut: TourSize;
  readonly nearestNeighbour: TourSize;
  /** Clarke and Wright's. */
  readonly savings: TourSize;
}

export interface PlanOutput {
  readonly instance: string;
  /** Distance by the instance's own rounding rule. */
  readonly cost: number;
  readonly routes: readonly PlanRoute[];
  readonly seconds: number;
  readonly iterations: number;
  readonly feasible: boolean;
  /** Why it is not feasible, a sentence each. */
  readonly problems: readonly string[];
  /** Name of each fleet's depot, by the fleet's name. */
  readonly depots: Readonly<Record<string, StopId>>;
  /** When `compare` was asked for. */
  readonly simple?: SimpleTours;
  /** Where depots and customers are; absent when the instance gives no coordinates. */
  readonly map?: { readonly depots: readonly Site[]; readonly customers: readonly Site[] };
}

export interface Tasks {
  plan: { input: PlanInput; output: PlanOutput; progress: PlanProgress };
  watch: { input: WatchInput; output: WatchOutput; progress: never };
}

export type TaskName = keyof Tasks;

/** Values of the first word of a call's control memory. */
export const CONTROL = { go: 0, finish: 1, cancel: 2 } as const;

/** Name of the call that any warm thread answers. */
export const READY = '$ready';

/** What a thread is started with. */
export interface ThreadData {
  /** URL of the task module. */
  readonly module: string;
  /** Given to the `warm` of the task module. */
  readonly setup?: unknown;
}

/** Main thread to worker. */
export interface ToWorker {
  readonly call: number;
  readonly task: string;
  readonly input: unknown;
  /** One 32-bit word of `CONTROL`; absent for a call that is never steered. */
  readonly control?: SharedArrayBuffer;
}

/** The answer to a call, worker to main thread. */
export type FromWorker =
  | { readonly kind: 'done'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** What a call reports meanwhile, worker to main thread. */
export interface WorkerReport {
  readonly call: number;
  readonly progress: unknown;
}

/** What a task may use of its call. */
export interface TaskContext<Progress> {
  /** True once the caller wants the best answer so far. */
  finishing(): boolean;
  /** True once nobody waits for the answer. */
  cancelled(): boolean;
  report(progress: Progress): void;
}

export interface ThreadContext<Progress> extends TaskContext<Progress> {
  /** Moves these buffers of the answer to the caller instead of copying them. */
  transfer(...buffers: ArrayBuffer[]): void;
}

export type Task<Name extends TaskName> = (
  input: Tasks[Name]['input'],
  context: TaskContext<Tasks[Name]['progress']>,
) => Tasks[Name]['output'] | Promise<Tasks[Name]['output']>;

/** What a module of tasks exports: its tasks by name, and what prepares a thread for them. */
export interface TaskModule {
  readonly tasks: Readonly<
    Record<string, (input: never, context: ThreadContext<never>) => unknown>
  >;
  /** Awaited once in every thread before it takes a call. */
  warm?(setup: unknown): Promise<void> | void;
}
