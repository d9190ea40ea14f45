/**
 * Runs an operation under a policy: the timeout is around each attempt, the
 * circuit breaker around the timeout, retries around both.
 */
import { TroupeError } from './errors.ts';
import type { Clock, EngineLogger } from './ports.ts';
import { isBreakerError, type CircuitBreaker } from './resiliency-breaker.ts';
import type { RetryPolicy } from './resiliency-policies.ts';
import { matchesCode, pausesOf, type Pauses } from './resiliency-retry.ts';

export interface Attempt {
  /** Aborts with the caller's signal and when the attempt's time is up. */
  readonly signal: AbortSignal | undefined;
  /** From 1. */
  readonly number: number;
}

export interface RunOptions<T> {
  readonly signal?: AbortSignal | undefined;
  /** The status of a value that is a failure all the same; when no attempt is left the value is returned as it is. */
  readonly failureOf?: ((value: T) => number | undefined) | undefined;
  /** The status that a thrown error stands for. */
  readonly codeOf?: ((error: unknown) => number | undefined) | undefined;
  /** Errors that are not tried again. The circuit breaker counts them. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined;
  /** The operation cannot be run twice: no retries. */
  readonly once?: boolean | undefined;
  /** Frees a value that nobody gets: its attempt is repeated, or was too late. */
  readonly discard?: ((value: T) => void) | undefined;
}

export interface Policy {
  /** For messages: `endpoint[web, /orders]`. */
  readonly name: string;
  readonly timeoutMs: number | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly breaker: CircuitBreaker | undefined;
  /** False when it does nothing: no timeout, no retry, no circuit breaker. */
  readonly active: boolean;
  /** True when an operation may be run more than once. */
  readonly repeats: boolean;
  /**
   * Errors: the operation's own; TIMEOUT when the last attempt took too long;
   * UNAVAILABLE of an open circuit breaker; the signal's reason while it waits.
   */
  run<T>(operation: (attempt: Attempt) => Promise<T>, options?: RunOptions<T>): Promise<T>;
}

export interface PolicyParts {
  readonly name: string;
  readonly timeoutMs?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly breaker?: CircuitBreaker | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: EngineLogger;
  readonly onActivated?: (policy: 'timeout' | 'retry' | 'circuitbreaker') => void;
}

export function createPolicy(parts: PolicyParts): Policy {
  const { name, timeoutMs, retry, breaker } = parts;
  const isEmpty = !timeoutMs && !retry && !breaker;
  return {
    name,
    timeoutMs,
    retry,
    breaker,
    active: !isEmpty,
    repeats: retry !== undefined && retry.maxRetries !== 0,
    run: (operation, options = {}) =>
      isEmpty
        ? operation({ signal: options.signal, number: 1 })
        : runPolicy(parts, operation, options),
  };
}

/** A value that counts as a failure, on its way through the breaker and the retries. */
interface Outcome<T> {
  readonly value: T;
  readonly failure: number | undefined;
}

async function runPolicy<T>(
  parts: PolicyParts,
  operation: (attempt: Attempt) => Promise<T>,
  options: RunOptions<T>,
): Promise<T> {
  const { retry, clock, logger, name } = parts;
  const began = clock.now();
  const pauses: Pauses | undefined = retry && pausesOf(retry, parts.random);
  for (let number = 1; ; number++) {
    options.signal?.throwIfAborted();
    let outcome: Outcome<T> | undefined;
    let error: unknown;
    try {
      outcome = await attemptOnce(parts, operation, number, options);
      if (outcome.failure === undefined) {
        if (number > 1) logger.info({ policy: name, attempts: number }, 'operation recovered');
        return outcome.value;
      }
    } catch (thrown) {
      error = thrown;
    }
    const again = retry && !options.once && isRetried(retry, outcome, error, options);
    const pause = again ? pauses!.next(clock.now() - began) : undefined;
    if (pause === undefined) {
      if (outcome) return outcome.value;
      throw error;
    }
    if (outcome) options.discard?.(outcome.value);
    parts.onActivated?.('retry');
    logger.warn(
      { policy: name, attempt: number, delayMs: Math.round(pause), error: textOf(error) },
      'operation failed; will retry',
    );
    await wait(clock, pause, options.signal);
  }
}

function isRetried<T>(
  retry: RetryPolicy,
  outcome: Outcome<T> | undefined,
  error: unknown,
  { codeOf, isFinal, signal }: RunOptions<T>,
): boolean {
  if (signal?.aborted) return false;
  if (outcome) return matchesCode(retry, outcome.failure!);
  if (isBreakerError(error) || isFinal?.(error)) return false;
  const code = codeOf?.(error);
  return code === undefined || matchesCode(retry, code);
}

async function attemptOnce<T>(
  parts: PolicyParts,
  operation: (attempt: Attempt) => Promise<T>,
  number: number,
  options: RunOptions<T>,
): Promise<Outcome<T>> {
  const { breaker } = parts;
  const before = breaker?.state;
  try {
    const leave = breaker?.enter();
    try {
      const value = await withinTime(parts, operation, number, options);
      const failure = options.failureOf?.(value);
      leave?.(failure === undefined);
      return { value, failure };
    } catch (error) {
      leave?.(false);
      throw error;
    }
  } finally {
    if (breaker && breaker.state !== before) parts.onActivated?.('circuitbreaker');
  }
}

function withinTime<T>(
  { timeoutMs, clock, name, onActivated }: PolicyParts,
  operation: (attempt: Attempt) => Promise<T>,
  number: number,
  { signal, discard }: RunOptions<T>,
): Promise<T> {
  if (!timeoutMs) return operation({ signal, number });
  const expiry = new AbortController();
  const both = signal ? AbortSignal.any([signal, expiry.signal]) : expiry.signal;
  return new Promise((resolve, reject) => {
    const timer = clock.timer(
      clock.now() + timeoutMs,
      () => {
        const late = new TroupeError(
          'TIMEOUT',
          `context deadline exceeded: ${name} took longer than the ${timeoutMs} ms of its policy`,
        );
        onActivated?.('timeout');
        reject(late);
        expiry.abort(late);
      },
      { background: true },
    );
    operation({ signal: both, number }).then(
      (value) => {
        timer.cancel();
        if (expiry.signal.aborted) discard?.(value);
        else resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error as Error);
      },
    );
  });
}

function wait(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.timer(
      clock.now() + ms,
      () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      },
      { background: true },
    );
    const giveUp = (): void => {
      timer.cancel();
      reject(signal!.reason as Error);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
  });
}

function textOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return error instanceof Error ? error.message : 'something that is no error was thrown';
}
