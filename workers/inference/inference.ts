/**
 * A model server: models from a repository, their sessions in worker threads,
 * requests of many callers batched together. It opens no port; what speaks a
 * protocol stands in front of it.
 */
import { TroupeError } from '../../runtime/core/errors.ts';
import { createLane } from '../lane.ts';
import { admit } from './admission.ts';
import { DEPTH, Dispatch } from './dispatch.ts';
import { createLoading, type ThreadModels } from './loading.ts';
import type { ModelSpec } from './messages.ts';
import { metricsText } from './metrics.ts';
import { openRepository } from './repository.ts';
import type { Inputs, PredictOptions, Prediction } from './request.ts';
import type { Served } from './served.ts';

export interface InferenceOptions {
  /** Folder with a folder for each model. */
  readonly repository: string;
  /** Threads, from 1. */
  readonly workers: number;
  /** Loaded before it is ready. Default: all in the repository. */
  readonly models?: readonly string[];
}

export interface ModelState {
  readonly name: string;
  readonly version?: string;
  readonly state: 'READY' | 'UNAVAILABLE' | 'LOADING';
  /** Why the last load failed; empty when it did not. */
  readonly reason: string;
}

export interface ModelInfo extends ModelSpec {
  readonly name: string;
  readonly versions: readonly string[];
  readonly maxBatchSize: number;
}

export interface Inference extends AsyncDisposable {
  readonly workers: number;
  /**
   * Runs a model, in a batch with what waits beside it.
   *
   * @throws TroupeError NOT_FOUND, INVALID_ARGUMENT for inputs that the model
   * does not take, OVERLOADED with `details.retryAfterMs`, TIMEOUT, CANCELLED,
   * UNAVAILABLE when the thread ended meanwhile or the server is closed.
   */
  predict(model: string, inputs: Inputs, options?: PredictOptions): Promise<Prediction>;
  /**
   * Loads a model anew, with its config. Requests that came before are answered
   * by what was loaded before. When it fails, that stays.
   */
  load(model: string): Promise<void>;
  /** Takes no more requests for the model; those that wait are still answered. */
  unload(model: string): Promise<void>;
  isReady(model: string, version?: string): boolean;
  /** @throws TroupeError NOT_FOUND */
  model(model: string, version?: string): ModelInfo;
  /** Every model of the repository and every version that is served. */
  index(): Promise<ModelState[]>;
  /** Prometheus' text format, with Triton's names. */
  metrics(): string;
  /** Lets running batches end, then the threads; what waits rejects with UNAVAILABLE. */
  close(): Promise<void>;
}

const MODULE = new URL('../tasks/inference.ts', import.meta.url);

/**
 * Resolves once the models are loaded and warm on every thread.
 *
 * @throws TroupeError NOT_FOUND or INVALID_ARGUMENT when one cannot be loaded.
 */
export async function createInference(options: InferenceOptions): Promise<Inference> {
  const { workers } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `a model server has ${workers} workers; give 1 or more`,
    );
  }
  const repository = openRepository(options.repository);
  const served = new Map<string, ReadonlyMap<string, Served>>();
  const reasons = new Map<string, string>();
  /** The last load or unload of each model, so that they follow each other. */
  const changes = new Map<string, Promise<void>>();
  const setups = Array.from({ length: workers }, (): ThreadModels => ({ models: [] }));
  let deaths = 0;
  let closed: Promise<void> | undefined;

  const lanes = setups.map((setup) =>
    createLane({
      pool: 'inference',
      data: { module: MODULE.href, setup },
      uncut: true,
      depth: DEPTH,
      onDeath: () => void deaths++,
    }),
  );
  const dispatch = new Dispatch(lanes);
  const loading = createLoading(dispatch, setups);

  async function takeOff(model: Served): Promise<void> {
    dispatch.remove(model);
    await loading.stop(model);
  }
  function retire(models: Iterable<Served>): void {
    for (const model of models) model.retire(() => void takeOff(model));
  }
  const gone = (): TroupeError => new TroupeError('UNAVAILABLE', 'the model server is closed');

  function change(name: string, run: () => Promise<void>): Promise<void> {
    if (closed) return Promise.reject(gone());
    const before = changes.get(name) ?? Promise.resolve();
    const after = before.then(run, run);
    const settled = after.catch(() => undefined);
    changes.set(name, settled);
    void settled.then(() => changes.get(name) === settled && changes.delete(name));
    return after;
  }

  function find(name: string, version: string | undefined): Served {
    const versions = served.get(name);
    const found = version === undefined ? first(versions) : versions?.get(version);
    if (found) return found;
    if (versions) {
      const text = `model ${name} has no version ${version!}; served are ${[...versions.keys()].join(', ')}`;
      throw new TroupeError('NOT_FOUND', text);
    }
    const known = [...served.keys()].join(', ') || 'none';
    throw new TroupeError('NOT_FOUND', `no model ${name} is loaded; loaded are ${known}`);
  }

  const inference: Inference = {
    workers,
    predict(name, inputs, options) {
      return new Promise((resolve, reject) => {
        if (closed) throw gone();
        admit(find(name, options?.version), dispatch, { inputs, options, resolve, reject });
      });
    },
    load: (name) =>
      change(name, async () => {
        let fresh: Map<string, Served>;
        try {
          fresh = await loading.start(name, await repository.read(name));
        } catch (error) {
          reasons.set(name, (error as Error).message);
          throw error;
        }
        reasons.delete(name);
        const old = served.get(name);
        for (const model of fresh.values()) dispatch.add(model);
        served.set(name, fresh);
        if (old) retire(old.values());
      }),
    unload: (name) =>
      change(name, () => {
        const old = served.get(name);
        if (!old) return Promise.reject(new TroupeError('NOT_FOUND', `no model ${name} is loaded`));
        served.delete(name);
        reasons.set(name, 'unloaded');
        retire(old.values());
        return Promise.resolve();
      }),
    isReady(name, version) {
      const versions = served.get(name);
      return !closed && versions !== undefined && (version === undefined || versions.has(version));
    },
    model(name, version) {
      const { spec, config } = find(name, version);
      const versions = [...served.get(name)!.keys()];
      return { name, versions, maxBatchSize: config.maxBatchSize, ...spec };
    },
    async index() {
      const names = new Set([...(await repository.names()), ...served.keys()]);
      return [...names].toSorted().flatMap((name): ModelState[] => {
        const reason = reasons.get(name) ?? '';
        const versions = served.get(name);
        if (versions) {
          return [...versions.keys()].map((version) => ({ name, version, state: 'READY', reason }));
        }
        return [{ name, state: changes.has(name) ? 'LOADING' : 'UNAVAILABLE', reason }];
      });
    },
    metrics() {
      const models = Array.from(dispatch.models, ({ name, version, counters, queue }) => ({
        name,
        version,
        counters,
        pending: queue.requests,
      }));
      const { busyThreads: busy, busyMs } = dispatch;
      return metricsText(models, { threads: workers, busy, deaths, busyMs });
    },
    close() {
      closed ??= (async () => {
        dispatch.close(gone);
        await Promise.all(lanes.map((lane) => lane.close()));
        await Promise.all(changes.values());
      })();
      return closed;
    },
    [Symbol.asyncDispose]: () => inference.close(),
  };

  try {
    const names = options.models ?? (await repository.names());
    for (const name of names) await inference.load(name);
  } catch (error) {
    await inference.close();
    throw error;
  }
  return inference;
}

function first<Value>(map: ReadonlyMap<string, Value> | undefined): Value | undefined {
  return map?.values().next().value;
}
