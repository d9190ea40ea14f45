/** The checker refuses every way in which a plan can be wrong. */
import { describe, expect, it } from 'vitest';
import type { PlanRoute } from '../../protocol.ts';
import { checkPlan } from './check.ts';
import { buildInstance } from './instance.ts';

const fleet = { depot: 0, capacity: 10, maxTime: Infinity, open: 0, close: 100 };
const instance = buildInstance({
  name: 'line',
  rounding: 'none',
  depots: [{ id: 'd', x: 0, y: 0 }],
  customers: [
    { id: 1, x: 10, y: 0, demand: 4, open: 20, close: 30, service: 5 },
    { id: 2, x: 20, y: 0, demand: 4, open: 0, close: 60, service: 5 },
    { id: 3, x: -10, y: 0, demand: 6, open: 0, close: 100, service: 5 },
  ],
  fleets: [
    { ...fleet, name: 'a', vehicles: 2 },
    { ...fleet, name: 'short', vehicles: 1, maxTime: 49 },
    { ...fleet, name: 'brief', vehicles: 1, maxTime: 30 },
  ],
});
const a = (...stops: number[]): PlanRoute => ({ fleet: 'a', stops });
const short = (...stops: number[]): PlanRoute => ({ fleet: 'short', stops });

describe('checkPlan', () => {
  it('accepts a plan that keeps every rule, and adds up its distance', () => {
    expect(checkPlan(instance, [a(1, 2), a(3)])).toEqual({
      feasible: true,
      cost: 60,
      problems: [],
    });
  });

  it.each<[string, PlanRoute[], string]>([
    ['a customer left out', [a(1, 2)], 'customer 3 is not served'],
    ['a customer twice', [a(1, 2), a(3, 2)], 'customer 2 is served by route 1 and by route 2'],
    ['a customer twice in a route', [a(1, 2, 2), a(3)], 'customer 2 is served by route 1'],
    ['a stop that is no customer', [a(1, 2), a(3, 9)], 'route 2 stops at 9, which is no customer'],
    ['too much load', [a(1, 2, 3)], 'route 1 carries 14, and its vehicle takes 10'],
    ['a closed window', [a(2, 1), a(3)], 'route 1 reaches customer 1 too late'],
    ['too many vehicles', [a(1), a(2), a(3)], 'fleet a uses 3 of 2 vehicles'],
    ['a route that takes too long', [short(1, 2), a(3)], 'route 1 takes 50, and 49 is the most'],
    [
      'an unknown fleet',
      [{ fleet: 'x', stops: [1, 2] }, a(3)],
      'route 1 is of the unknown fleet x',
    ],
    [
      'a vehicle that left too late',
      [{ ...a(1, 2), departed: 40 }, a(3)],
      'route 1 reaches customer 1 too late',
    ],
    [
      'a depot that has closed',
      [a(1, 2), { ...a(3), departed: 90 }],
      'route 2 is back at its depot too late',
    ],
  ])('refuses %s', (_what, routes, problem) => {
    const verdict = checkPlan(instance, routes);
    expect(verdict.feasible).toBe(false);
    expect(verdict.problems.join('\n')).toContain(problem);
  });

  it('spares the wait at the first stop from the route time by leaving later', () => {
    const brief = { fleet: 'brief', stops: [1] };
    expect(checkPlan(instance, [brief, a(2), a(3)]).problems).toEqual([]);
    expect(checkPlan(instance, [{ ...brief, departed: 0 }, a(2), a(3)]).problems).toEqual([
      'route 1 takes 35, and 30 is the most',
    ]);
  });

  it('refuses a plan that changes frozen stops', () => {
    const before = [{ ...a(1, 2), frozen: 2 }];
    expect(checkPlan(instance, [a(1, 2), a(3)], before).feasible).toBe(true);
    expect(checkPlan(instance, [a(1), a(2), short(3)], before).problems).toEqual([
      'the stops 1, 2 were frozen and have changed',
    ]);
  });
});
