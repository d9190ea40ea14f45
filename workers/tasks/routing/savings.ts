/**
 * Clarke and Wright's savings: one route a customer, then the two ends whose
 * joining saves most are joined, as long as the rules allow. Gives the search
 * its first routes. Customers that more routes than vehicles would need are
 * left out, the shortest routes first.
 */
import type { Instance } from './instance.ts';
import { createOrder } from './order.ts';
import { type StartRoute, Tours } from './tours.ts';

const WIDTH = 100;

/** Fleet of the depot nearest to each customer that could serve it alone; -1 for none. */
export function nearestFleets(instance: Instance): Int32Array {
  const { size, depots, distance, demand, fleets } = instance;
  const chosen = new Int32Array(size).fill(-1);
  const away = (node: number, depot: number) =>
    distance[depot * size + node]! + distance[node * size + depot]!;
  for (let node = depots; node < size; node++) {
    fleets.forEach(({ depot, capacity }, index) => {
      if (demand[node]! > capacity) return;
      const before = chosen[node]!;
      if (before === -1 || away(node, depot) < away(node, fleets[before]!.depot)) {
        chosen[node] = index;
      }
    });
  }
  return chosen;
}

interface Saving {
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

function findSavings(instance: Instance, fleetOf: Int32Array): Saving[] {
  const { size, depots, distance, fleets } = instance;
  const savings: Saving[] = [];
  const apart = new Float64Array(size);
  const order = createOrder(size);
  for (let from = depots; from < size; from++) {
    const fleet = fleets[fleetOf[from]!];
    if (!fleet) continue;
    for (let to = depots; to < size; to++) {
      const other = to === from || fleetOf[to] !== fleetOf[from];
      apart[to] = other ? Infinity : distance[from * size + to]!;
    }
    for (const to of order(apart, depots).subarray(0, WIDTH)) {
      if (apart[to] === Infinity) break;
      const way = distance[from * size + fleet.depot]! + distance[fleet.depot * size + to]!;
      const value = way - apart[to]!;
      if (value > 0) savings.push({ from, to, value });
    }
  }
  return savings.toSorted((a, b) => b.value - a.value);
}

/** Whether one vehicle of the fleet can serve these stops in this order. */
export function fits(instance: Instance, fleetIndex: number, stops: readonly number[]): boolean {
  const { size, distance, demand, service, open, close, fleets } = instance;
  const fleet = fleets[fleetIndex]!;
  let load = 0;
  let time = fleet.open;
  let duration = 0;
  let late = fleet.close;
  let at = fleet.depot;
  for (const stop of stops) {
    load += demand[stop]!;
    const step = (at < instance.depots ? 0 : service[at]!) + distance[at * size + stop]!;
    time = Math.max(open[stop]!, time + step);
    if (time > close[stop]!) return false;
    duration += step;
    const wait = Math.max(0, open[stop]! - late - duration);
    late = Math.min(late, close[stop]! - duration);
    duration += wait;
    at = stop;
  }
  const home = service[at]! + distance[at * size + fleet.depot]!;
  return load <= fleet.capacity && time + home <= fleet.close && duration + home <= fleet.maxTime;
}

/** Routes by savings, the longest first, as if there were vehicles enough. */
export function savingsRoutes(instance: Instance): StartRoute[] {
  const { size, depots, symmetric, timed } = instance;
  const fleetOf = nearestFleets(instance);
  const routeOf: (number[] | undefined)[] = Array.from({ length: size });
  for (let node = depots; node < size; node++) {
    if (fleetOf[node] !== -1 && fits(instance, fleetOf[node]!, [node])) routeOf[node] = [node];
  }
  for (const { from, to } of findSavings(instance, fleetOf)) {
    const head = routeOf[from];
    const tail = routeOf[to];
    if (!head || !tail || head === tail) continue;
    const turns = symmetric && !timed;
    if (head.at(-1) !== from && !(turns && head[0] === from)) continue;
    if (tail[0] !== to && !(turns && tail.at(-1) === to)) continue;
    const joined = [
      ...(head.at(-1) === from ? head : head.toReversed()),
      ...(tail[0] === to ? tail : tail.toReversed()),
    ];
    if (!fits(instance, fleetOf[from]!, joined)) continue;
    for (const stop of joined) routeOf[stop] = joined;
  }
  return [...new Set(routeOf)]
    .filter((stops) => stops !== undefined)
    .toSorted((a, b) => b.length - a.length)
    .map((stops) => ({ fleet: fleetOf[stops[0]!]!, stops, frozen: 0 }));
}

/** Routes by savings, as many as there are vehicles. */
function savings(instance: Instance): StartRoute[] {
  const used = instance.fleets.map(() => 0);
  return savingsRoutes(instance).filter(
    ({ fleet }) => ++used[fleet]! <= instance.fleets[fleet]!.vehicles,
  );
}

/** Tours to start from: the given routes, or those by savings. */
export function startTours(instance: Instance, given: readonly StartRoute[] = []): Tours {
  return new Tours(instance, given.length > 0 ? given : savings(instance));
}
