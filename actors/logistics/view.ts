/** A depot as others see it: its plan, its stops, its vehicles. Pure. */
import type { SimpleTours } from '../../workers/protocol.ts';
import type { DepotPlan, SimpleKm, StopView, VehicleView } from './api.ts';
import { partsOf } from './area.ts';
import { tourOf, type Stop, type Tour, type Work } from './book.ts';
import { timeText } from './calendar.ts';
import { driveOf } from './drive.ts';
import type { Site } from './site.ts';

/** A book whose depot may not be set up; it has no tours then. */
export interface AnyBook {
  readonly id: string;
  readonly site: Site | undefined;
  readonly stops: Stop[];
  readonly tours: Tour[];
  readonly work: Work;
}

const tenth = (km: number): number => Math.round(km * 10) / 10;

export function vehicleViews({ id, site, stops, tours, work }: AnyBook): VehicleView[] {
  if (!site) return [];
  const { day } = partsOf(id);
  const known = new Map(stops.map((stop) => [stop.orderId, stop]));
  return tours.map((tour): VehicleView => {
    const drive = driveOf(site, tour, { stops: known, now: work.now });
    return {
      vehicle: tour.vehicle,
      fleet: tour.fleet,
      state: tour.departed === undefined ? 'planned' : 'out',
      leaves: timeText(day, drive.leaves),
      back: timeText(day, drive.back),
      cartons: drive.cartons,
      capacity: site.fleets.find(({ name }) => name === tour.fleet)?.capacity ?? 0,
      km: tenth(drive.km),
      passed: tour.passed.length,
      stops: tour.stops.map((orderId, i) => ({ orderId, eta: timeText(day, drive.etas[i]!) })),
      comesBack: tour.comesBack,
    };
  });
}

/** From the planner's minutes of driving. */
export function simpleKm({ kmPerMinute }: Site, simple: SimpleTours): SimpleKm {
  const km = ({ cost }: { cost: number }): number => tenth(cost * kmPerMinute);
  const { firstInFirstOut, nearestNeighbour, savings } = simple;
  return {
    firstInFirstOut: km(firstInFirstOut),
    nearestNeighbour: km(nearestNeighbour),
    savings: km(savings),
  };
}

function stateOf({ cancelled, left }: Stop, index: number, tour: Tour | undefined) {
  if (cancelled) return 'cancelled';
  if (!tour) return left === undefined ? 'waiting' : 'unserved';
  if (index < tour.passed.length) return 'passed';
  return tour.departed === undefined ? 'planned' : 'on the way';
}

export function stopViews(book: AnyBook): StopView[] {
  const etas = new Map(
    vehicleViews(book).flatMap(({ stops }) => stops.map(({ orderId, eta }) => [orderId, eta])),
  );
  return book.stops.map((stop): StopView => {
    const { orderId, customer, country, placedAt, cartons, place, left } = stop;
    const tour = tourOf(book.tours, orderId);
    const state = stateOf(stop, tour ? tour.stops.indexOf(orderId) : -1, tour);
    const eta = etas.get(orderId);
    const comesBack = book.tours.some((one) => one.comesBack.includes(orderId));
    return {
      ...{ orderId, customer, country, state, placedAt, cartons },
      ...(place ? { place } : {}),
      ...(tour ? { vehicle: tour.vehicle } : {}),
      ...(eta === undefined ? {} : { eta }),
      ...(state === 'unserved' && left !== undefined ? { reason: left } : {}),
      ...(comesBack ? { comesBack } : {}),
    };
  });
}

export function planView(book: AnyBook): DepotPlan {
  const { stops, work } = book;
  const vehicles = vehicleViews(book);
  const views = stopViews(book);
  const planned = stops.length > 0 ? 'planned' : 'empty';
  return {
    ...partsOf(book.id),
    state: work.awaited > 0 ? 'planning' : work.dirty ? 'waiting' : planned,
    version: work.version,
    stops: stops.filter(({ cancelled }) => !cancelled).length,
    vehicles,
    unserved: views
      .filter(({ state }) => state === 'unserved')
      .map(({ orderId, reason = '' }) => ({ orderId, reason })),
    km: tenth(vehicles.reduce((sum, { km }) => sum + km, 0)),
    ...(work.simple === undefined ? {} : { simple: work.simple }),
    ...(work.problem === undefined ? {} : { problem: work.problem }),
  };
}
