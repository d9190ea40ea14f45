/**
 * What resiliency policies say, as plain data: the engine reads them, the
 * configuration writes them.
 */

/** Both ends included. */
export type CodeRange = readonly [from: number, to: number];

export interface RetryPolicy {
  readonly policy: 'constant' | 'exponential';
  /** Between two attempts, for `constant`. Default 5000. */
  readonly durationMs: number;
  /** Longest pause, for `exponential`. Default 60000. */
  readonly maxIntervalMs: number;
  /** -1: without end, the default. */
  readonly maxRetries: number;
  /** First pause of `exponential`. Default 500. */
  readonly initialIntervalMs?: number;
  /** `exponential` begins no attempt later than this after the first. Default 900000. */
  readonly maxElapsedMs?: number;
  /** Codes that are tried again; absent: all. */
  readonly httpStatusCodes?: readonly CodeRange[];
  readonly grpcStatusCodes?: readonly CodeRange[];
}

export interface CircuitBreakerPolicy {
  /** Requests that may pass while half-open, and successes that close it again. Default 1. */
  readonly maxRequests: number;
  /** How often the counts of the closed state begin anew; 0, the default: never. */
  readonly intervalMs: number;
  /** How long it stays open. Default 60000. */
  readonly timeoutMs: number;
  /** CEL over the counts. Default `consecutiveFailures > 5`. */
  readonly trip?: string;
}

/** Names of policies. */
export interface PolicyNames {
  readonly timeout?: string;
  readonly retry?: string;
  readonly circuitBreaker?: string;
}

export interface AppPolicies extends PolicyNames {
  /** Circuit breakers kept for endpoints of the app. Default 100. */
  readonly circuitBreakerCacheSize?: number;
}

export interface ActorPolicies extends AppPolicies {
  /** Needed with a circuit breaker. The cache holds 5000 by default. */
  readonly circuitBreakerScope?: 'type' | 'id' | 'both';
}

export interface ComponentPolicies {
  readonly inbound?: PolicyNames;
  readonly outbound?: PolicyNames;
}

/** The policies of one document, and what they go with. */
export interface ResiliencyPolicies {
  readonly name: string;
  readonly namespace?: string;
  /** Milliseconds by name. */
  readonly timeouts: Readonly<Record<string, number>>;
  readonly retries: Readonly<Record<string, RetryPolicy>>;
  readonly circuitBreakers: Readonly<Record<string, CircuitBreakerPolicy>>;
  readonly apps: Readonly<Record<string, AppPolicies>>;
  readonly actors: Readonly<Record<string, ActorPolicies>>;
  readonly components: Readonly<Record<string, ComponentPolicies>>;
}

/** Component kinds as the names of default policies spell them. */
export type ComponentKind =
  | 'Binding'
  | 'Configuration'
  | 'Conversation'
  | 'Crypto'
  | 'Lock'
  | 'Pubsub'
  | 'Secretstore'
  | 'Statestore';

export type Flow = 'Inbound' | 'Outbound';

/** Retries that exist without any document; a document may replace them, but not below three retries. */
export const BUILT_IN_RETRIES = {
  DaprBuiltInServiceRetries: constant(3),
  DaprBuiltInActorRetries: constant(3),
  DaprBuiltInActorReminderRetries: {
    policy: 'exponential',
    durationMs: 5000,
    maxIntervalMs: 60_000,
    maxRetries: 0,
  },
  DaprBuiltInInitializationRetries: {
    policy: 'exponential',
    durationMs: 2000,
    maxIntervalMs: 1000,
    maxRetries: 3,
    maxElapsedMs: 10_000,
  },
  DaprBuiltInActorNotFoundRetries: constant(5),
} as const satisfies Record<string, RetryPolicy>;

export type BuiltInRetry = keyof typeof BUILT_IN_RETRIES;

/** A document may not replace this one. */
export const PROTECTED_RETRY: BuiltInRetry = 'DaprBuiltInActorNotFoundRetries';

function constant(maxRetries: number): RetryPolicy {
  return { policy: 'constant', durationMs: 1000, maxIntervalMs: 60_000, maxRetries };
}
