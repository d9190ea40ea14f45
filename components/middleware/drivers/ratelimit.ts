/**
 * `middleware.http.ratelimit`: a token bucket for each client address and path.
 * A request takes a token; without one it is answered with 429. Buckets that are
 * full again are forgotten.
 */
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { Middleware } from '../contract.ts';
import { createStep, refusal } from '../step.ts';

const DEFAULT_RATE = 100;
/** Buckets beyond which those that are full again are looked for. */
const SWEEP_AT = 10_000;

const fields: readonly MetadataField[] = [
  {
    name: 'maxRequestsPerSecond',
    description: 'Requests a second for each client address and path. Default `100`.',
  },
  {
    name: 'burst',
    description:
      'Requests that may come at once after a pause. Default: `maxRequestsPerSecond`, at least 1. Not known to Dapr.',
  },
];

interface Bucket {
  tokens: number;
  at: number;
}

function create(options: ComponentOptions): Middleware {
  const metadata = readMetadata(options, fields);
  const rate = Number(metadata.text('maxRequestsPerSecond') ?? DEFAULT_RATE);
  if (!(rate > 0 && rate < Number.POSITIVE_INFINITY))
    throw metadata.refuse('maxRequestsPerSecond', 'must be a positive value');
  const size = metadata.count('burst', 1) ?? Math.max(1, Math.floor(rate));
  const buckets = new Map<string, Bucket>();

  const level = ({ tokens, at }: Bucket, now: number): number =>
    Math.min(size, tokens + (Math.max(0, now - at) / 1000) * rate);

  function sweep(now: number): void {
    for (const [key, bucket] of buckets) if (level(bucket, now) >= size) buckets.delete(key);
  }

  function take(key: string): boolean {
    const now = options.now();
    let bucket = buckets.get(key);
    if (!bucket) {
      if (buckets.size >= SWEEP_AT) sweep(now);
      bucket = { tokens: size, at: now };
      buckets.set(key, bucket);
    }
    bucket.tokens = level(bucket, now);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  const limit = { 'x-rate-limit-limit': rate.toFixed(2), 'x-rate-limit-duration': '1' };
  return createStep(options, async (request, next) => {
    const address = request.remoteAddress ?? '0.0.0.0';
    if (!take(`${address}|${request.path}`)) {
      const answer = refusal(429, 'You have reached maximum request limit.');
      return { ...answer, headers: limit };
    }
    const answer = await next(request);
    return { ...answer, headers: { ...limit, ...answer.headers } };
  });
}

export const driver: Driver<Middleware> = { fields, create: async (options) => create(options) };
