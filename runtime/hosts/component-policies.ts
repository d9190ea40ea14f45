/** Resiliency on the machine's chance and the expressions of configuration. */
import { compileCel } from '../config/cel.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';
import { createResiliency, type Resiliency, type ResiliencyObserver } from '../core/resiliency.ts';
import type { BreakerCounts } from '../core/resiliency-breaker.ts';
import type { ResiliencyPolicies } from '../core/resiliency-policies.ts';

export interface PoliciesOptions {
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly observer?: ResiliencyObserver | undefined;
}

export function createPolicies(
  documents: readonly ResiliencyPolicies[],
  { clock, logger, observer }: PoliciesOptions,
): Resiliency {
  return createResiliency(documents, {
    clock,
    logger,
    observer,
    random: Math.random,
    compileTrip: tripOf,
  });
}

/** An expression that fails, or gives no truth value, does not trip. */
function tripOf(expression: string): (counts: BreakerCounts) => boolean {
  const trips = compileCel(expression);
  return (counts) => {
    // CEL knows whole numbers apart from others, and expressions calculate with whole ones.
    const whole = Object.entries(counts).map(([name, count]) => [name, BigInt(count as number)]);
    try {
      return trips(Object.fromEntries(whole)) === true;
    } catch {
      return false;
    }
  };
}
