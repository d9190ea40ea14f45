/**
 * `kind: Resiliency`: named timeouts, retries and circuit breakers, and which
 * of them go with which app, actor type and component. Names that nothing
 * defines are left as they are, because another document may define them.
 */
import type {
  ActorPolicies,
  CircuitBreakerPolicy,
  CodeRange,
  ResiliencyPolicies,
  RetryPolicy,
} from '../core/resiliency-policies.ts';
import { readNamed, type Named } from './named.ts';
import type { Field, Reader } from './reader.ts';
import { cel, count, duration, object, record, text, word, type Read } from './shape.ts';

/** The policies and targets of one document. */
export type ResiliencySpec = Named & ResiliencyPolicies;

/** `429,500-599`: codes and ranges within `least` and `most`. */
function codes(least: number, most: number): Read<readonly CodeRange[]> {
  return (reader, at) => {
    const given = reader.text(at);
    if (given === undefined) return undefined;
    const ranges: CodeRange[] = [];
    for (const part of given.split(',')) {
      if (part.trim() === '') continue;
      const [, first, last = first] = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part) ?? [];
      const range = [Number(first ?? Number.NaN), Number(last ?? Number.NaN)] as const;
      if (!(range[0] >= least && range[1] <= most && range[0] <= range[1])) {
        reader.problem(
          at,
          `"${part.trim()}" is not a status code or a range from ${least} to ${most}; write for example ${least === 0 ? '14 or 1-4,14' : '503 or 429,500-599'}`,
        );
        return undefined;
      }
      ranges.push(range);
    }
    return ranges;
  };
}

const whole: Read<number> = (reader, at) => reader.count(at);

const rawRetry = object({
  policy: word('constant', 'exponential'),
  duration: duration(),
  maxInterval: duration(),
  maxRetries: whole,
  matching: object({ httpStatusCodes: codes(100, 599), gRPCStatusCodes: codes(0, 16) }),
});

const retry: Read<RetryPolicy> = (reader, at) => {
  const read = rawRetry(reader, at);
  if (!read) return undefined;
  const { httpStatusCodes, gRPCStatusCodes } = read.matching ?? {};
  return {
    policy: read.policy ?? 'constant',
    durationMs: read.duration ?? 5000,
    maxIntervalMs: read.maxInterval ?? 60_000,
    maxRetries: read.maxRetries ?? -1,
    ...(httpStatusCodes?.length ? { httpStatusCodes } : {}),
    ...(gRPCStatusCodes?.length ? { grpcStatusCodes: gRPCStatusCodes } : {}),
  };
};

const rawBreaker = object({
  maxRequests: count,
  interval: duration({ bare: true }),
  timeout: duration({ bare: true }),
  trip: cel,
});

const breaker: Read<CircuitBreakerPolicy> = (reader, at) => {
  const read = rawBreaker(reader, at);
  return (
    read && {
      maxRequests: read.maxRequests || 1,
      intervalMs: read.interval ?? 0,
      timeoutMs: read.timeout || 60_000,
      ...(read.trip ? { trip: read.trip } : {}),
    }
  );
};

const names = { timeout: text, retry: text, circuitBreaker: text };
const app = object({ ...names, circuitBreakerCacheSize: count });
const rawActor = object({
  ...names,
  circuitBreakerCacheSize: count,
  circuitBreakerScope: word('type', 'id', 'both'),
});

const actor: Read<ActorPolicies> = (reader, at) => {
  const read = rawActor(reader, at);
  if (read?.circuitBreaker && !read.circuitBreakerScope) {
    return refuse(reader, at, 'circuitBreaker needs circuitBreakerScope: type, id or both');
  }
  return read;
};

function refuse(reader: Reader, at: Field, message: string): undefined {
  reader.problem(at, message);
  return undefined;
}

const spec = object({
  policies: object({
    timeouts: record(duration({ bare: true })),
    retries: record(retry),
    circuitBreakers: record(breaker),
  }),
  targets: object({
    apps: record(app),
    actors: record(actor),
    components: record(object({ inbound: object(names), outbound: object(names) })),
  }),
});

/** The spec, or undefined when something is wrong, which the reader was told. */
export function readResiliency(file: string, reader: Reader): ResiliencySpec | undefined {
  const document = readNamed(file, reader, spec);
  if (!document) return undefined;
  const { policies = {}, targets = {} } = document.spec;
  return {
    ...document.head,
    timeouts: policies.timeouts ?? {},
    retries: policies.retries ?? {},
    circuitBreakers: policies.circuitBreakers ?? {},
    apps: targets.apps ?? {},
    actors: targets.actors ?? {},
    components: targets.components ?? {},
  };
}
