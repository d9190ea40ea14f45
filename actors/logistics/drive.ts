/**
 * A tour in time and space: when its vehicle is where, how far it goes, what it
 * carries. Straight lines on a plane around the depot, at the depot's mean
 * speed. Shares no code with the planner, so it also tells when an answer of the
 * planner breaks a rule. Pure.
 */
import type { Place } from './api.ts';
import type { Stop, Tour } from './book.ts';
import type { Site } from './site.ts';

const KM_PER_DEGREE = 111.32;
/** Absorbs the rounding of sums of double-precision times. */
const SLACK = 1e-6;

/** Kilometres east and north of the depot, to the metre. */
export function onPlane({ place: depot }: Site, { lat, lon }: Place): { x: number; y: number } {
  const metre = (km: number): number => Math.round(km * 1000) / 1000;
  const narrowing = Math.cos((depot.lat * Math.PI) / 180);
  return {
    x: metre((lon - depot.lon) * narrowing * KM_PER_DEGREE),
    y: metre((lat - depot.lat) * KM_PER_DEGREE),
  };
}

export interface Drive {
  readonly leaves: number;
  /** Of every stop, in minutes; of a passed one when it was passed. */
  readonly etas: readonly number[];
  readonly back: number;
  readonly km: number;
  readonly cartons: number;
}

/** @param now a vehicle that has not left does so at the earliest then. */
export function driveOf(
  site: Site,
  tour: Tour,
  { stops, now }: { stops: ReadonlyMap<string, Stop>; now: number },
): Drive {
  const leaves = tour.departed ?? Math.max(site.opening, now);
  const etas: number[] = [];
  let at = { x: 0, y: 0 };
  let [time, km, cartons] = [leaves, 0, 0];
  const go = (to: { x: number; y: number }): void => {
    const way = Math.hypot(to.x - at.x, to.y - at.y);
    km += way;
    time += way / site.kmPerMinute;
    at = to;
  };
  tour.stops.forEach((orderId, index) => {
    const stop = stops.get(orderId);
    if (!stop?.place) return;
    go(onPlane(site, stop.place));
    time = tour.passed[index] ?? time;
    etas.push(time);
    time += site.serviceMinutes;
    cartons += stop.cartons;
  });
  go({ x: 0, y: 0 });
  return { leaves, etas, back: time, km, cartons };
}

/** What forbids the tour of a vehicle that has not left; undefined when nothing does. */
export function faultOf(
  site: Site,
  { vehicle, fleet: name }: Tour,
  drive: Drive,
): string | undefined {
  const fleet = site.fleets.find((one) => one.name === name);
  if (!fleet) return `${vehicle} is of no fleet of the depot`;
  if (drive.cartons > fleet.capacity) {
    return `${vehicle} carries ${drive.cartons} cartons and takes ${fleet.capacity}`;
  }
  if (drive.back > site.closing + SLACK) return `${vehicle} is back after the depot has closed`;
  if (drive.back - drive.leaves > (fleet.maxMinutes ?? Infinity) + SLACK) {
    return `${vehicle} is away for longer than ${fleet.maxMinutes} minutes`;
  }
  return undefined;
}
