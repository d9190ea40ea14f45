/**
 * The deliveries that run on a subscription. Closing lets them finish for a
 * while; what arrives meanwhile is held and not refused before they are done,
 * so that no broker takes a shutdown for a failure of the event.
 */
import { TroupeError } from '../core/errors.ts';
import type { Timer } from './subscriptions.ts';

export interface Drain {
  /** Aborts when closing has waited long enough. */
  readonly signal: AbortSignal;
  readonly closing: boolean;
  /** Runs a delivery; a failure of it while closing is held as well. */
  run(delivery: () => Promise<void>): Promise<void>;
  /** Resolves when no delivery runs, or the time is over and they were told. Idempotent. */
  close(): Promise<void>;
}

export function createDrain(timer: Timer, limitMs: number): Drain {
  const ended = Promise.withResolvers<void>();
  const stop = new AbortController();
  let running = 0;
  let closing = false;

  async function held(): Promise<never> {
    await ended.promise;
    throw new TroupeError(
      'UNAVAILABLE',
      'the subscription is closed; the broker keeps the event for the next one',
    );
  }

  const settle = (): void => {
    if (closing && running === 0) ended.resolve();
  };

  return {
    signal: stop.signal,
    get closing() {
      return closing;
    },
    async run(delivery) {
      if (closing) return held();
      running += 1;
      let failure: unknown;
      try {
        await delivery();
        return undefined;
      } catch (error) {
        failure = error;
      } finally {
        running -= 1;
        settle();
      }
      if (closing) return held();
      throw failure;
    },
    async close() {
      if (!closing) {
        closing = true;
        const limit = timer(limitMs, () => {
          stop.abort(new TroupeError('CANCELLED', 'the subscription is closed'));
          ended.resolve();
        });
        void ended.promise.then(() => limit.cancel());
        settle();
      }
      await ended.promise;
    },
  };
}
