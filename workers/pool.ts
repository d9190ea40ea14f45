/**
 * The pool of worker threads: a bounded queue of calls, each run by the next
 * free thread. A call can be asked to finish early with what it has, or be
 * cancelled. A thread that dies fails its call and is replaced.
 */
import { Worker } from 'node:worker_threads';
import { TroupeError } from '../runtime/core/errors.ts';
import { CONTROL, type FromWorker, type TaskName, type Tasks, type ToWorker } from './protocol.ts';

export interface PoolOptions {
  /** Threads, from 1. They start when there is work for them. */
  readonly workers: number;
  /** Calls that may wait for a thread; one more is refused as OVERLOADED. Default 1000. */
  readonly queue?: number;
}

export interface RunOptions<Progress> {
  /** Gives the call up: it rejects with CANCELLED at once and its thread stops soon after. */
  readonly signal?: AbortSignal;
  /** Asks the task for its best answer so far. */
  readonly finish?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Pool extends AsyncDisposable {
  readonly workers: number;
  /** Rejects with the task's error, CANCELLED, OVERLOADED or, once closed, UNAVAILABLE. */
  run<Name extends TaskName>(
    task: Name,
    input: Tasks[Name]['input'],
    options?: RunOptions<Tasks[Name]['progress']>,
  ): Promise<Tasks[Name]['output']>;
  /** Ends the threads; calls that are not done reject with UNAVAILABLE. */
  close(): Promise<void>;
}

interface Call {
  readonly message: ToWorker;
  readonly control: Int32Array;
  settle(): void;
  resolve(output: unknown): void;
  reject(error: Error): void;
  progress(value: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  call: Call | undefined;
}

const DEFAULT_QUEUE = 1000;
const ENTRY = new URL('./tasks/worker.ts', import.meta.url);

export function createPool({ workers, queue: most = DEFAULT_QUEUE }: PoolOptions): Pool {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new TroupeError('INVALID_ARGUMENT', `a pool has ${workers} workers; give 1 or more`);
  }
  const threads = new Set<Thread>();
  const waiting: Call[] = [];
  let calls = 0;
  let closed = false;

  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(ENTRY), call: undefined };
    threads.add(thread);
    thread.worker.on('message', (message: FromWorker) => receive(thread, message));
    thread.worker.on('error', (error) => fail(thread, error));
    thread.worker.on('exit', () => fail(thread, undefined));
    return thread;
  };
  const fail = (thread: Thread, cause: Error | undefined): void => {
    threads.delete(thread);
    const { call } = thread;
    thread.call = undefined;
    const why = cause ? `: ${cause.message}` : '';
    call?.reject(new TroupeError('INTERNAL', `the worker thread ended${why}`, { cause }));
    next();
  };
  const receive = (thread: Thread, message: FromWorker): void => {
    const { call } = thread;
    if (!call || call.message.call !== message.call) return;
    switch (message.kind) {
      case 'progress':
        call.progress(message.progress);
        return;
      case 'done':
        call.resolve(message.output);
        break;
      case 'failed':
        call.reject(new TroupeError(message.code, message.message));
        break;
    }
    thread.call = undefined;
    next();
  };
  const next = (): void => {
    while (!closed && waiting.length > 0) {
      let thread = [...threads].find((one) => one.call === undefined);
      if (!thread && threads.size >= workers) return;
      thread ??= start();
      thread.call = waiting.shift()!;
      thread.worker.ref();
      thread.worker.postMessage(thread.call.message);
    }
    for (const thread of threads) if (!thread.call) thread.worker.unref();
  };

  const pool: Pool = {
    workers,
    run(task, input, { signal, finish, onProgress } = {}) {
      if (closed) return Promise.reject(new TroupeError('UNAVAILABLE', 'the pool is closed'));
      if (signal?.aborted) return Promise.reject(cancelled(task, signal));
      if (waiting.length >= most) {
        const text = `${most} calls wait for a worker already; try again later`;
        return Promise.reject(new TroupeError('OVERLOADED', text));
      }
      return new Promise((resolve, reject) => {
        const memory = new SharedArrayBuffer(4);
        const control = new Int32Array(memory);
        const end = (): void => {
          Atomics.store(control, 0, CONTROL.cancel);
          const at = waiting.indexOf(call);
          if (at !== -1) waiting.splice(at, 1);
          call.reject(cancelled(task, signal!));
        };
        const hurry = (): void => {
          Atomics.compareExchange(control, 0, CONTROL.go, CONTROL.finish);
        };
        let settled = false;
        const call: Call = {
          message: { call: calls++, task, input, control: memory },
          control,
          settle: () => {
            settled = true;
            signal?.removeEventListener('abort', end);
            finish?.removeEventListener('abort', hurry);
          },
          resolve: (output) => {
            call.settle();
            resolve(output as never);
          },
          reject: (error) => {
            call.settle();
            reject(error);
          },
          progress: (value) => {
            if (!settled) onProgress?.(value as never);
          },
        };
        signal?.addEventListener('abort', end, { once: true });
        finish?.addEventListener('abort', hurry, { once: true });
        if (finish?.aborted) hurry();
        waiting.push(call);
        next();
      });
    },
    async close() {
      closed = true;
      const error = () => new TroupeError('UNAVAILABLE', 'the pool was closed meanwhile');
      for (const call of waiting.splice(0)) call.reject(error());
      await Promise.all(
        Array.from(threads, (thread) => {
          thread.call?.reject(error());
          thread.call = undefined;
          // An idle thread keeps nothing alive, and its end would then not be awaited.
          thread.worker.ref();
          return thread.worker.terminate();
        }),
      );
    },
    [Symbol.asyncDispose]: () => pool.close(),
  };
  return pool;
}

function cancelled(task: string, signal: AbortSignal): TroupeError {
  return new TroupeError('CANCELLED', `the task ${task} was cancelled`, { cause: signal.reason });
}
