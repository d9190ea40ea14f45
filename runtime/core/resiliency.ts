/**
 * Which policy goes with which call. Targets are looked up by name, then the
 * default policies by theirs; circuit breakers live as long as their policy is
 * the same, also across a change of the documents.
 */
import type { Clock, EngineLogger } from './ports.ts';
import { CircuitBreaker, type BreakerCounts, type BreakerState } from './resiliency-breaker.ts';
import {
  BUILT_IN_RETRIES,
  PROTECTED_RETRY,
  type ActorPolicies,
  type AppPolicies,
  type BuiltInRetry,
  type CircuitBreakerPolicy,
  type ComponentKind,
  type ComponentPolicies,
  type Flow,
  type PolicyNames,
  type ResiliencyPolicies,
  type RetryPolicy,
} from './resiliency-policies.ts';
import { createPolicy, type Policy } from './resiliency-runner.ts';

const ENDPOINT_BREAKERS = 100;
const ACTOR_BREAKERS = 5000;

/** What is counted of policies; the labels are Dapr's. */
export interface PolicyEvent {
  /** Name and namespace of the document that was read last. */
  readonly name: string;
  readonly namespace: string;
  readonly policy: 'timeout' | 'retry' | 'circuitbreaker';
  readonly flow: 'inbound' | 'outbound';
  /** `app_web`, `actor_Cart`, `Statestore_orders`. */
  readonly target: string;
  /** State of the circuit breaker. */
  readonly status?: BreakerState;
}

export interface ResiliencyObserver {
  /** A document was taken. */
  loaded?(name: string, namespace: string): void;
  /** A call has the policy. */
  applied?(event: PolicyEvent): void;
  /** A timeout struck, an attempt is repeated, a circuit breaker changed its state. */
  activated?(event: PolicyEvent): void;
}

export interface ResiliencyOptions {
  readonly clock: Clock;
  /** Numbers from 0 to 1, for the pauses of exponential retries. */
  readonly random: () => number;
  readonly logger: EngineLogger;
  /** Makes a test of the counts from the `trip` of a circuit breaker. */
  readonly compileTrip: (expression: string) => (counts: BreakerCounts) => boolean;
  readonly observer?: ResiliencyObserver | undefined;
}

export interface Resiliency {
  /** For an invocation; the endpoint names the circuit breaker. */
  app(appId: string, endpoint: string): Policy;
  /** Around the whole of an actor call: retries and circuit breaker. Undefined when nothing is configured. */
  actor(type: string, id: string): Policy | undefined;
  /** Around a turn once it runs: the time that it may take. Undefined when nothing is configured. */
  turn(type: string, id: string): Policy | undefined;
  outbound(component: string, kind: ComponentKind): Policy;
  inbound(component: string, kind: ComponentKind): Policy;
  builtIn(name: BuiltInRetry): Policy;
  /** True when a target of a document names it; defaults do not count. */
  has(of: 'apps' | 'actors' | 'components', name: string): boolean;
  /** Puts other documents in the place of all. Calls that run keep the policy that they have. */
  replace(documents: readonly ResiliencyPolicies[]): void;
}

const DEFAULT_TRIP = ({ consecutiveFailures }: BreakerCounts): boolean => consecutiveFailures > 5;

