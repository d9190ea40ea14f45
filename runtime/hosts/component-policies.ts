/** Resiliency on the machine's chance and the expressions of configuration. */
import { compileCel } from '../config/cel.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';
import {
  createResiliency,
  type PolicyEvent,
  type Resiliency,
  type ResiliencyObserver,
} from '../core/resiliency.ts';
import type { BreakerCounts } from '../core/resiliency-breaker.ts';
import type { ResiliencyPolicies } from '../core/resiliency-policies.ts';
import type { Labels, Telemetry } from '../core/telemetry.ts';

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

const BREAKER_STATES = ['closed', 'half-open', 'open', 'unknown'];

/** Counts what policies do, with Dapr's labels; the state of a circuit breaker is 1 at one of its states. */
export function policyObserver(telemetry: Telemetry): ResiliencyObserver {
  const labelsOf = ({ name, namespace, policy, flow, target, status }: PolicyEvent): Labels => ({
    name,
    namespace,
    policy,
    flow_direction: flow,
    target,
    status,
  });
  return {
    loaded: (name, namespace) => telemetry.count('resiliency_loaded', { name, namespace }),
    applied(event) {
      const labels = labelsOf(event);
      telemetry.count('resiliency_count', labels);
      if (event.policy !== 'circuitbreaker') return;
      for (const status of BREAKER_STATES) {
        const value = status === event.status ? 1 : 0;
        telemetry.set('resiliency_cb_state', { ...labels, status }, value);
      }
    },
    activated: (event) => telemetry.count('resiliency_activations_total', labelsOf(event)),
  };
}
