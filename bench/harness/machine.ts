/** Where and on what a run was made: machine, commit, disk and load, for the head of every report. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  readonly commit: string;
  /** True when files of the work tree differ from the commit. */
  readonly dirty: boolean;
  /** Kind of the file system that durable contenders write to. */
  readonly disk: string;
  readonly startedAt: string;
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
  0x6969: 'nfs',
};

/** A disk on which a sync costs nothing cannot answer a question about durable turns. */
export function syncsForNothing(disk: string): boolean {
  return disk === 'tmpfs';
}

async function git(...args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', args, { cwd: import.meta.dirname });
    return stdout.trim();
  } catch {
    return 'unknown';
  }
}

export async function describeMachine(dir: string): Promise<Machine> {
  const all = cpus();
  const { type } = await statfs(dir);
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    sqlite: process.versions['sqlite'] ?? 'unknown',
    commit: await git('rev-parse', '--short', 'HEAD'),
    dirty: (await git('status', '--porcelain', '--untracked-files=no')) !== '',
    disk: FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`,
    startedAt: new Date().toISOString(),
  };
}

/** Load averages over 1, 5 and 15 minutes, as `uptime` prints them. */
export function load(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(' ');
}

/** Clock ticks of this process and of its children that have ended; undefined where there is no /proc. */
function ownTicks(): number | undefined {
  try {
    // The command in field 2 may hold spaces; fields 14 to 17 are utime, stime, cutime, cstime.
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  } catch {
    return undefined;
  }
}

const TICK_MS = 10;

/** CPU time of this process and of its children that have ended, in milliseconds. NaN where there is no /proc. */
export function familyCpuMs(): number {
  return (ownTicks() ?? Number.NaN) * TICK_MS;
}

/**
 * What other programs take of the machine from now until the returned function is called: their
 * part of all cores, from 0 to 1, kernel work on nobody's account included. Undefined without /proc.
 */
export function watchOthers(): () => number | undefined {
  const total = (): { busy: number; all: number } => {
    let busy = 0;
    let all = 0;
    for (const { times } of cpus()) {
      const { user, nice, sys, idle, irq } = times;
      busy += user + nice + sys + irq;
      all += user + nice + sys + irq + idle;
    }
    return { busy, all };
  };
  const before = total();
  const own = ownTicks();
  return () => {
    const after = total();
    const ownAfter = ownTicks();
    if (own === undefined || ownAfter === undefined) return undefined;
    const others = after.busy - before.busy - (ownAfter - own) * TICK_MS;
    return Math.max(0, others / (after.all - before.all));
  };
}
