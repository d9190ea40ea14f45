/**
 * A clock that stands still until it is advanced. Advancing fires everything
 * that is due on the way, in order of time, and lets what each firing set off
 * come to rest before the next one.
 */
import type { Duration } from '../actor/context.ts';
import type { Clock } from '../core/ports.ts';
import { parseDuration } from '../core/schedule.ts';

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

export interface VirtualClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Moves time forward; resolves when everything due on the way has happened and come to rest. */
  advance(by: Duration): Promise<void>;
}

export interface VirtualClockParts {
  readonly clock: Clock;
  readonly handle: VirtualClock;
  /** Moves time forward and fires what is due, whether or not anything comes to rest. */
  expire(ms: number): void;
}

/** @param settled resolves when nothing runs that could go on without the clock. */
export function createVirtualClock(start: number, settled: () => Promise<void>): VirtualClockParts {
  let now = start;
  let order = 0;
  const waiting = new Set<Waiting>();

  function earliest(until: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const timer of waiting) {
      if (timer.at > until) continue;
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }

  return {
    clock: {
      now: () => now,
      timer(at, fire) {
        const timer = { at, order: order++, fire };
        waiting.add(timer);
        return { cancel: () => void waiting.delete(timer) };
      },
    },
    expire(ms) {
      const target = now + ms;
      for (let timer = earliest(target); timer; timer = earliest(target)) {
        waiting.delete(timer);
        now = Math.max(now, timer.at);
        timer.fire();
      }
      now = target;
    },
    handle: {
      now: () => now,
      async advance(by) {
        const target = now + parseDuration(by, 'advance');
        await settled();
        for (let timer = earliest(target); timer; timer = earliest(target)) {
          waiting.delete(timer);
          now = Math.max(now, timer.at);
          timer.fire();
          await settled();
        }
        now = target;
      },
    },
  };
}
