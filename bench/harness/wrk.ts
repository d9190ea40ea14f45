/** The load generator: wrk, compiled, because one in JavaScript would itself be the limit. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Printed as it is, without a stack. */
export class MissingTool extends Error {
  override readonly name = 'MissingTool';
}

export async function requireWrk(command = 'wrk'): Promise<void> {
  try {
    // wrk --version prints its usage and exits with 1; only a command that cannot be started is missing.
    await run(command, ['--version']);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') return;
    throw new MissingTool(
      `the load generator "${command}" is not installed; on Debian and Ubuntu it is the package wrk: apt-get install wrk`,
      { cause },
    );
  }
}

export interface WrkOptions {
  readonly url: string;
  /** A Lua script that prints one line of JSON in `done`. */
  readonly script: string;
  readonly connections: number;
  readonly seconds: number;
  readonly args: readonly string[];
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** One run of wrk with one thread. Throws when any request failed. */
export async function wrk(options: WrkOptions): Promise<WrkResult> {
  const { url, script, connections, seconds, args } = options;
  const flags = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '-s', script];
  const { stdout } = await run('wrk', [...flags, url, '--', ...args]);
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`wrk printed no summary:\n${stdout}`);
  const { requests, durationUs, p50, p99, refused, broken } = JSON.parse(line) as Record<
    'requests' | 'durationUs' | 'p50' | 'p99' | 'refused' | 'broken',
    number
  >;
  if (refused > 0 || broken > 0)
    throw new Error(`of ${requests} requests, ${refused} were refused and ${broken} broke off`);
  return { requests, seconds: durationUs / 1e6, p50, p99 };
}
