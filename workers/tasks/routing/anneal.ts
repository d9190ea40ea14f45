/**
 * The search: ruin and recreate under simulated annealing, with the best routes
 * so far kept aside. While customers are left out because vehicles are short,
 * those left out most often count most, which empties the list step by step.
 */
import { adopt, measure, readRoutes } from './links.ts';
import { findNeighbours } from './neighbours.ts';
import { createRecreate } from './recreate.ts';
import { createRuin } from './ruin.ts';
import type { Random } from './random.ts';
import type { StartRoute, Tours } from './tours.ts';

export interface SearchOptions {
  readonly reach: number;
  readonly mean: number;
  readonly longest: number;
  /** First and last temperature, in mean distances between two stops. */
  readonly hot: number;
  readonly cold: number;
  /** First temperature where a whole plan is gone on from. */
  readonly again: number;
}

export const SEARCH: SearchOptions = {
  reach: 40,
  mean: 10,
  longest: 10,
  hot: 2,
  cold: 0.01,
  again: 0.3,
};

export interface Best {
  /** Scaled. */
  readonly cost: number;
  readonly absent: number;
  readonly routes: number;
}

export interface Search {
  readonly best: Best;
  iterations: number;
  /** Does so many iterations at that part of the whole search, from 0 to 1. */
  run(iterations: number, part: number): void;
  routes(): StartRoute[];
  absent(): number[];
  /** Copies the links of the routes now and of the best ones. */
  read(now: Int32Array, best: Int32Array): void;
  /** Goes on from other routes with another best. */
  adopt(now: Int32Array, best: Int32Array): void;
}

export function createSearch(tours: Tours, random: Random, options = SEARCH): Search {
  const { instance } = tours;
  const neighbours = findNeighbours(instance, options.reach);
  const ruin = createRuin(tours, neighbours, random, options);
  const recreate = createRecreate(tours, neighbours, random);
  const { size } = tours;
  const best = { cost: Infinity, absent: Infinity, routes: 0 };
  const bestNext = new Int32Array(tours.next.length);
  const misses = new Float64Array(size).fill(1);
  const before = new Int32Array(size);

  const keep = (): void => {
    best.cost = tours.cost;
    best.absent = tours.absentCount;
    best.routes = tours.usedCount;
    bestNext.set(tours.next);
  };
  const isBetter = (): boolean =>
    tours.absentCount < best.absent ||
    (tours.absentCount === best.absent && tours.cost < best.cost - 1e-7);

  recreate();
  tours.commit();
  keep();
  const stops = Math.max(1, size - instance.depots + tours.usedCount);
  const unit = Math.max(tours.cost / stops, 1e-9);
  const hot = unit * options.hot;
  const falling = Math.log(options.cold / options.hot);

  /** Weight of the customers left out now, less that of those left out before. */
  const missing = (left: number): number => {
    let sum = 0;
    for (let i = 0; i < tours.absentCount; i++) sum += misses[tours.absent[i]!]!;
    for (let i = 0; i < left; i++) sum -= misses[before[i]!]!;
    return sum;
  };

  const search: Search = {
    best,
    iterations: 0,
    run(iterations, part) {
      const temperature = hot * Math.exp(falling * part);
      for (let i = 0; i < iterations; i++) {
        const cost = tours.cost;
        const left = tours.absentCount;
        for (let j = 0; j < left; j++) before[j] = tours.absent[j]!;
        ruin();
        recreate();
        const more = left + tours.absentCount === 0 ? 0 : missing(left);
        for (let j = 0; j < tours.absentCount; j++) misses[tours.absent[j]!]! += 1;
        const allowed = cost - temperature * Math.log(1 - random.unit());
        if (more < 0 || (more === 0 && tours.cost < allowed)) {
          tours.commit();
          if (isBetter()) keep();
        } else tours.undo();
      }
      search.iterations += iterations;
    },
    routes: () => readRoutes(tours, bestNext),
    absent() {
      const served = new Set(readRoutes(tours, bestNext).flatMap(({ stops }) => stops));
      const customers = Array.from(
        { length: size - instance.depots },
        (_, at) => instance.depots + at,
      );
      return customers.filter((node) => !served.has(node));
    },
    read(now, other) {
      now.set(tours.next);
      other.set(bestNext);
    },
    adopt(now, other) {
      adopt(tours, now);
      Object.assign(best, measure(tours, other));
      bestNext.set(other);
    },
  };
  return search;
}
