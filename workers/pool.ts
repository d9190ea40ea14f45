/**
 * A named pool of worker threads: a bounded queue of calls by priority, each
 * run by the next free thread. A call that is cancelled or expires while it
 * waits never starts; one that runs can be asked to finish early with what it
 * has. A thread that dies fails its call and is replaced.
 */
import { TroupeError } from '../runtime/core/errors.ts';
import { createPoolCounters, type PoolMetrics } from './pool-metrics.ts';
import { CONTROL_BYTES, createLane, steer, type Lane, type Transferred } from './lane.ts';
import type { Tasks } from './protocol.ts';

export interface PoolOptions {
  /** Threads, from 1. They start when there is work for them, or with `ready`. */
  readonly workers: number;
  /** For messages and metrics. Default `default`. */
  readonly name?: string;
  /** Calls that may wait for a thread; one more is refused as OVERLOADED. Default 1000. */
  readonly queue?: number;
  /** Module whose `tasks` the pool runs. Default: the tasks that come with Troupe. */
  readonly module?: URL;
  /** Given to the module's `warm` in every thread. */
  readonly setup?: unknown;
}

export interface RunOptions<Progress> {
  /** Gives the call up: it rejects with CANCELLED at once and its thread stops soon after. */
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch at which the call rejects with TIMEOUT. */
  readonly deadline?: number;
  /** The lowest goes first; calls of one priority keep their order. Default 0. */
  readonly priority?: number;
  /** Asks the task for its best answer so far. */
  readonly finish?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Buffers and ports of the input that move to the thread instead of being copied. */
  readonly transfer?: readonly Transferred[];
}

type Part<Table, Name extends keyof Table, Key extends string> =
  Table[Name] extends Record<Key, infer Type> ? Type : never;

/** `Table` gives `{ input, output, progress }` by the name of the task. */
export interface Pool<Table = Tasks> extends AsyncDisposable {
  readonly name: string;
  readonly workers: number;
  /**
   * Plain data is copied to the thread; a SharedArrayBuffer is shared.
   *
   * @throws TroupeError with the task's own code, CANCELLED, TIMEOUT,
   * OVERLOADED with `details.retryAfterMs`, INVALID_ARGUMENT for an input that
   * cannot be cloned, or UNAVAILABLE when the thread ended or the pool is closed.
   */
  run<Name extends keyof Table & string>(
    task: Name,
    input: Part<Table, Name, 'input'>,
    options?: RunOptions<Part<Table, Name, 'progress'>>,
  ): Promise<Part<Table, Name, 'output'>>;
  /** Starts every thread; resolves once all of them have loaded and warmed their tasks. */
  ready(): Promise<void>;
  metrics(): PoolMetrics;
  /** Ends the threads; calls that are not done reject with UNAVAILABLE. */
  close(): Promise<void>;
}