export function createResiliency(
  documents: readonly ResiliencyPolicies[],
  options: ResiliencyOptions,
): Resiliency {
  const { clock, random, logger, compileTrip, observer } = options;
  let timeouts = new Map<string, number>();
  let retries = new Map<string, RetryPolicy>();
  let breakers = new Map<string, CircuitBreakerPolicy>();
  let apps = new Map<string, AppPolicies>();
  let actors = new Map<string, ActorPolicies>();
  let components = new Map<string, ComponentPolicies>();
  let source = { name: '', namespace: '' };
  /** By what they protect; the policy that a breaker was made of decides whether it stays. */
  const live = new Map<
    string,
    Map<string, { readonly made: string; readonly breaker: CircuitBreaker }>
  >();

  function replace(next: readonly ResiliencyPolicies[]): void {
    timeouts = new Map();
    retries = new Map(Object.entries(BUILT_IN_RETRIES));
    breakers = new Map();
    apps = new Map();
    actors = new Map();
    components = new Map();
    for (const one of next) {
      source = { name: one.name, namespace: one.namespace ?? '' };
      for (const [name, ms] of Object.entries(one.timeouts)) timeouts.set(name, ms);
      for (const [name, policy] of Object.entries(one.retries)) takeRetry(name, policy);
      for (const [name, policy] of Object.entries(one.circuitBreakers)) breakers.set(name, policy);
      for (const [name, target] of Object.entries(one.apps)) apps.set(name, target);
      for (const [name, target] of Object.entries(one.actors)) actors.set(name, target);
      for (const [name, target] of Object.entries(one.components)) components.set(name, target);
      observer?.loaded?.(source.name, source.namespace);
    }
  }

  function takeRetry(name: string, policy: RetryPolicy): void {
    if (name === PROTECTED_RETRY) {
      logger.warn({ policy: name }, 'a retry policy that may not be replaced was left as it is');
      return;
    }
    const tooFew = Object.hasOwn(BUILT_IN_RETRIES, name) && policy.maxRetries < 3;
    if (tooFew) logger.warn({ policy: name }, 'a built-in retry policy keeps at least 3 retries');
    retries.set(name, tooFew ? { ...policy, maxRetries: 3 } : policy);
  }

  /** The breaker of a key, least recently used ones forgotten beyond `size`. */
  function breakerOf(
    group: string,
    key: string,
    name: string,
    size: number,
  ): CircuitBreaker | undefined {
    const policy = breakers.get(name);
    if (!policy) return undefined;
    let cache = live.get(group);
    if (!cache) live.set(group, (cache = new Map()));
    const made = `${name} ${JSON.stringify(policy)}`;
    let entry = cache.get(key);
    cache.delete(key);
    if (entry?.made !== made) {
      const trips = policy.trip === undefined ? DEFAULT_TRIP : compileTrip(policy.trip);
      const onChange = (from: BreakerState, to: BreakerState): void =>
        logger.info({ breaker: key, from, to }, 'circuit breaker changed state');
      entry = { made, breaker: new CircuitBreaker({ name: key, policy, clock, trips, onChange }) };
    }
    cache.set(key, entry);
    if (cache.size > size) cache.delete(cache.keys().next().value!);
    return entry.breaker;
  }

  function byDefault(levels: readonly string[]): PolicyNames {
    const find = (kind: string, known: ReadonlyMap<string, unknown>): string | undefined =>
      known.size === 0
        ? undefined
        : [...levels, '']
            .map((level) => `Default${level}${kind}Policy`)
            .find((name) => known.has(name));
    return {
      timeout: find('Timeout', timeouts)!,
      retry: find('Retry', retries)!,
      circuitBreaker: find('CircuitBreaker', breakers)!,
    };
  }

  function make(
    name: string,
    target: string,
    flow: PolicyEvent['flow'],
    { timeout, retry }: PolicyNames,
    breaker: CircuitBreaker | undefined,
  ): Policy {
    const timeoutMs = timeout === undefined ? undefined : timeouts.get(timeout);
    const retryPolicy = retry === undefined ? undefined : retries.get(retry);
    const event = (policy: PolicyEvent['policy']): PolicyEvent => ({
      ...source,
      policy,
      flow,
      target,
      ...(policy === 'circuitbreaker' && breaker ? { status: breaker.state } : {}),
    });
    if (observer?.applied) {
      if (timeoutMs) observer.applied(event('timeout'));
      if (retryPolicy) observer.applied(event('retry'));
      if (breaker) observer.applied(event('circuitbreaker'));
    }
    const onActivated =
      observer?.activated &&
      ((policy: PolicyEvent['policy']) => observer.activated!(event(policy)));
    return createPolicy({
      name,
      timeoutMs,
      retry: retryPolicy,
      breaker,
      clock,
      random,
      logger,
      ...(onActivated ? { onActivated } : {}),
    });
  }

  function component(name: string, kind: ComponentKind, flow: Flow): Policy {
    const target = components.get(name);
    const names = target
      ? ((flow === 'Inbound' ? target.inbound : target.outbound) ?? {})
      : byDefault([`${kind}Component${flow}`, `Component${flow}`, 'Component']);
    const breaker =
      names.circuitBreaker === undefined
        ? undefined
        : breakerOf(
            'components',
            `${names.circuitBreaker}-${name}`,
            names.circuitBreaker,
            Number.POSITIVE_INFINITY,
          );
    const side = flow === 'Inbound' ? 'input' : 'output';
    const flowName = flow === 'Inbound' ? 'inbound' : 'outbound';
    return make(`component[${name}] ${side}`, `${kind}_${name}`, flowName, names, breaker);
  }

  replace(documents);
  return {
    replace,
    app(appId, endpoint) {
      const target: AppPolicies | undefined = apps.get(appId);
      const names = target ?? byDefault(['App']);
      const size = target?.circuitBreakerCacheSize || ENDPOINT_BREAKERS;
      const breaker =
        names.circuitBreaker === undefined
          ? undefined
          : breakerOf(`app ${appId}`, endpoint, names.circuitBreaker, size);
      return make(`endpoint[${appId}, ${endpoint}]`, `app_${appId}`, 'outbound', names, breaker);
    },
    actor(type, id) {
      const target = actors.get(type);
      const names = target ?? byDefault(['Actor']);
      if (names.retry === undefined && names.circuitBreaker === undefined) return undefined;
      const size = target?.circuitBreakerCacheSize || (target ? ACTOR_BREAKERS : ENDPOINT_BREAKERS);
      const ofType = !target || target.circuitBreakerScope === 'type';
      const breaker =
        names.circuitBreaker === undefined
          ? undefined
          : breakerOf(`actor ${type}`, ofType ? type : `${type}-${id}`, names.circuitBreaker, size);
      const { timeout: _turn, ...around } = names;
      return make(`actor[${type}, ${id}]`, `actor_${type}`, 'outbound', around, breaker);
    },
    turn(type, id) {
      const { timeout } = actors.get(type) ?? byDefault(['Actor']);
      if (timeout === undefined) return undefined;
      return make(`actor[${type}, ${id}]`, `actor_${type}`, 'outbound', { timeout }, undefined);
    },
    outbound: (name, kind) => component(name, kind, 'Outbound'),
    inbound: (name, kind) => component(name, kind, 'Inbound'),
    builtIn: (name) => make(name, name, 'outbound', { retry: name }, undefined),
    has: (of, name) => ({ apps, actors, components })[of].has(name),
  };
}
