/**
 * Brings versions of a model onto threads and takes them off again. A thread
 * that is replaced loads from the same memory what stands in its setup.
 */
import { TroupeError } from '../../runtime/core/errors.ts';
import type { Dispatch } from './dispatch.ts';
import type { BindInput, LoadInput } from './messages.ts';
import type { ModelFiles } from './repository.ts';
import { Served } from './served.ts';

/** What a thread is started with; shared with its lane, which reads it anew for every thread. */
export interface ThreadModels {
  models: { load: LoadInput; bind?: BindInput }[];
}

export interface Loading {
  /** Sessions of every version on their threads, warm. What was loaded is taken off again when one fails. */
  start(name: string, files: ModelFiles): Promise<Map<string, Served>>;
  /** Takes the sessions off their threads. */
  stop(model: Served): Promise<void>;
}

export function createLoading(dispatch: Dispatch, setups: readonly ThreadModels[]): Loading {
  let loads = 0;

  /** The threads with the fewest models. */
  const threadsFor = (instances: number | undefined): number[] =>
    setups
      .map(({ models }, number) => ({ number, models: models.length }))
      .toSorted((a, b) => a.models - b.models || a.number - b.number)
      .slice(0, instances ?? setups.length)
      .map(({ number }) => number);

  const stop = async (key: string): Promise<void> => {
    await Promise.all(
      setups.map(async (setup, number) => {
        const at = setup.models.findIndex(({ load }) => load.key === key);
        if (at === -1) return;
        setup.models.splice(at, 1);
        // A thread that died meanwhile has no session to take off.
        await dispatch.onThread(number, 'unload', { key }).catch(() => undefined);
      }),
    );
  };

  const startVersion = async (
    name: string,
    { config }: ModelFiles,
    { version, bytes }: ModelFiles['versions'][number],
  ): Promise<Served> => {
    const key = `${name}/${version}#${++loads}`;
    const { maxBatchSize, warmUp } = config;
    const load: LoadInput = { key, bytes, maxBatchSize, warmUp };
    let served: Served | undefined;
    try {
      // One thread after the other: the rest goes on serving.
      for (const number of threadsFor(config.instances)) {
        const { timings, ...spec } = await dispatch.onThread(number, 'load', load);
        served ??= new Served({ name, version, key, config, spec });
        for (const { rows, ms } of timings) served.estimate.learn(rows, ms);
        const entry: ThreadModels['models'][number] = { load };
        setups[number]!.models.push(entry);
        const slabs = served.place(number);
        if (!served.batched) continue;
        entry.bind = { key, spec: served.spec, slabs };
        await dispatch.onThread(number, 'bind', entry.bind);
      }
    } catch (error) {
      await stop(key);
      const { code, message } = error as TroupeError;
      const known = code === 'UNSUPPORTED' || code === 'UNAVAILABLE' ? code : 'INVALID_ARGUMENT';
      const text = `model ${name}, version ${version}, cannot be loaded: ${message}`;
      throw new TroupeError(known, text, { cause: error });
    }
    return served!;
  };

  return {
    async start(name, files) {
      const versions = new Map<string, Served>();
      try {
        for (const file of files.versions) {
          versions.set(file.version, await startVersion(name, files, file));
        }
      } catch (error) {
        await Promise.all(Array.from(versions.values(), (served) => stop(served.key)));
        throw error;
      }
      return versions;
    },
    stop: ({ key }) => stop(key),
  };
}
