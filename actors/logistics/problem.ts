/**
 * What a depot asks its planner: the orders that still stand in it, the vehicles
 * that have not left, and the tours to go on from. What no vehicle can take is
 * left out by name before the search, so that it fails nobody else. Pure.
 */
import type { PlanInput } from '../../workers/protocol.ts';
import type { Fleet } from './api.ts';
import { byPlacing, type Stop, type Tour, type Work } from './book.ts';
import { driveOf, faultOf, onPlane } from './drive.ts';
import type { Site } from './site.ts';

/** Most orders of one search: the distances between them take 8 bytes a pair. */
const MOST_STOPS = 5000;

export interface Problem {
  /** Undefined when there is nothing to search. */
  readonly input: PlanInput | undefined;
  /** Why an order is not part of it, by order. */
  readonly left: ReadonlyMap<string, string>;
}

export interface DepotBook {
  readonly id: string;
  readonly site: Site;
  readonly stops: readonly Stop[];
  readonly tours: readonly Tour[];
  readonly work: Work;
}

/** Vehicles of each fleet that have not left; fleets without any are left out. */
function freeFleets({ site, tours }: DepotBook): Fleet[] {
  return site.fleets
    .map((fleet) => {
      const gone = tours.filter(
        (tour) => tour.fleet === fleet.name && tour.departed !== undefined,
      ).length;
      return { ...fleet, vehicles: fleet.vehicles - gone };
    })
    .filter(({ vehicles }) => vehicles > 0);
}

/** Why a vehicle could not even serve it alone; undefined when one can. */
function refusal({ site, work }: DepotBook, stop: Stop, fleets: readonly Fleet[]) {
  if (!stop.place) return `nobody knows the place of a customer in ${stop.country}`;
  if (fleets.length === 0) return 'every vehicle has left';
  const largest = Math.max(...fleets.map(({ capacity }) => capacity));
  if (stop.cartons > largest) {
    return `it has ${stop.cartons} cartons, and the largest vehicle takes ${largest}`;
  }
  const stops = new Map([[stop.orderId, stop]]);
  const serves = fleets.some(({ name }) => {
    const tour = { vehicle: name, fleet: name, stops: [stop.orderId], passed: [], comesBack: [] };
    return faultOf(site, tour, driveOf(site, tour, { stops, now: work.now })) === undefined;
  });
  return serves ? undefined : 'no vehicle would be back in time';
}

/** Orders to search for, in the order in which they were placed, and why each other one is not among them. */
function choose(book: DepotBook, fleets: readonly Fleet[]) {
  const gone = new Set(
    book.tours.filter(({ departed }) => departed !== undefined).flatMap(({ stops }) => stops),
  );
  const left = new Map<string, string>();
  const chosen: Stop[] = [];
  let room = fleets.reduce((sum, { vehicles, capacity }) => sum + vehicles * capacity, 0);
  for (const stop of book.stops.toSorted(byPlacing)) {
    if (stop.cancelled || gone.has(stop.orderId)) continue;
    let reason = refusal(book, stop, fleets);
    if (chosen.length === MOST_STOPS) reason ??= `the depot plans ${MOST_STOPS} orders a day`;
    if (stop.cartons > room) reason ??= 'the vehicles are full with the orders placed before it';
    if (reason === undefined) {
      room -= stop.cartons;
      chosen.push(stop);
    } else left.set(stop.orderId, reason);
  }
  return { chosen, left };
}

export function problemOf(book: DepotBook): Problem {
  const { id, site, stops, tours, work } = book;
  const fleets = freeFleets(book);
  const { chosen, left } = choose(book, fleets);
  if (chosen.length === 0) return { input: undefined, left };
  const known = new Map(stops.map((stop) => [stop.orderId, stop]));
  const wanted = new Set(chosen.map(({ orderId }) => orderId));
  const opening = Math.max(site.opening, work.now);
  const closing = Number.isFinite(site.closing) ? { close: site.closing } : {};
  const customers = chosen.map(({ orderId, cartons, place }) => {
    const { x, y } = onPlane(site, place!);
    const [east, north] = [x / site.kmPerMinute, y / site.kmPerMinute];
    return { id: orderId, x: east, y: north, demand: cartons, service: site.serviceMinutes };
  });
  const instance = {
    name: id,
    depots: [{ id: `depot ${id}`, x: 0, y: 0 }],
    fleets: fleets.map(({ name, vehicles, capacity, maxMinutes }) => ({
      name,
      vehicles,
      capacity,
      open: opening,
      ...closing,
      ...(maxMinutes === undefined ? {} : { maxTime: maxMinutes }),
    })),
    customers,
  };
  const start = tours
    .filter(({ departed }) => departed === undefined)
    .map((tour) => ({ ...tour, stops: tour.stops.filter((orderId) => wanted.has(orderId)) }))
    .filter((tour) => tour.stops.length > 0)
    .filter((tour) => !faultOf(site, tour, driveOf(site, tour, { stops: known, now: work.now })))
    .map((tour) => ({ fleet: tour.fleet, stops: tour.stops }));
  const input = {
    name: id,
    text: JSON.stringify(instance),
    seed: 1,
    ...site.budget,
    ...(site.compare ? { compare: true } : {}),
    ...(start.length > 0 ? { start } : {}),
  };
  return { input, left };
}
