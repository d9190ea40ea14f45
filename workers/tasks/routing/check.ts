/**
 * Verifies a plan from the instance alone: every customer once, loads, hours,
 * windows, route time, vehicles, frozen stops and the cost. Shares nothing with
 * the solver but the instance, so that an error of one is not an error of both.
 */
import type { PlanRoute, StopId } from '../../protocol.ts';
import type { Fleet, Instance } from './instance.ts';

/** Absorbs the rounding of sums of double-precision distances. */
const SLACK = 1e-6;

export interface Verdict {
  readonly feasible: boolean;
  /** In the unit of the file. */
  readonly cost: number;
  /** One sentence a breach. */
  readonly problems: readonly string[];
}

/** Shortest time from leaving to being back, when every wait that can be spared is. */
function routeTime(instance: Instance, fleet: Fleet, path: readonly number[], departed?: number) {
  const { size, distance, service, open, close } = instance;
  const walk = (start: number): { end: number; late: number | undefined } => {
    let time = start;
    let at = fleet.depot;
    for (const node of path) {
      time += distance[at * size + node]!;
      if (time > close[node]! + SLACK) return { end: time, late: node };
      time = Math.max(time, open[node]!) + service[node]!;
      at = node;
    }
    time += distance[at * size + fleet.depot]!;
    return { end: time, late: time > fleet.close + SLACK ? fleet.depot : undefined };
  };
  const start = departed ?? fleet.open;
  const first = walk(start);
  if (departed !== undefined || first.late !== undefined) return { ...first, start };
  // The latest start that ends no later than the earliest one spares the most waiting.
  let slack = Infinity;
  let time = start;
  let waited = 0;
  let at = fleet.depot;
  for (const node of path) {
    time += distance[at * size + node]!;
    waited += Math.max(0, open[node]! - time);
    time = Math.max(time, open[node]!);
    slack = Math.min(slack, waited + close[node]! - time);
    time += service[node]!;
    at = node;
  }
  const later = start + Math.max(0, Math.min(slack, waited));
  return { ...walk(later), start: later };
}

export function checkPlan(
  instance: Instance,
  routes: readonly PlanRoute[],
  frozen: readonly PlanRoute[] = [],
): Verdict {
  const { ids, depots, size, distance, demand, scale, fleets } = instance;
  const problems: string[] = [];
  const nodeOf = new Map<StopId, number>();
  for (let node = depots; node < size; node++) nodeOf.set(ids[node]!, node);
  const servedBy = new Map<number, number>();
  const used = new Map<Fleet, number>();
  let cost = 0;

  routes.forEach((route, index) => {
    const label = `route ${index + 1}`;
    const fleet = fleets.find(({ name }) => name === route.fleet);
    if (!fleet) {
      problems.push(`${label} is of the unknown fleet ${route.fleet}`);
      return;
    }
    const path: number[] = [];
    for (const stop of route.stops) {
      const node = nodeOf.get(stop);
      if (node === undefined) {
        problems.push(`${label} stops at ${stop}, which is no customer`);
        continue;
      }
      const other = servedBy.get(node);
      if (other !== undefined) {
        problems.push(`customer ${stop} is served by route ${other + 1} and by ${label}`);
      }
      servedBy.set(node, index);
      path.push(node);
    }
    if (path.length === 0) return;
    used.set(fleet, (used.get(fleet) ?? 0) + 1);
    const load = path.reduce((sum, node) => sum + demand[node]!, 0);
    if (load > fleet.capacity + SLACK) {
      problems.push(`${label} carries ${load}, and its vehicle takes ${fleet.capacity}`);
    }
    const whole = [fleet.depot, ...path, fleet.depot];
    for (let i = 1; i < whole.length; i++) cost += distance[whole[i - 1]! * size + whole[i]!]!;
    const departed = route.departed === undefined ? undefined : route.departed * scale;
    const { start, end, late } = routeTime(instance, fleet, path, departed);
    if (late !== undefined) {
      const what = late === fleet.depot ? 'is back at its depot' : `reaches customer ${ids[late]}`;
      problems.push(`${label} ${what} too late`);
    } else if (end - start > fleet.maxTime + SLACK) {
      const [takes, most] = [(end - start) / scale, fleet.maxTime / scale];
      problems.push(`${label} takes ${takes}, and ${most} is the most`);
    }
  });
  for (let node = depots; node < size; node++) {
    if (!servedBy.has(node)) problems.push(`customer ${ids[node]} is not served`);
  }
  for (const [{ name, vehicles }, count] of used) {
    if (count > vehicles) problems.push(`fleet ${name} uses ${count} of ${vehicles} vehicles`);
  }
  for (const { fleet, stops, frozen: count = 0 } of frozen) {
    const prefix = stops.slice(0, count);
    if (prefix.length === 0) continue;
    const kept = routes.some(
      (route) => route.fleet === fleet && prefix.every((stop, i) => route.stops[i] === stop),
    );
    if (!kept) problems.push(`the stops ${prefix.join(', ')} were frozen and have changed`);
  }
  return { feasible: problems.length === 0, cost: cost / scale, problems };
}
