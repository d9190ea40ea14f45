/**
 * What a planner answered, made into tours: its routes get vehicles, and nothing
 * of it is taken that breaks a rule of the depot. Pure.
 */
import type { PlanRoute } from '../../workers/protocol.ts';
import type { Stop, Tour } from './book.ts';
import { driveOf, faultOf } from './drive.ts';
import type { DepotBook } from './problem.ts';
import type { Site } from './site.ts';

export type Answer =
  | { readonly tours: Tour[]; readonly fault?: undefined }
  /** One sentence: the answer cannot be used. */
  | { readonly fault: string; readonly tours?: undefined };

/** Orders cancelled since the search began drop out; an empty route needs no vehicle. */
function wanted(routes: readonly PlanRoute[], known: ReadonlyMap<string, Stop>) {
  return routes
    .map(({ fleet, stops }) => ({
      fleet,
      stops: stops.map(String).filter((orderId) => known.get(orderId)?.cancelled !== true),
    }))
    .filter(({ stops }) => stops.length > 0);
}

type Wanted = ReturnType<typeof wanted>;

/** Whoever has the most of a route's orders now takes it; the others get the lowest free numbers. */
function vehiclesFor(routes: Wanted, site: Site, tours: readonly Tour[]): (string | undefined)[] {
  const standing = tours.filter(({ departed }) => departed === undefined);
  const pairs = routes.flatMap((route, index) => {
    const stops = new Set(route.stops);
    return standing
      .filter(({ fleet }) => fleet === route.fleet)
      .map((tour) => ({
        index,
        vehicle: tour.vehicle,
        shared: tour.stops.filter((orderId) => stops.has(orderId)).length,
      }))
      .filter(({ shared }) => shared > 0);
  });
  const taken = new Set(tours.filter((tour) => tour.departed !== undefined).map((t) => t.vehicle));
  const found: (string | undefined)[] = routes.map(() => undefined);
  for (const { index, vehicle } of pairs.toSorted((a, b) => b.shared - a.shared)) {
    if (found[index] !== undefined || taken.has(vehicle)) continue;
    found[index] = vehicle;
    taken.add(vehicle);
  }
  return routes.map(({ fleet: name }, index) => {
    if (found[index] !== undefined) return found[index];
    const most = site.fleets.find((fleet) => fleet.name === name)?.vehicles ?? 0;
    const free = Array.from({ length: most }, (_, i) => `${name}-${i + 1}`);
    const vehicle = free.find((one) => !taken.has(one));
    if (vehicle !== undefined) taken.add(vehicle);
    return vehicle;
  });
}

/** The tours of vehicles that have left stay; those of all others are the answer's. */
export function readAnswer(
  { site, stops, tours, work }: DepotBook,
  routes: readonly PlanRoute[],
): Answer {
  const known = new Map(stops.map((stop) => [stop.orderId, stop]));
  const gone = tours.filter(({ departed }) => departed !== undefined);
  const seen = new Set(gone.flatMap((tour) => tour.stops));
  const left = wanted(routes, known);
  const vehicles = vehiclesFor(left, site, tours);
  const planned: Tour[] = [];
  for (const [index, { fleet, stops: orders }] of left.entries()) {
    const vehicle = vehicles[index];
    if (vehicle === undefined)
      return { fault: `it has more routes than fleet ${fleet} has vehicles` };
    for (const orderId of orders) {
      if (!known.get(orderId)?.place)
        return { fault: `it stops at ${orderId}, which it was not given` };
      if (seen.has(orderId)) return { fault: `it brings order ${orderId} twice` };
      seen.add(orderId);
    }
    const tour: Tour = { vehicle, fleet, stops: orders, passed: [], comesBack: [] };
    const fault = faultOf(site, tour, driveOf(site, tour, { stops: known, now: work.now }));
    if (fault !== undefined) return { fault };
    planned.push(tour);
  }
  return { tours: [...gone, ...planned] };
}
