/** The folder of models: `<model>/config.yaml` and `<model>/<version>/model.onnx`. Read anew at every load. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TroupeError } from '../../runtime/core/errors.ts';
import { readModelConfig, type ModelConfig } from './config.ts';

export interface ModelFiles {
  readonly config: ModelConfig;
  /** The versions that the config's policy serves, the newest first. */
  readonly versions: readonly { readonly version: string; readonly bytes: SharedArrayBuffer }[];
}

export interface Repository {
  /** Names of the folders that hold a model, sorted. */
  names(): Promise<string[]>;
  /** @throws TroupeError NOT_FOUND or INVALID_ARGUMENT that says what is missing. */
  read(model: string): Promise<ModelFiles>;
}

const CONFIG = 'config.yaml';
const MODEL = 'model.onnx';
const NAME = /^[\w][\w.-]*$/;
const VERSION = /^[1-9]\d{0,17}$/;

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function chosen(config: ModelConfig, versions: readonly string[], model: string): string[] {
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a));
  const { versions: policy } = config;
  if (policy === 'all') return newestFirst;
  if ('latest' in policy) return newestFirst.slice(0, policy.latest);
  const lacking = policy.find((version) => !versions.includes(version));
  if (lacking !== undefined) {
    const text = `model ${model}: its config serves version ${lacking}; there are ${versions.join(', ')}`;
    throw new TroupeError('INVALID_ARGUMENT', text);
  }
  return newestFirst.filter((version) => policy.includes(version));
}

async function sharedBytes(path: string): Promise<SharedArrayBuffer> {
  const bytes = await readFile(path);
  const shared = new SharedArrayBuffer(bytes.byteLength);
  new Uint8Array(shared).set(bytes);
  return shared;
}

export function openRepository(path: string): Repository {
  return {
    async names() {
      try {
        return (await foldersIn(path)).filter((name) => NAME.test(name)).toSorted();
      } catch (error) {
        if (!isMissing(error)) throw error;
        throw new TroupeError('NOT_FOUND', `there is no model repository ${path}`, {
          cause: error,
        });
      }
    },
    async read(model) {
      if (!NAME.test(model)) {
        throw new TroupeError('INVALID_ARGUMENT', `"${model}" is no name of a model`);
      }
      const folder = join(path, model);
      let folders: string[];
      try {
        folders = await foldersIn(folder);
      } catch (error) {
        if (!isMissing(error)) throw error;
        const text = `the model repository has no model ${model}`;
        throw new TroupeError('NOT_FOUND', text, { cause: error });
      }
      const text = await readFile(join(folder, CONFIG), 'utf8').catch((error: unknown) => {
        if (isMissing(error)) return '';
        throw error;
      });
      const config = readModelConfig(text, `${model}/${CONFIG}`);
      const versions = folders.filter((name) => VERSION.test(name));
      if (versions.length === 0) {
        const why = `model ${model} has no version: put ${MODEL} into ${model}/1`;
        throw new TroupeError('NOT_FOUND', why);
      }
      const files = chosen(config, versions, model).map(async (version) => {
        try {
          return { version, bytes: await sharedBytes(join(folder, version, MODEL)) };
        } catch (error) {
          if (!isMissing(error)) throw error;
          const why = `model ${model}: there is no ${version}/${MODEL}`;
          throw new TroupeError('NOT_FOUND', why, { cause: error });
        }
      });
      return { config, versions: await Promise.all(files) };
    },
  };
}
