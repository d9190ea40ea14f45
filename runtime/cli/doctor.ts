/** `troupe doctor`: what is wrong with resource files, for people and for CI. */
import { resolve } from 'node:path';
import { createRegistry } from '../../components/registry.ts';
import type { ResourceFile } from '../config/reader.ts';
import { isTroupeError } from '../core/errors.ts';
import { examine, type Finding } from '../hosts/doctor.ts';
import type { Surroundings } from './main.ts';
import { readResources } from './resources.ts';

export interface DoctorFlags {
  readonly ping?: boolean;
  readonly output?: 'text' | 'json';
  readonly appId: string;
}

/** Resolves to 0 when nothing is wrong and to 1 when something is. */
export async function doctor(
  paths: readonly string[],
  { ping = false, output = 'text', appId }: DoctorFlags,
  { cwd, env, stdout, stderr, stop }: Surroundings,
): Promise<number> {
  const files: ResourceFile[] = [];
  try {
    for (const path of paths) {
      const found = await readResources(resolve(cwd, path));
      // Named as the caller named them.
      const from = resolve(cwd, path);
      files.push(...found.map((file) => ({ ...file, path: path + file.path.slice(from.length) })));
    }
  } catch (error) {
    if (!isTroupeError(error)) throw error;
    stderr.write(`troupe: ${error.message}\n`);
    return 1;
  }
  const { findings, resources } = await examine(files, {
    registry: createRegistry(),
    ...{ appId, env, ping, signal: stop, now: Date.now },
  });
  const errors = findings.filter(({ level }) => level === 'error').length;
  if (output === 'json') {
    const report = { ok: errors === 0, files: files.length, resources, pinged: ping, findings };
    stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  } else {
    for (const finding of findings) stdout.write(`${lineOf(finding)}\n`);
    const checked = `${count(resources, 'resource')} in ${count(files.length, 'file')}`;
    const warnings = findings.length - errors;
    const result =
      findings.length === 0
        ? 'nothing wrong'
        : `${count(errors, 'error')}, ${count(warnings, 'warning')}`;
    stdout.write(`${checked}${ping ? ', opened' : ''}: ${result}\n`);
  }
  return errors === 0 ? 0 : 1;
}

function lineOf({ level, file, line, resource, message }: Finding): string {
  return `${file}:${line}: ${level}: ${resource === '' ? '' : `${resource}: `}${message}`;
}

const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? '' : 's'}`;
