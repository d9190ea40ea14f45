/**
 * Gives memory back after a burst of work. V8 collects when it is asked for
 * memory, so that a process with nothing to do keeps what its last burst took;
 * beside every app of a machine that adds up. It looks every few seconds, and
 * collects when much was taken since and no more is being taken.
 */
import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';

const LOOK_MS = 2_000;
/** Less than this is not worth the pause. */
const WORTH_BYTES = 24 * 2 ** 20;
/** What a process takes without doing anything. */
const NOISE_BYTES = 2 ** 20;
/** Share of a processor beyond which a process has better use for its time. */
const BUSY = 0.25;
/** Looks after a collection at which there is no other, so that steady work is not stopped again and again. */
const REST = 4;

export interface MemoryView {
  /** Resident bytes. */
  readonly resident: () => number;
  /** Share of a processor that was used since the last call. */
  readonly busy: () => number;
  readonly collect: () => void;
}

/** One look; the result says whether it collected. */
export type Look = () => boolean;

export function createLook({ resident, busy, collect }: MemoryView): Look {
  let floor = resident();
  let before = floor;
  let rest = 0;
  return () => {
    const now = resident();
    const isGrowing = now > before + NOISE_BYTES;
    before = now;
    floor = Math.min(floor, now);
    rest -= 1;
    if (busy() > BUSY || rest > 0 || isGrowing || now - floor < WORTH_BYTES) return false;
    collect();
    rest = REST;
    // What is left is in use: it counts from there.
    floor = before = resident();
    return true;
  };
}

/** Looks for as long as the process runs, and keeps no process alive. */
export function watchMemory(): void {
  let [used, since] = [process.cpuUsage(), performance.now()];
  const look = createLook({
    resident: () => process.memoryUsage.rss(),
    busy() {
      const { user, system } = process.cpuUsage(used);
      const share = (user + system) / 1000 / (performance.now() - since);
      [used, since] = [process.cpuUsage(), performance.now()];
      return share;
    },
    collect: collectGarbage,
  });
  setInterval(look, LOOK_MS).unref();
}

/** Node has this for whoever starts it with a flag; the flag can be given later, too. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (how: Readonly<Record<string, string>>) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major' });
  // Buffers are freed by what the first time put away, and empty pages only when they are asked for.
  collect({ type: 'major', flavor: 'last-resort' });
}
