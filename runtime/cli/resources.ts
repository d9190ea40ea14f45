/** Reads resource files from disk, as text; runtime/config makes specs of them. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResourceFile } from '../config/reader.ts';
import { TroupeError } from '../core/errors.ts';

/**
 * The text of one file, or of every `*.yaml` and `*.yml` directly in a folder,
 * by name. Throws NOT_FOUND when there is nothing at `path`, and
 * INVALID_ARGUMENT for a folder without such a file or a file that cannot be read.
 */
export async function readResources(path: string): Promise<ResourceFile[]> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new TroupeError(
      'NOT_FOUND',
      `resources path "${path}" does not exist; give a YAML file or a folder of them`,
      { cause },
    );
  });
  if (!stats.isDirectory()) return [await readOne(path)];
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  if (names.length === 0) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `resources path "${path}" has no *.yaml or *.yml file; folders below it are not searched`,
    );
  }
  return Promise.all(names.map((name) => readOne(join(path, name))));
}

async function readOne(path: string): Promise<ResourceFile> {
  try {
    return { path, text: await readFile(path, 'utf8') };
  } catch (cause) {
    const { message } = cause as Error;
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `resource file "${path}" cannot be read: ${message}`,
      {
        cause,
      },
    );
  }
}
