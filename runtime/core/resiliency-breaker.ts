/**
 * A circuit breaker: closed it counts, open it refuses, half-open it lets a few
 * requests through to find out. A result that comes after the breaker moved on
 * is not counted.
 */
import { TroupeError, isTroupeError } from './errors.ts';
import type { Clock } from './ports.ts';
import type { CircuitBreakerPolicy } from './resiliency-policies.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

/** Of the present state, or of the present interval while closed. */
export interface BreakerCounts {
  readonly requests: number;
  readonly totalSuccesses: number;
  readonly totalFailures: number;
  readonly consecutiveSuccesses: number;
  readonly consecutiveFailures: number;
}

export interface BreakerOptions {
  readonly name: string;
  readonly policy: CircuitBreakerPolicy;
  readonly clock: Clock;
  /** Asked after each failure while closed. */
  readonly trips: (counts: BreakerCounts) => boolean;
  readonly onChange?: (from: BreakerState, to: BreakerState) => void;
}

const NOTHING: BreakerCounts = {
  requests: 0,
  totalSuccesses: 0,
  totalFailures: 0,
  consecutiveSuccesses: 0,
  consecutiveFailures: 0,
};

export class CircuitBreaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  #counts = NOTHING;
  #generation = 0;
  /** End of the open state, or of the interval while closed; undefined is never. */
  #until: number | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#begin('closed');
  }

  get state(): BreakerState {
    const now = this.#options.clock.now();
    if (this.#until !== undefined && this.#until <= now) {
      if (this.#state === 'open') this.#change('half-open');
      else if (this.#state === 'closed') this.#begin('closed');
    }
    return this.#state;
  }

  get counts(): BreakerCounts {
    return this.#counts;
  }

  /** Admits a request and gives what its outcome is reported to. Throws UNAVAILABLE when it may not pass. */
  enter(): (succeeded: boolean) => void {
    const { name, policy } = this.#options;
    const { state } = this;
    if (state === 'open') throw refusal('circuit breaker is open', name);
    if (state === 'half-open' && this.#counts.requests >= policy.maxRequests) {
      throw refusal('too many requests', name);
    }
    const generation = this.#generation;
    this.#counts = { ...this.#counts, requests: this.#counts.requests + 1 };
    return (succeeded) => this.#leave(generation, succeeded);
  }

  #leave(generation: number, succeeded: boolean): void {
    const { state } = this;
    if (generation !== this.#generation) return;
    const counts = this.#counts;
    if (succeeded) {
      this.#counts = {
        ...counts,
        totalSuccesses: counts.totalSuccesses + 1,
        consecutiveSuccesses: counts.consecutiveSuccesses + 1,
        consecutiveFailures: 0,
      };
      const enough = this.#counts.consecutiveSuccesses >= this.#options.policy.maxRequests;
      if (state === 'half-open' && enough) this.#change('closed');
      return;
    }
    this.#counts = {
      ...counts,
      totalFailures: counts.totalFailures + 1,
      consecutiveFailures: counts.consecutiveFailures + 1,
      consecutiveSuccesses: 0,
    };
    if (state === 'half-open' || this.#options.trips(this.#counts)) this.#change('open');
  }

  #change(to: BreakerState): void {
    const from = this.#state;
    this.#begin(to);
    this.#options.onChange?.(from, to);
  }

  #begin(state: BreakerState): void {
    const { clock, policy } = this.#options;
    this.#state = state;
    this.#counts = NOTHING;
    this.#generation += 1;
    const lasts = { open: policy.timeoutMs, closed: policy.intervalMs, 'half-open': 0 }[state];
    this.#until = lasts > 0 ? clock.now() + lasts : undefined;
  }
}

const REFUSED = 'circuitBreaker';

function refusal(message: string, breaker: string): TroupeError {
  return new TroupeError('UNAVAILABLE', message, { details: { [REFUSED]: breaker } });
}

/** True for the error of a breaker that let a request not pass. */
export function isBreakerError(error: unknown): boolean {
  if (!isTroupeError(error)) return false;
  const { details } = error;
  return typeof details === 'object' && details !== null && REFUSED in details;
}
