/** A resiliency over a virtual clock, with what it logged and observed. */
import { createVirtualClock } from '../testing/virtual-clock.ts';
import type { EngineLogger } from './ports.ts';
import { createResiliency, type PolicyEvent, type Resiliency } from './resiliency.ts';
import type { ResiliencyPolicies } from './resiliency-policies.ts';

const silent: EngineLogger = { debug() {}, info() {}, warn() {}, error() {} };

export function policies(more: Partial<ResiliencyPolicies>): ResiliencyPolicies {
  return {
    name: 'r',
    timeouts: {},
    retries: {},
    circuitBreakers: {},
    apps: {},
    actors: {},
    components: {},
    ...more,
  };
}

export interface Bench {
  readonly resiliency: Resiliency;
  readonly clock: ReturnType<typeof createVirtualClock>['handle'];
  readonly applied: PolicyEvent[];
  readonly activated: PolicyEvent[];
}

export function bench(...documents: Partial<ResiliencyPolicies>[]): Bench {
  const { clock, handle } = createVirtualClock(0, () => new Promise((rest) => setImmediate(rest)));
  const applied: PolicyEvent[] = [];
  const activated: PolicyEvent[] = [];
  const resiliency = createResiliency(documents.map(policies), {
    clock,
    random: () => 0.5,
    logger: silent,
    compileTrip: (text) => {
      const limit = Number(/consecutiveFailures >= (\d+)/.exec(text)![1]);
      return ({ consecutiveFailures }) => consecutiveFailures >= limit;
    },
    observer: { applied: (one) => applied.push(one), activated: (one) => activated.push(one) },
  });
  return { resiliency, clock: handle, applied, activated };
}
