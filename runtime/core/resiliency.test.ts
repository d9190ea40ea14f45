import { describe, expect, it } from 'vitest';
import { TroupeError } from './errors.ts';
import { bench } from './resiliency.fixture.ts';
import type { CircuitBreakerPolicy, RetryPolicy } from './resiliency-policies.ts';
import { pausesOf } from './resiliency-retry.ts';

const constant = (maxRetries: number, more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  policy: 'constant',
  durationMs: 100,
  maxIntervalMs: 60_000,
  maxRetries,
  ...more,
});

const tripAt = (
  failures: number,
  more: Partial<CircuitBreakerPolicy> = {},
): CircuitBreakerPolicy => ({
  maxRequests: 1,
  intervalMs: 0,
  timeoutMs: 1000,
  trip: `consecutiveFailures >= ${failures}`,
  ...more,
});

/** Fails as often as told, then answers `done`. */
function flaky(failures: number) {
  const calls: number[] = [];
  return {
    calls,
    run: async ({ number }: { number: number }) => {
      calls.push(number);
      if (calls.length <= failures) throw new Error(`failure ${calls.length}`);
      return 'done';
    },
  };
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const never = () => new Promise<never>(() => {});

describe('a call without a policy', () => {
  it('is made once, and its error is its own', async () => {
    const { resiliency } = bench();
    const work = flaky(1);
    await expect(resiliency.app('web', '/').run(work.run)).rejects.toThrow('failure 1');
    expect(work.calls).toEqual([1]);
  });
});

describe('a retry', () => {
  it('repeats after its pause until the call succeeds', async () => {
    const { resiliency, clock, activated } = bench({
      retries: { r: constant(3) },
      apps: { web: { retry: 'r' } },
    });
    const work = flaky(2);
    const result = resiliency.app('web', '/').run(work.run);
    await clock.advance(99);
    expect(work.calls).toEqual([1]);
    await clock.advance(1);
    expect(work.calls).toEqual([1, 2]);
    await clock.advance(100);
    expect(await result).toBe('done');
    expect(activated).toMatchObject([{ policy: 'retry', target: 'app_web' }, { policy: 'retry' }]);
  });

  it('gives the last error when no attempt is left', async () => {
    const { resiliency, clock } = bench({
      retries: { r: constant(2) },
      apps: { web: { retry: 'r' } },
    });
    const work = flaky(9);
    const result = failureOf(resiliency.app('web', '/').run(work.run));
    await clock.advance(1000);
    expect(await result).toMatchObject({ message: 'failure 3' });
    expect(work.calls).toHaveLength(3);
  });

  it.each([
    [503, 3],
    [404, 1],
    [14, 3],
    [5, 1],
  ])(
    'counts status %i as %i attempts when it matches 500-599 and gRPC 14',
    async (code, attempts) => {
      const { resiliency, clock } = bench({
        retries: { r: constant(2, { httpStatusCodes: [[500, 599]], grpcStatusCodes: [[14, 14]] }) },
        apps: { web: { retry: 'r' } },
      });
      let made = 0;
      const result = resiliency
        .app('web', '/')
        .run(async () => ({ code, attempt: ++made }), { failureOf: (value) => value.code });
      await clock.advance(1000);
      expect(await result).toEqual({ code, attempt: attempts });
    },
  );

  it('does not repeat what the caller calls final, nor for a caller that left', async () => {
    const { resiliency, clock } = bench({
      retries: { r: constant(5) },
      apps: { web: { retry: 'r' } },
    });
    const work = flaky(9);
    const options = { isFinal: () => true };
    await expect(resiliency.app('web', '/').run(work.run, options)).rejects.toThrow('failure 1');
    const caller = new AbortController();
    const result = failureOf(resiliency.app('web', '/').run(work.run, { signal: caller.signal }));
    await clock.advance(50);
    caller.abort(new Error('left'));
    expect(await result).toMatchObject({ message: 'left' });
    await clock.advance(1000);
    expect(work.calls).toHaveLength(2);
  });

  it('of the exponential kind grows by half up to its longest pause, and ends after 15 minutes', () => {
    const pauses = pausesOf(
      { policy: 'exponential', durationMs: 0, maxIntervalMs: 1000, maxRetries: -1 },
      () => 0.5,
    );
    expect([1, 2, 3, 4].map(() => pauses.next(0))).toEqual([500, 750, 1000, 1000]);
    expect(pauses.next(899_500)).toBeUndefined();
  });
});

describe('a timeout', () => {
  it('ends an attempt that takes too long, tells it so, and discards its late value', async () => {
    const { resiliency, clock, activated } = bench({
      timeouts: { fast: 50 },
      apps: { web: { timeout: 'fast' } },
    });
    const late = Promise.withResolvers<string>();
    const discarded: string[] = [];
    let told: unknown;
    const result = resiliency.app('web', '/').run(
      ({ signal }) => {
        signal!.addEventListener('abort', () => (told = signal!.reason));
        return late.promise;
      },
      { discard: (value) => discarded.push(value) },
    );
    const outcome = failureOf(result);
    await clock.advance(50);
    expect(await outcome).toMatchObject({ code: 'TIMEOUT' });
    expect(told).toBeInstanceOf(TroupeError);
    late.resolve('late');
    await clock.advance(0);
    expect(discarded).toEqual(['late']);
    expect(activated).toMatchObject([{ policy: 'timeout' }]);
  });

  it('is of each attempt, not of all', async () => {
    const { resiliency, clock } = bench({
      timeouts: { fast: 50 },
      retries: { r: constant(1) },
      apps: { web: { timeout: 'fast', retry: 'r' } },
    });
    let attempts = 0;
    const result = resiliency
      .app('web', '/')
      .run(() => (++attempts === 1 ? never() : Promise.resolve('second')));
    await clock.advance(200);
    expect(await result).toBe('second');
  });
});

describe('a circuit breaker', () => {
  const document = {
    circuitBreakers: { cb: tripAt(2) },
    apps: { web: { circuitBreaker: 'cb' } },
  };

  it('opens after the failures of its trip, and lets one through when its time is over', async () => {
    const { resiliency, clock, activated } = bench(document);
    const work = flaky(2);
    const call = () => resiliency.app('web', '/').run(work.run);
    await expect(call()).rejects.toThrow('failure 1');
    await expect(call()).rejects.toThrow('failure 2');
    await expect(call()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'circuit breaker is open',
    });
    expect(work.calls).toHaveLength(2);
    await clock.advance(1000);
    expect(await call()).toBe('done');
    expect(await call()).toBe('done');
    expect(activated.map(({ status }) => status)).toEqual(['open', 'closed']);
  });

  it('half-open lets no more through than it may, and opens again on a failure', async () => {
    const { resiliency, clock } = bench(document);
    const call = (work: () => Promise<string>) => resiliency.app('web', '/').run(work);
    const fail = async () => Promise.reject(new Error('no'));
    await expect(call(fail)).rejects.toThrow('no');
    await expect(call(fail)).rejects.toThrow('no');
    await clock.advance(1000);
    const probe = Promise.withResolvers<string>();
    const first = call(() => probe.promise);
    await expect(call(fail)).rejects.toThrow('too many requests');
    probe.reject(new Error('still broken'));
    await expect(first).rejects.toThrow('still broken');
    await expect(call(fail)).rejects.toThrow('circuit breaker is open');
  });

  it('is one for each endpoint of an app', async () => {
    const { resiliency } = bench(document);
    for (const _ of [1, 2])
      await resiliency
        .app('web', '/a')
        .run(flaky(9).run)
        .catch(() => {});
    expect(resiliency.app('web', '/a').breaker!.state).toBe('open');
    expect(resiliency.app('web', '/b').breaker!.state).toBe('closed');
  });

  it('counts anew with each interval', async () => {
    const { resiliency, clock } = bench({
      ...document,
      circuitBreakers: { cb: tripAt(2, { intervalMs: 500 }) },
    });
    const fail = () =>
      resiliency
        .app('web', '/')
        .run(flaky(9).run)
        .catch(() => {});
    await fail();
    await clock.advance(500);
    await fail();
    expect(resiliency.app('web', '/').breaker!.state).toBe('closed');
  });

  it('ends the retries when it opens', async () => {
    const { resiliency, clock } = bench({
      ...document,
      retries: { r: constant(10) },
      apps: { web: { circuitBreaker: 'cb', retry: 'r' } },
    });
    const work = flaky(99);
    const result = failureOf(resiliency.app('web', '/').run(work.run));
    await clock.advance(1000);
    expect(await result).toMatchObject({ message: 'circuit breaker is open' });
    expect(work.calls).toHaveLength(2);
  });

  it('of an actor type is shared or of each id, by its scope', () => {
    const { resiliency } = bench({
      circuitBreakers: { cb: tripAt(2) },
      actors: {
        Shared: { circuitBreaker: 'cb', circuitBreakerScope: 'type' },
        Own: { circuitBreaker: 'cb', circuitBreakerScope: 'id' },
      },
    });
    const breaker = (type: string, id: string) => resiliency.actor(type, id)!.breaker;
    expect(breaker('Shared', '1')).toBe(breaker('Shared', '2'));
    expect(breaker('Own', '1')).not.toBe(breaker('Own', '2'));
  });

  it('stays when the documents are replaced and its policy is the same', async () => {
    const { resiliency } = bench(document);
    const before = resiliency.app('web', '/').breaker;
    const other = { name: 'r', timeouts: {}, retries: {}, actors: {}, components: {} };
    resiliency.replace([{ ...other, ...document }]);
    expect(resiliency.app('web', '/').breaker).toBe(before);
    resiliency.replace([{ ...other, ...document, circuitBreakers: { cb: tripAt(3) } }]);
    expect(resiliency.app('web', '/').breaker).not.toBe(before);
  });
});

