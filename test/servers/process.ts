/**
 * A real server as a local process of the test that needs it: on a free port
 * of 127.0.0.1, with its data in a temporary folder, ended by its handle. It
 * can be killed, frozen and started again on the same port and data.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../runtime/cli/run/ports.fixture.ts';

/** The user and group that a server runs as; undefined: those of the test. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerPlan {
  /** For messages: `redis-server`. */
  readonly name: string;
  readonly command: string;
  /** Ports that it needs beside the first. Default 0. */
  readonly morePorts?: number;
  /** The arguments for ports and a data folder that only this server uses. */
  args(port: number, folder: string, more: readonly number[]): string[];
  /** Its whole environment. Default: that of the test. */
  readonly env?: Readonly<Record<string, string>>;
  /** The line of its output that says that it takes connections. */
  readonly ready: RegExp;
  /** The signal that ends it in order. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  readonly identity?: Identity | undefined;
  /** Runs once, before the first start. */
  prepare?(folder: string, port: number, more: readonly number[]): Promise<void>;
}

export interface TestServer extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly more: readonly number[];
  readonly folder: string;
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number;
  /** The end of what it printed, up to 64,000 characters. */
  output(): string;
  /** Ends the process with SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after `kill`. */
  restart(): Promise<void>;
  /** Freezes the process: its connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it in order and deletes its folder. Twice is fine. */
  stop(): Promise<void>;
}

const START_MS = 60_000;
const OUTPUT_CHARACTERS = 64_000;

/** Where `npm run servers` puts what no Debian package has. */
export const INSTALLED = join(import.meta.dirname, '../../.troupe/servers');

/** The path of a server's program; throws with what to do where it is not installed. */
export function findProgram(name: string, folders: readonly string[] = []): string {
  const path = (process.env['PATH'] ?? '').split(':');
  const found = [
    ...folders.flatMap((pattern) => globSync(pattern).toSorted().toReversed()),
    ...path,
  ]
    .map((folder) => join(folder, name))
    .find((program) => existsSync(program));
  if (!found) throw new Error(`${name} is not installed; run: npm run servers`);
  return found;
}

/** The ids of a user, for servers that refuse to run as root; undefined when the test is not root. */
export function identityOf(user: string): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(spawnSync('id', [flag, user]).stdout.toString());
  return { uid: id('-u'), gid: id('-g') };
}

/** A process and all that it started, which may be in groups of their own; any may end meanwhile. */
function treeOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  try {
    const children = readFileSync(list, 'utf8').split(' ').filter(Boolean);
    return [pid, ...children.map(Number).flatMap(treeOf)];
  } catch {
    return [pid];
  }
}

/** False when the process is not there any more. */
function signalOne(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const one of treeOf(pid)) signalOne(one, signal);
}

/** Whether all threads of a process are stopped, or it has ended. */
function standsStill(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      // The state follows the name, which is in parentheses and may hold any character.
      return /^[TtZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
    });
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return true;
    throw error;
  }
}

/** Ends with SIGKILL what outlives its parent, and waits until it is gone: a new server may find its traces. */
async function endOrphans(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => signalOne(pid, 'SIGKILL')))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

export async function startServer(plan: ServerPlan): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), `troupe-${plan.name}-`));
  if (plan.identity) await chown(folder, plan.identity.uid, plan.identity.gid);
  const [port = 0, ...more] = await freePorts(1 + (plan.morePorts ?? 0));
  await plan.prepare?.(folder, port, more);
  let output = '';
  let child = await launch();

  async function launch(): Promise<ChildProcess> {
    // A test that times out disposes of nothing: then the kernel ends it with its parent.
    const guarded = ['--pdeathsig', 'KILL', plan.command, ...plan.args(port, folder, more)];
    const started = spawn('setpriv', guarded, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...plan.identity,
      ...(plan.env ? { env: plan.env } : {}),
    });
    output = '';
    const isReady = Promise.withResolvers<void>();
    const read = (data: Buffer): void => {
      output = (output + data.toString()).slice(-OUTPUT_CHARACTERS);
      if (plan.ready.test(output)) isReady.resolve();
    };
    started.stdout.on('data', read);
    started.stderr.on('data', read);
    started.once('error', isReady.reject);
    started.once('exit', () => isReady.reject(new Error(`${plan.name} ended at once:\n${output}`)));
    const late = setTimeout(
      () => isReady.reject(new Error(`${plan.name} is not ready after 60 s:\n${output}`)),
      START_MS,
    );
    try {
      await isReady.promise;
    } catch (error) {
      started.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(late);
    }
    return started;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    const [, ...started] = treeOf(child.pid!);
    signalTree(child.pid!, 'SIGCONT');
    child.kill(signal);
    await ended;
    if (signal === 'SIGKILL') await endOrphans(started);
  }

  async function stop(): Promise<void> {
    await end(plan.stopSignal ?? 'SIGTERM');
    await rm(folder, { recursive: true, force: true });
  }

  return {
    host: '127.0.0.1',
    port,
    more,
    folder,
    get pid() {
      return child.pid!;
    },
    output: () => output,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL');
      child = await launch();
    },
    freeze() {
      signalTree(child.pid!, 'SIGSTOP');
      // A thread that runs on the other core answers until it comes to see the signal.
      while (!treeOf(child.pid!).every(standsStill));
    },
    thaw: () => signalTree(child.pid!, 'SIGCONT'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
