/**
 * A program in a process group of its own, so that it can be ended with all it
 * started, and Ctrl-C at the terminal reaches the command before it reaches the
 * program. Ending is SIGTERM, time to finish, then SIGKILL.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { TroupeError } from '../../core/errors.ts';
import type { Guard } from './guard.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GroupPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly guard: Guard;
}

export interface ProcessGroup {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the program itself has ended and its output is read. */
  readonly exited: Promise<Exit>;
  /** Undefined while the program runs. */
  exit(): Exit | undefined;
  /** Resolves when nothing of the group is left. */
  stop(graceMs: number): Promise<void>;
  /** SIGKILL to all of the group. */
  kill(): void;
}

const POLL_MS = 25;
/** What a program wrote last is there by then. */
const DRAIN_MS = 500;
/** After SIGKILL nothing takes long; what the kernel holds on to is not waited for. */
const KILLED_MS = 2000;

/** Errors: NOT_FOUND for a program or folder that is not there, UNAVAILABLE for one that cannot be run. */
export async function startGroup(plan: GroupPlan): Promise<ProcessGroup> {
  const { command, args, cwd, env, guard } = plan;
  const child = spawn(command, args, {
    cwd,
    env: { ...env },
    detached: true,
    // A group in the background that reads the terminal would be stopped by it.
    stdio: [process.stdin.isTTY ? 'ignore' : 'inherit', 'pipe', 'pipe'],
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new TroupeError(
      missing ? 'NOT_FOUND' : 'UNAVAILABLE',
      missing
        ? `cannot start "${command}": no such program, or no folder ${cwd}`
        : `cannot start "${command}": ${(cause as Error).message}`,
      { cause },
    );
  }
  return control(child, child.pid!, guard);
}

function control(child: ChildProcess, pid: number, guard: Guard): ProcessGroup {
  guard.watch(pid);
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, name) => {
      const ended: Exit = { code, signal: name };
      exit = ended;
      // What it left behind may hold its pipes open, so their end is not waited for without end.
      const late = setTimeout(() => resolve(ended), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(late);
        resolve(ended);
      });
    });
  });
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const gone = async (limitMs: number): Promise<boolean> => {
    const until = performance.now() + limitMs;
    while (isAlive(pid)) {
      if (performance.now() >= until) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  };
  return {
    pid,
    stdout: child.stdout!,
    stderr: child.stderr!,
    exited,
    exit: () => exit,
    kill: () => signal('SIGKILL'),
    async stop(graceMs) {
      signal('SIGTERM');
      if (!(await gone(graceMs))) {
        signal('SIGKILL');
        await gone(KILLED_MS);
      }
      // What it wrote last may not be read yet.
      await exited;
      child.stdout!.destroy();
      child.stderr!.destroy();
      guard.release(pid);
    },
  };
}

/** True while the group has a member that is more than an entry waiting to be reaped. */
function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // Behind the name, which may hold anything: state, parent, group.
      const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
    } catch {
      return false;
    }
  });
}