interface Call {
  readonly task: string;
  readonly input: unknown;
  readonly priority: number;
  readonly control: SharedArrayBuffer;
  readonly transfer: readonly Transferred[] | undefined;
  readonly since: number;
  progress(value: unknown): void;
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

const DEFAULT_QUEUE = 1000;
const OWN_TASKS = new URL('./tasks/worker.ts', import.meta.url);
/** Longest delay a timer takes; a later deadline is looked at again then. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function createPool<Table = Tasks>({
  workers,
  name = 'default',
  queue: most = DEFAULT_QUEUE,
  module = OWN_TASKS,
  setup,
}: PoolOptions): Pool<Table> {
  if (!Number.isInteger(workers) || workers < 1) {
    const text = `a pool has ${workers} workers; give 1 or more (pool ${name})`;
    throw new TroupeError('INVALID_ARGUMENT', text);
  }
  const counters = createPoolCounters(name, workers);
  const lanes: Lane[] = [];
  const waiting: Call[] = [];
  const running = new Map<Call, number>();
  let calls = 0;
  let closed: Promise<void> | undefined;

  const addLane = (): Lane => {
    const data = { module: module.href, ...(setup === undefined ? {} : { setup }) };
    const lane = createLane({ pool: name, data, onDeath: () => counters.count('deaths') });
    lanes.push(lane);
    return lane;
  };
  const start = async (lane: Lane, call: Call): Promise<void> => {
    const { task, input, control, transfer, progress: onProgress } = call;
    const began = performance.now();
    counters.waited(began - call.since);
    running.set(call, began);
    try {
      const message = { call: calls++, task, input, control };
      call.resolve(await lane.run(message, { transfer, onProgress }));
    } catch (error) {
      call.reject(error);
    }
    running.delete(call);
    counters.ran(performance.now() - began);
    next();
  };
  const next = (): void => {
    while (!closed && waiting.length > 0) {
      const lane =
        lanes.find(({ busy }) => !busy) ?? (lanes.length < workers ? addLane() : undefined);
      if (!lane) break;
      void start(lane, waiting.shift()!);
    }
  };
  const enqueue = (call: Call): void => {
    const after = waiting.findLastIndex(({ priority }) => priority <= call.priority);
    waiting.splice(after + 1, 0, call);
    next();
  };
  const overloaded = (): TroupeError => {
    counters.count('refused');
    const rounds = Math.ceil((waiting.length + 1) / workers);
    const retryAfterMs = Math.max(1, Math.ceil(rounds * counters.recentRun()));
    const text = `${most} calls wait for a worker of the pool ${name} already; try again later`;
    return new TroupeError('OVERLOADED', text, { details: { retryAfterMs } });
  };

  const pool: Pool<Table> = {
    name,
    workers,
    run(task, input, { signal, finish, deadline = Infinity, priority = 0, ...rest } = {}) {
      if (closed) return Promise.reject(gone(name, 'is'));
      if (signal?.aborted) {
        counters.count('cancelled');
        return Promise.reject(cancelled(task, signal));
      }
      if (deadline <= Date.now()) {
        counters.count('expired');
        return Promise.reject(expired(task));
      }
      if (waiting.length >= most) return Promise.reject(overloaded());
      return new Promise((resolve, reject) => {
        const control = new SharedArrayBuffer(CONTROL_BYTES);
        const word = new Int32Array(control);
        let settled = false;
        let timer: NodeJS.Timeout | undefined;
        const settle = (): boolean => {
          if (settled) return false;
          settled = true;
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          finish?.removeEventListener('abort', hurry);
          return true;
        };
        const giveUp = (outcome: 'cancelled' | 'expired', error: TroupeError): void => {
          if (!settle()) return;
          steer(word, 'cancel');
          const at = waiting.indexOf(call);
          if (at !== -1) waiting.splice(at, 1);
          counters.count(outcome);
          reject(error);
        };
        const abort = (): void => giveUp('cancelled', cancelled(task, signal!));
        const hurry = (): void => steer(word, 'finish');
        const watch = (): void => {
          const left = deadline - Date.now();
          if (left <= 0) giveUp('expired', expired(task));
          else timer = setTimeout(watch, Math.min(left, LONGEST_TIMER_MS));
        };
        const call: Call = {
          task,
          input,
          priority,
          control,
          transfer: rest.transfer,
          since: performance.now(),
          progress: (value) => {
            if (!settled) rest.onProgress?.(value as never);
          },
          resolve: (output) => {
            if (!settle()) return;
            counters.count('completed');
            resolve(output as never);
          },
          reject: (error) => {
            if (!settle()) return;
            counters.count('failed');
            reject(error as Error);
          },
        };
        signal?.addEventListener('abort', abort, { once: true });
        finish?.addEventListener('abort', hurry, { once: true });
        if (finish?.aborted) hurry();
        if (deadline !== Infinity) watch();
        enqueue(call);
      });
    },
    async ready() {
      if (closed) throw gone(name, 'is');
      while (lanes.length < workers) addLane();
      try {
        await Promise.all(lanes.filter(({ busy }) => !busy).map((lane) => lane.ready()));
      } finally {
        next();
      }
    },
    metrics() {
      const now = performance.now();
      const busyMs = [...running.values()].reduce((sum, began) => sum + now - began, 0);
      return counters.snapshot({ queued: waiting.length, running: running.size, busyMs });
    },
    close() {
      closed ??= (async () => {
        const calls = [...waiting.splice(0), ...running.keys()];
        for (const call of calls) call.reject(gone(name, 'was'));
        await Promise.all(lanes.map((lane) => lane.close()));
      })();
      return closed;
    },
    [Symbol.asyncDispose]: () => pool.close(),
  };
  return pool;
}

function cancelled(task: string, signal: AbortSignal): TroupeError {
  return new TroupeError('CANCELLED', `the task ${task} was cancelled`, { cause: signal.reason });
}

function expired(task: string): TroupeError {
  return new TroupeError('TIMEOUT', `the deadline of the task ${task} passed`);
}

function gone(pool: string, when: 'is' | 'was'): TroupeError {
  const text =
    when === 'is' ? `the pool ${pool} is closed` : `the pool ${pool} was closed meanwhile`;
  return new TroupeError('UNAVAILABLE', text);
}
