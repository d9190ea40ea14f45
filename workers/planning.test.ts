/** Several searches that work on one plan. */
import { describe, expect, it } from 'vitest';
import { planRoutes } from './planning.ts';
import { createPool } from './pool.ts';
import type { PlanProgress, PlanRoute } from './protocol.ts';

/** Customers on a spiral around two depots, with windows. */
function spiral(count: number): string {
  return JSON.stringify({
    name: 'spiral',
    depots: [
      { id: 'west', x: -40, y: 0 },
      { id: 'east', x: 40, y: 0 },
    ],
    fleets: [
      { name: 'w', depot: 'west', capacity: 6, vehicles: 40 },
      { name: 'e', depot: 'east', capacity: 6, vehicles: 40 },
    ],
    customers: Array.from({ length: count }, (_, at) => ({
      id: at + 1,
      x: Math.round((20 + at / 2) * Math.cos(at * 2.4)),
      y: Math.round((20 + at / 2) * Math.sin(at * 2.4)),
      demand: 1,
      service: 1,
      open: (at % 5) * 40,
      close: (at % 5) * 40 + 400,
    })),
  });
}

const input = { name: 'spiral.json', text: spiral(160), iterations: 4000, seed: 3 };

describe('planning with two workers', () => {
  it('gives a plan that is whole, the same for the same seed, and better than one of its searches', async () => {
    await using pool = createPool({ workers: 2 });
    const seen: PlanProgress[] = [];
    const alone = await planRoutes(pool, { ...input, iterations: 2000 });
    const first = await planRoutes(pool, input, {
      workers: 2,
      onProgress: (progress) => seen.push(progress),
    });
    const second = await planRoutes(pool, input, { workers: 2 });
    expect(first).toMatchObject({ feasible: true, problems: [], iterations: 8000 });
    expect(second.routes).toEqual(first.routes);
    expect(first.cost).toBeLessThan(alone.cost);
    const costs = seen.map(({ cost }) => cost);
    expect(costs).toEqual(costs.toSorted((a, b) => b - a));
  });

  it('leaves frozen stops as they are', async () => {
    await using pool = createPool({ workers: 2 });
    const start: PlanRoute[] = Array.from({ length: 10 }, (_, at) => ({
      fleet: at % 2 === 0 ? 'w' : 'e',
      stops: [at * 5 + 1, at * 5 + 6],
      frozen: 1,
    })).map((route, at) => ({ ...route, stops: [route.stops[0]!, 100 + at] }));
    const { routes, feasible } = await planRoutes(pool, { ...input, start }, { workers: 2 });
    expect(feasible).toBe(true);
    for (const { fleet, stops } of start) {
      expect(routes.some((one) => one.fleet === fleet && one.stops[0] === stops[0])).toBe(true);
    }
  });

  it('does without sharing in a pool of one thread', async () => {
    await using pool = createPool({ workers: 1 });
    const small = { ...input, iterations: 200 };
    const { feasible, iterations } = await planRoutes(pool, small, { workers: 2 });
    expect({ feasible, iterations }).toEqual({ feasible: true, iterations: 400 });
  });

  it('ends with what all have found when its caller wants the answer', async () => {
    await using pool = createPool({ workers: 2 });
    const finish = new AbortController();
    const { iterations: _, ...rest } = input;
    const plan = await planRoutes(
      pool,
      { ...rest, seconds: 60 },
      { workers: 2, finish: finish.signal, onProgress: () => finish.abort() },
    );
    expect(plan.feasible).toBe(true);
    expect(plan.seconds).toBeLessThan(20);
  });
});
