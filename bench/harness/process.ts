/** What a process that is not ours costs, by the accounts of Linux. */
import { readFile } from 'node:fs/promises';

const TICK_MS = 10;
const PAGE_BYTES = 4096;

export interface Cost {
  /** CPU time since it began, user and system, all threads. */
  readonly cpuMs: number;
  /** Resident bytes. */
  readonly rss: number;
}

export async function costOf(pid: number): Promise<Cost> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The command in field 2 may hold spaces; 14 and 15 are utime and stime, 24 is rss.
  const fields = stat
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  return { cpuMs: (fields[11]! + fields[12]!) * TICK_MS, rss: fields[21]! * PAGE_BYTES };
}

export async function costOfAll(pids: readonly number[]): Promise<Cost> {
  const costs = await Promise.all(pids.map(costOf));
  return {
    cpuMs: costs.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    rss: costs.reduce((sum, { rss }) => sum + rss, 0),
  };
}

/** Bytes of all of them, with pages that processes share divided between these. */
export async function sharedOfAll(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
      return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
