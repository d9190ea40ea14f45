/** Calls queue for threads, finish early, are cancelled, and never block the main thread. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { planRoutes } from './planning.ts';
import { createPool } from './pool.ts';
import type { PlanProgress } from './protocol.ts';

const text = JSON.stringify({
  name: 'grid',
  depots: [{ id: 'd', x: 50, y: 50 }],
  fleets: [{ name: 'vans', capacity: 12 }],
  customers: Array.from({ length: 120 }, (_, index) => ({
    id: index + 1,
    x: (index * 37) % 101,
    y: (index * 61) % 97,
    demand: 1 + (index % 3),
  })),
});
const brief = { name: 'grid.json', text, iterations: 800 };
const endless = { name: 'grid.json', text, seconds: 600 };

describe('a pool of workers', () => {
  it('runs more calls than it has threads, each with its own answer', async () => {
    await using pool = createPool({ workers: 2 });
    const plans = await Promise.all(
      [1, 2, 3, 1].map((seed) => pool.run('plan', { ...brief, seed })),
    );
    expect(plans.every(({ feasible }) => feasible)).toBe(true);
    expect(plans[3]!.routes).toEqual(plans[0]!.routes);
    expect(plans[1]!.routes).not.toEqual(plans[0]!.routes);
  });

  it('gives a call up at once when its signal aborts, and its thread takes the next one', async () => {
    await using pool = createPool({ workers: 1 });
    const abort = new AbortController();
    const call = pool.run('plan', endless, {
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await pool.run('plan', brief)).toMatchObject({ feasible: true });
  });

  it('drops a call that is cancelled while it waits', async () => {
    await using pool = createPool({ workers: 1 });
    const abort = new AbortController();
    const finish = new AbortController();
    const running = pool.run('plan', endless, { finish: finish.signal });
    const waiting = pool.run('plan', endless, { signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    finish.abort();
    expect(await running).toMatchObject({ feasible: true });
  });

  it('refuses what its queue has no room for', async () => {
    await using pool = createPool({ workers: 1, queue: 1 });
    const calls = [pool.run('plan', brief), pool.run('plan', brief)];
    await expect(pool.run('plan', brief)).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(await Promise.all(calls)).toHaveLength(2);
  });

  it('passes the error of a task on with its code', async () => {
    await using pool = createPool({ workers: 1 });
    await expect(pool.run('plan', { ...brief, text: '{' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('grid.json:1: is not JSON'),
    });
  });

  it('rejects what is not done when it closes, and everything after', async () => {
    const pool = createPool({ workers: 1 });
    const calls = [pool.run('plan', endless), pool.run('plan', endless)];
    const outcomes = Promise.allSettled(calls);
    await pool.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } });
    }
    await expect(pool.run('plan', brief)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await pool.close();
  });

  it('is refused without a worker', () => {
    expect(() => createPool({ workers: 0 })).toThrow('a pool has 0 workers');
  });

  it('lets the main thread turn while a plan is searched', async () => {
    await using pool = createPool({ workers: 1 });
    const finish = new AbortController();
    let reports = 0;
    const call = pool.run('plan', endless, {
      finish: finish.signal,
      onProgress: () => ++reports === 3 && finish.abort(),
    });
    using delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    while (!finish.signal.aborted) await setImmediate();
    // A search on this thread would block it from one report to the next.
    expect(delay.percentile(50) / 1e6).toBeLessThan(100);
    expect(await call).toMatchObject({ feasible: true });
  });
});

describe('planning with several workers', () => {
  it('finds no worse a plan than each would alone, and counts the iterations of all', async () => {
    await using pool = createPool({ workers: 2 });
    const alone = await Promise.all([1, 2].map((seed) => pool.run('plan', { ...brief, seed })));
    const both = await planRoutes(pool, brief, { workers: 2 });
    expect(both.cost).toBeLessThanOrEqual(Math.min(...alone.map(({ cost }) => cost)));
    expect(both.iterations).toBe(1600);
  });

  it('reports the best of all', async () => {
    await using pool = createPool({ workers: 2 });
    const finish = new AbortController();
    const reports: PlanProgress[] = [];
    await planRoutes(pool, endless, {
      workers: 2,
      finish: finish.signal,
      onProgress: (progress) => {
        reports.push(progress);
        if (reports.length === 4) finish.abort();
      },
    });
    expect(reports.length).toBeGreaterThanOrEqual(4);
    expect(reports.at(-1)!.cost).toBeLessThanOrEqual(reports[0]!.cost * 1.02);
  });
});
