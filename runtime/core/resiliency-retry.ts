/** When a failed attempt is tried again: pauses between attempts, and which status codes count. */
import { isTroupeError } from './errors.ts';
import type { CodeRange, RetryPolicy } from './resiliency-policies.ts';

const INITIAL_MS = 500;
const MULTIPLIER = 1.5;
const RANDOMIZATION = 0.5;
const MAX_ELAPSED_MS = 900_000;

export interface Pauses {
  /** Milliseconds until the next attempt; undefined when there is none. */
  next(elapsedMs: number): number | undefined;
}

/** `random` gives numbers from 0 to 1. */
export function pausesOf(policy: RetryPolicy, random: () => number): Pauses {
  let retries = 0;
  let interval = policy.initialIntervalMs ?? INITIAL_MS;
  return {
    next(elapsedMs) {
      if (policy.maxRetries >= 0 && retries >= policy.maxRetries) return undefined;
      retries += 1;
      if (policy.policy === 'constant') return policy.durationMs;
      const pause = interval * (1 - RANDOMIZATION + random() * 2 * RANDOMIZATION);
      interval = Math.min(interval * MULTIPLIER, policy.maxIntervalMs);
      return elapsedMs + pause > (policy.maxElapsedMs ?? MAX_ELAPSED_MS) ? undefined : pause;
    },
  };
}

const within = (code: number, ranges: readonly CodeRange[] | undefined): boolean =>
  ranges === undefined || ranges.some(([from, to]) => code >= from && code <= to);

/** The status of an answer that an error came of, where its details name one. */
export function statusIn(error: unknown): number | undefined {
  if (!isTroupeError(error)) return undefined;
  const { status } = (error.details ?? {}) as { status?: unknown };
  return typeof status === 'number' ? status : undefined;
}

/** Whether a failure with this code is tried again: 0 to 16 is gRPC's, 100 to 599 HTTP's. */
export function matchesCode(policy: RetryPolicy, code: number): boolean {
  if (code >= 0 && code <= 16) return within(code, policy.grpcStatusCodes);
  return code >= 100 && code <= 599 && within(code, policy.httpStatusCodes);
}
