/**
 * How each program is started. What it needs is fetched and built first, and
 * kept for as long as its sources stay the same: Python's packages where all
 * Pythons of the house are, Go's and Java's in `.troupe/sdks`.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonWith } from '../../../bench/harness/python.ts';
import { findProgram } from '../../servers/process.ts';
import type { Program } from './scenarios.ts';

const run = promisify(execFile);
const sources = import.meta.dirname;
const KEPT = join(sources, '../../../.troupe/sdks');

/** A folder of what `build` made of a program's sources; made anew when they change. */
async function built(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(join(sources, name))).toSorted()) {
    hash.update(file).update(await readFile(join(sources, name, file)));
  }
  const folder = join(KEPT, `${name}-${hash.digest('hex').slice(0, 12)}`);
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build(folder);
  await writeFile(complete, '');
  return folder;
}

async function javascript(transport: 'http' | 'grpc'): Promise<string[]> {
  return [process.execPath, join(sources, 'javascript/main.ts'), transport];
}

async function go(): Promise<string[]> {
  const folder = await built('go', async (target) => {
    const compiler = findProgram('go', ['/usr/local/go/bin']);
    await run(compiler, ['build', '-o', join(target, 'scenarios'), '.'], {
      cwd: join(sources, 'go'),
    });
  });
  return [join(folder, 'scenarios')];
}

async function java(): Promise<string[]> {
  const own = join(sources, 'java');
  const folder = await built('java', async (target) => {
    const jars = ['dependency:copy-dependencies', `-DoutputDirectory=${join(target, 'jars')}`];
    await run(findProgram('mvn'), ['-q', '-B', '-f', join(own, 'pom.xml'), ...jars]);
    const path = ['-cp', join(target, 'jars/*'), '-d', join(target, 'classes')];
    await run(findProgram('javac'), ['-nowarn', ...path, join(own, 'Main.java')]);
  });
  const path = [join(folder, 'classes'), join(folder, 'jars/*')].join(':');
  return [findProgram('java'), '-cp', path, 'Main'];
}

async function python(): Promise<string[]> {
  const interpreter = await pythonWith(join(sources, 'python/requirements.txt'));
  return [interpreter, join(sources, 'python/main.py')];
}

export const COMMANDS: Readonly<Record<Program, () => Promise<string[]>>> = {
  'javascript-http': () => javascript('http'),
  'javascript-grpc': () => javascript('grpc'),
  python,
  go,
  java,
};