describe('policies by default', () => {
  const { resiliency } = bench({
    timeouts: { DefaultTimeoutPolicy: 1, DefaultAppTimeoutPolicy: 2, mine: 3 },
    retries: {
      DefaultStatestoreComponentOutboundRetryPolicy: constant(7),
      DefaultComponentInboundRetryPolicy: constant(8),
    },
    apps: { named: { timeout: 'mine' }, bare: {} },
    components: { mine: { inbound: { timeout: 'mine' } } },
  });

  it('go from the nearest name to the widest', () => {
    expect(resiliency.app('any', '/').timeoutMs).toBe(2);
    expect(resiliency.turn('Cart', '1')?.timeoutMs).toBe(1);
    expect(resiliency.outbound('store', 'Statestore').retry?.maxRetries).toBe(7);
    expect(resiliency.inbound('broker', 'Pubsub').retry?.maxRetries).toBe(8);
  });

  it('do not count for a target that a document names', () => {
    expect(resiliency.app('named', '/').timeoutMs).toBe(3);
    expect(resiliency.app('bare', '/').timeoutMs).toBeUndefined();
    expect(resiliency.outbound('mine', 'Statestore').retry).toBeUndefined();
  });
});

describe('built-in retries', () => {
  it('can be replaced, but not below three retries; one cannot', () => {
    const { resiliency } = bench({
      retries: {
        DaprBuiltInServiceRetries: constant(1),
        DaprBuiltInActorRetries: constant(9),
        DaprBuiltInActorNotFoundRetries: constant(20),
      },
    });
    expect(resiliency.builtIn('DaprBuiltInServiceRetries').retry).toMatchObject({ maxRetries: 3 });
    expect(resiliency.builtIn('DaprBuiltInActorRetries').retry).toMatchObject({ maxRetries: 9 });
    expect(resiliency.builtIn('DaprBuiltInActorNotFoundRetries').retry).toMatchObject({
      maxRetries: 5,
    });
  });
});
