/** What happens to tours after they were planned: a vehicle passes a stop, an order is cancelled. Pure. */
import { ActorError } from 'troupe/actor';
import type { Stop, Tour } from './book.ts';

function wrong(what: string): ActorError {
  return new ActorError('WRONG_STATE', what, { status: 409 });
}

/**
 * The order is not brought any more. Where its vehicle has not passed it, the
 * stop drops out; where it has, the stop stays. Goods that are under way come
 * back with the vehicle. Gives the tours without those that have no stop left.
 */
export function cancelStop(tours: readonly Tour[], stop: Stop): Tour[] {
  stop.cancelled = true;
  const { orderId } = stop;
  for (const tour of tours) {
    const index = tour.stops.indexOf(orderId);
    if (index === -1) continue;
    if (tour.departed !== undefined) tour.comesBack.push(orderId);
    if (index >= tour.passed.length) tour.stops.splice(index, 1);
  }
  return tours.filter(({ stops, departed }) => stops.length > 0 || departed !== undefined);
}

/** The vehicle was at a stop; one that it took out of turn comes next after those before. */
export function passStop(tour: Tour, { orderId, at }: { orderId: string; at: number }): void {
  const { vehicle, stops, passed, departed } = tour;
  if (departed === undefined) throw wrong(`${vehicle} has not left the depot`);
  const index = stops.indexOf(orderId);
  if (index < passed.length) return;
  if (at < (passed.at(-1) ?? departed)) {
    throw wrong(`${vehicle} cannot have been at ${orderId} before the stop that it passed last`);
  }
  stops.splice(index, 1);
  stops.splice(passed.length, 0, orderId);
  passed.push(at);
}
