/** Which run file is meant: the file itself, or dapr.yaml in the folder; `-` is standard input. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TroupeError } from '../../core/errors.ts';

/** Errors: NOT_FOUND, INVALID_ARGUMENT. */
export async function runFilePath(given: string, cwd: string): Promise<string> {
  if (given === '-') return given;
  const path = resolve(cwd, given);
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new TroupeError('NOT_FOUND', `there is no run file or folder ${path}`);
  if (found.isDirectory()) {
    for (const name of ['dapr.yaml', 'dapr.yml']) {
      const inside = join(path, name);
      if (await stat(inside).catch(() => undefined)) return inside;
    }
    throw new TroupeError('NOT_FOUND', `the folder ${path} has no dapr.yaml; name the run file`);
  }
  if (/\.ya?ml$/.test(path)) return path;
  throw new TroupeError('INVALID_ARGUMENT', `the run file ${path} must end in .yaml or .yml`);
}
