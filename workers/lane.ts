/**
 * One place for a thread that outlives its threads: it runs one call at a
 * time, and when its thread dies the call is answered with a typed error and
 * the next thread is warmed before it takes work. Piscina owns the thread.
 */
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { TroupeError } from '../runtime/core/errors.ts';
import {
  CONTROL,
  READY,
  type FromWorker,
  type ThreadData,
  type ToWorker,
  type WorkerReport,
} from './protocol.ts';

/** What moves to a thread instead of being copied. */
export type Transferred = ArrayBuffer | MessagePort;

export interface LaneOptions {
  /** Of the pool, for messages. */
  readonly pool: string;
  /** Read anew for every thread that starts. */
  readonly data: ThreadData;
  /**
   * Closing waits for the running call. Ending a thread inside native code that
   * is about to return to JavaScript, as a session's run is, ends the process.
   */
  readonly uncut?: boolean;
  /** Calls that may be with the thread at once; it runs them in their order. Default 1. */
  readonly depth?: number;
  /** A thread ended that nobody had ended. */
  onDeath?(): void;
}

export interface LaneCall {
  readonly transfer?: readonly Transferred[] | undefined;
  readonly onProgress?: ((progress: unknown) => void) | undefined;
}

export interface Lane {
  readonly busy: boolean;
  /** Starts the thread and resolves once it is warm. */
  ready(): Promise<void>;
  /**
   * Rejects with the task's error, INVALID_ARGUMENT for an input that cannot be
   * cloned, or UNAVAILABLE when the thread ended meanwhile.
   */
  run(message: ToWorker, call?: LaneCall): Promise<unknown>;
  /** Ends the thread; resolves when it is gone. */
  close(): Promise<void>;
}

type Threads = Piscina<ToWorker, FromWorker>;

interface Running {
  readonly onProgress: LaneCall['onProgress'];
  fail(error: unknown): void;
}

const NOTHING_MORE = {};
/** Longest time that a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const ENTRY = new URL('./thread.ts', import.meta.url).href;

export function createLane({ pool, data, uncut = false, depth = 1, onDeath }: LaneOptions): Lane {
  let threads: Threads | undefined;
  const running = new Map<number, Running>();
  let whenIdle: (() => void) | undefined;
  // A call keeps the process alive, also while its thread is being replaced.
  const alive = setInterval(() => {}, LONGEST_TIMER_MS).unref();
  let closing: Promise<void> | undefined;

  const ended = (cause: unknown): TroupeError => {
    const { name, message } = cause as Error;
    if (name === 'DataCloneError') {
      return new TroupeError('INVALID_ARGUMENT', `a thread cannot be given that: ${message}`);
    }
    const text = `a worker thread of the pool ${pool} ended: ${message}`;
    return new TroupeError('UNAVAILABLE', text, { cause });
  };
  const open = (): Threads => {
    const opened: Threads = new Piscina({
      filename: ENTRY,
      name: 'handle',
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Infinity,
      concurrentTasksPerWorker: depth,
      recordTiming: false,
      workerData: data,
    });
    opened.on('message', ({ call, progress }: WorkerReport) => {
      running.get(call)?.onProgress?.(progress);
    });
    opened.on('workerDestroy', () => {
      if (!closing && threads === opened) onDeath?.();
    });
    // A thread that cannot load its tasks ends without a call of its own, and
    // piscina would let the call that waits for it wait for ever.
    opened.on('error', (error) => {
      if (threads !== opened) return;
      threads = undefined;
      void opened.destroy();
      for (const one of [...running.values()]) one.fail(error);
    });
    return opened;
  };

  const lane: Lane = {
    get busy() {
      return running.size > 0;
    },
    async ready() {
      await lane.run({ call: -1, task: READY, input: undefined });
    },
    run(message, { transfer, onProgress } = NOTHING_MORE) {
      if (closing) {
        return Promise.reject(new TroupeError('UNAVAILABLE', `the pool ${pool} is closed`));
      }
      threads ??= open();
      const answer = threads.run(message, transfer ? { transferList: transfer } : NOTHING_MORE);
      return new Promise((resolve, reject) => {
        const settle = (): boolean => {
          if (!running.delete(message.call)) return false;
          if (running.size > 0) return true;
          alive.unref();
          whenIdle?.();
          return true;
        };
        const fail = (error: unknown): void => {
          if (settle()) reject(ended(error));
        };
        running.set(message.call, { onProgress, fail });
        alive.ref();
        answer.then((result) => {
          if (!settle()) return;
          if (result.kind === 'done') resolve(result.output);
          else reject(new TroupeError(result.code, result.message));
        }, fail);
      });
    },
    close() {
      closing ??= (async () => {
        if (uncut && running.size > 0) {
          await new Promise<void>((resolve) => {
            whenIdle = resolve;
          });
        }
        await threads?.destroy();
        clearInterval(alive);
      })();
      return closing;
    },
  };
  return lane;
}

/** Bytes of a call's control memory. */
export const CONTROL_BYTES = 4;

/** Sets a call's control word, unless it was cancelled before. */
export function steer(control: Int32Array, to: 'finish' | 'cancel'): void {
  if (to === 'cancel') Atomics.store(control, 0, CONTROL.cancel);
  else Atomics.compareExchange(control, 0, CONTROL.go, CONTROL.finish);
}
