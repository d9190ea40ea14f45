/** Load on a model while it is swapped and its threads are killed; every answer is checked against the model that gave it. */
import type { Worker } from 'node:worker_threads';
import type { TroupeError } from '../../runtime/core/errors.ts';
import type { Inference } from './inference.ts';
import { scaleModel, type TestRepository } from './onnx.fixture.ts';

export const CONFIG = 'maxBatchSize: 32\nversions: {latest: 1}\n';

export interface Tally {
  answered: number;
  /** Codes of the requests that were refused or failed. */
  readonly refused: Map<string, number>;
  /** Answers that are not those of the version they name, or of one that was not loaded. */
  wrong: number;
}

/** The version and its factor are one number, so that an answer proves which model gave it. */
export function putScale(repository: TestRepository, factor: number): Promise<void> {
  return repository.put('scale', String(factor), scaleModel(factor, 1), CONFIG);
}

/** Asks without a pause, so many at a time, until it is stopped; checks every answer. */
export function ask(models: Inference, loaded: ReadonlySet<string>, callers = 16) {
  const tally: Tally = { answered: 0, refused: new Map(), wrong: 0 };
  let stopped = false;
  const caller = async (number: number): Promise<void> => {
    for (let at = number; !stopped; at += callers) {
      const value = at % 1000;
      try {
        const { version, outputs } = await models.predict('scale', { x: Float32Array.of(value) });
        tally.answered++;
        const right = loaded.has(version) && outputs['y']!.data[0] === value * Number(version);
        if (!right) tally.wrong++;
      } catch (error) {
        const { code = 'untyped' } = error as Partial<TroupeError>;
        tally.refused.set(code, (tally.refused.get(code) ?? 0) + 1);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  const callersDone = Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
  return {
    tally,
    async stop(): Promise<Tally> {
      stopped = true;
      await callersDone;
      return tally;
    },
  };
}

/**
 * Makes a thread throw where nothing catches it: at the next turn of its event
 * loop, which comes in the middle of its next call.
 */
export function kill(thread: Worker): Promise<unknown> {
  const gone = new Promise((resolve) => {
    thread.once('exit', resolve);
  });
  thread.postMessage(null);
  return gone;
}

/** The worker threads that this process starts from now on. */
export function watchThreads(): { readonly threads: Set<Worker> } & Disposable {
  const threads = new Set<Worker>();
  const seen = (worker: Worker): void => {
    threads.add(worker);
    worker.once('exit', () => threads.delete(worker));
  };
  process.on('worker', seen);
  return {
    threads,
    [Symbol.dispose]: () => {
      process.off('worker', seen);
    },
  };
}
