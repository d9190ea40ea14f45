/** What a pool counts: how long calls waited and ran, how they ended, how busy its threads are. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Durations in milliseconds. */
export interface Durations {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface PoolMetrics {
  readonly pool: string;
  readonly workers: number;
  /** Calls that wait for a thread now, and that run. */
  readonly queued: number;
  readonly running: number;
  readonly completed: number;
  /** Ended with the task's own error or with the end of its thread. */
  readonly failed: number;
  readonly cancelled: number;
  readonly expired: number;
  /** Refused as OVERLOADED. */
  readonly refused: number;
  /** Threads that died and were replaced. */
  readonly deaths: number;
  /** From `run` to a thread. */
  readonly wait: Durations;
  /** On a thread. */
  readonly run: Durations;
  /** Share of the threads' time since the pool was made that was spent on calls, 0 to 1. */
  readonly utilisation: number;
}

export type Outcome = 'completed' | 'failed' | 'cancelled' | 'expired' | 'refused' | 'deaths';

export interface PoolCounters {
  count(outcome: Outcome): void;
  waited(ms: number): void;
  ran(ms: number): void;
  /** Mean time of a call on a thread, of late; 0 before the first. */
  recentRun(): number;
  snapshot(now: { queued: number; running: number; busyMs: number }): PoolMetrics;
}

/** Weight of the newest call in the recent mean. */
const NEWEST = 0.2;

function durations(histogram: RecordableHistogram): Durations {
  const { count } = histogram;
  if (count === 0) return { count, mean: 0, p50: 0, p99: 0, max: 0 };
  const ms = (microseconds: number) => microseconds / 1000;
  return {
    count,
    mean: ms(histogram.mean),
    p50: ms(histogram.percentile(50)),
    p99: ms(histogram.percentile(99)),
    max: ms(histogram.max),
  };
}

export function createPoolCounters(pool: string, workers: number): PoolCounters {
  const counts = { completed: 0, failed: 0, cancelled: 0, expired: 0, refused: 0, deaths: 0 };
  const wait = createHistogram();
  const run = createHistogram();
  const began = performance.now();
  let total = 0;
  let recent = 0;
  const record = (histogram: RecordableHistogram, ms: number): void => {
    histogram.record(Math.max(1, Math.round(ms * 1000)));
  };
  return {
    count: (outcome) => void counts[outcome]++,
    waited: (ms) => record(wait, ms),
    ran: (ms) => {
      record(run, ms);
      total += ms;
      recent = recent === 0 ? ms : recent + NEWEST * (ms - recent);
    },
    recentRun: () => recent,
    snapshot: ({ queued, running, busyMs }) => ({
      pool,
      workers,
      queued,
      running,
      ...counts,
      wait: durations(wait),
      run: durations(run),
      utilisation: Math.min(1, (total + busyMs) / ((performance.now() - began) * workers || 1)),
    }),
  };
}
