/** Small random instances as JSON text, and the best plan by trying all. */
import fc from 'fast-check';
import { checkPlan } from './check.ts';
import type { Instance } from './instance.ts';

export interface Shape {
  readonly customers: number;
  readonly windows: boolean;
  readonly limited: boolean;
  readonly depots: number;
}

const coordinate = fc.integer({ min: 0, max: 40 });

/** Every customer can be served alone, and there are vehicles for all, unless `vehicles` is given. */
export function instances(
  { customers, windows, limited, depots }: Shape,
  vehicles?: number,
): fc.Arbitrary<string> {
  const site = fc.record({ x: coordinate, y: coordinate });
  const customer = fc.record({
    x: coordinate,
    y: coordinate,
    demand: fc.integer({ min: 0, max: 6 }),
    ...(windows
      ? {
          service: fc.integer({ min: 0, max: 9 }),
          from: fc.integer({ min: 0, max: 100 }),
          width: fc.integer({ min: 0, max: 60 }),
        }
      : {}),
  });
  return fc
    .record({
      depots: fc.array(site, { minLength: depots, maxLength: depots }),
      customers: fc.array(customer, { minLength: 1, maxLength: customers }),
      capacity: fc.integer({ min: 6, max: 18 }),
    })
    .map((given) => {
      const text = {
        rounding: 'none',
        depots: given.depots.map((depot, index) => ({ id: `d${index}`, ...depot })),
        fleets: given.depots.map((_, index) => ({
          name: `f${index}`,
          depot: `d${index}`,
          capacity: given.capacity + index,
          ...(limited ? { maxTime: 140 + index } : {}),
          ...(windows ? { close: 300 } : {}),
          ...(vehicles === undefined ? {} : { vehicles }),
        })),
        customers: given.customers.map(({ x, y, demand, ...times }, index) => {
          const { service, from, width } = times as Record<string, number>;
          const timed =
            from === undefined ? {} : { service, open: from, close: Math.max(60, from + width!) };
          return { id: index + 1, x, y, demand, ...timed };
        }),
      };
      return JSON.stringify(text);
    });
}

/** Least cost of a plan that the checker accepts; `undefined` where there is none. */
export function exhaustiveCost(instance: Instance): number | undefined {
  const { ids, depots, size, fleets } = instance;
  const customers = ids.slice(depots);
  const whole = (1 << customers.length) - 1;
  /** Cheapest single route of each set of customers. */
  const single = new Map<number, number>();
  const visit = (fleet: string, stops: (number | string)[], set: number): void => {
    const { cost, problems } = checkPlan(instance, [{ fleet, stops }]);
    if (!problems.every((problem) => problem.endsWith('is not served'))) return;
    if (set !== 0) single.set(set, Math.min(single.get(set) ?? Infinity, cost));
    customers.forEach((customer, at) => {
      if ((set & (1 << at)) === 0) visit(fleet, [...stops, customer], set | (1 << at));
    });
  };
  for (const { name } of fleets) visit(name, [], 0);
  if (size === depots) return 0;
  const best = new Float64Array(whole + 1).fill(Infinity);
  best[0] = 0;
  for (let set = 1; set <= whole; set++) {
    const lowest = set & -set;
    for (let part = set; part > 0; part = (part - 1) & set) {
      const cost = (part & lowest) === 0 ? undefined : single.get(part);
      if (cost !== undefined) best[set] = Math.min(best[set]!, cost + best[set ^ part]!);
    }
  }
  return best[whole] === Infinity ? undefined : best[whole];
}
