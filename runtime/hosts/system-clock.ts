/** The real clock and real randomness. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../core/ports.ts';

/** Longest wait of setTimeout; longer ones are taken in steps. */
const LONGEST_MS = 2 ** 31 - 1;

export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    timer(at, fire, { background = false } = {}) {
      let handle: NodeJS.Timeout;
      const wait = (): void => {
        const left = at - Date.now();
        // A timer of Node may fire a millisecond early by this clock; nothing here may.
        handle =
          left > LONGEST_MS
            ? setTimeout(wait, LONGEST_MS)
            : setTimeout(() => (Date.now() < at ? wait() : fire()), Math.max(0, left));
        if (background) handle.unref();
      };
      wait();
      return { cancel: () => clearTimeout(handle) };
    },
  };
}

export const systemRandom: Random = { id: () => randomBytes(8).toString('hex') };
