/**
 * The times of a route after a change: for each node the earliest and latest
 * start of service, and, where a route may only take so long, how long the
 * parts before and behind it take with as little waiting as their windows allow.
 */
import type { Tours } from './tours.ts';

export function refreshTimes(tours: Tours, route: number): void {
  const { timed, limited } = tours.instance;
  if (timed) refreshStarts(tours, route);
  if (limited) refreshDurations(tours, route);
}

/** As `refreshTimes` after one insertion: goes only as far as anything changes. */
export function refreshAround(tours: Tours, node: number): void {
  const { timed, limited } = tours.instance;
  const route = tours.route[node]!;
  if (timed) refreshStartsAround(tours, route, node);
  if (limited) refreshDurations(tours, route);
}

function refreshStartsAround(tours: Tours, route: number, inserted: number): void {
  const { next, prev, arc, earliest, latest, size } = tours;
  const { open, close, service } = tours.instance;
  const ring = size + route;
  const before = prev[inserted]!;
  let time = earliest[before]!;
  let step = (before < size ? service[before]! : 0) + arc[before]!;
  for (let node = inserted; node !== ring; node = next[node]!) {
    time += step;
    if (time < open[node]!) time = open[node]!;
    if (node !== inserted && earliest[node] === time) break;
    earliest[node] = time;
    step = service[node]! + arc[node]!;
  }
  let deadline = latest[next[inserted]!]!;
  for (let node = inserted; node !== ring; node = prev[node]!) {
    deadline -= service[node]! + arc[node]!;
    if (deadline > close[node]!) deadline = close[node]!;
    if (node !== inserted && latest[node] === deadline) break;
    latest[node] = deadline;
  }
}

function refreshStarts(tours: Tours, route: number): void {
  const { next, prev, arc, earliest, latest } = tours;
  const { open, close, service } = tours.instance;
  const ring = tours.size + route;
  let time = tours.opens[route]!;
  earliest[ring] = time;
  let step = arc[ring]!;
  for (let node = next[ring]!; node !== ring; node = next[node]!) {
    time += step;
    if (time < open[node]!) time = open[node]!;
    earliest[node] = time;
    step = service[node]! + arc[node]!;
  }
  let deadline = latest[ring]!;
  for (let node = prev[ring]!; node !== ring; node = prev[node]!) {
    deadline -= service[node]! + arc[node]!;
    if (deadline > close[node]!) deadline = close[node]!;
    latest[node] = deadline;
  }
}

function refreshDurations(tours: Tours, route: number): void {
  const { next, prev, arc, latest, foreTime, foreLatest, backTime, backEarliest } = tours;
  const { open, close, service } = tours.instance;
  const ring = tours.size + route;
  let late = Math.min(tours.departs[route]!, latest[ring]!);
  let duration = 0;
  let step = arc[ring]!;
  foreTime[ring] = 0;
  foreLatest[ring] = late;
  for (let node = next[ring]!; node !== ring; node = next[node]!) {
    duration += step;
    // Leaving as late as possible still means waiting when the window opens later than that.
    const wait = Math.max(0, open[node]! - late - duration);
    late = Math.min(late, close[node]! - duration);
    duration += wait;
    foreTime[node] = duration;
    foreLatest[node] = late;
    step = service[node]! + arc[node]!;
  }
  let rest = 0;
  let early = -Infinity;
  backTime[ring] = 0;
  backEarliest[ring] = early;
  for (let node = prev[ring]!; node !== ring; node = prev[node]!) {
    const ride = service[node]! + arc[node]!;
    const wait = Math.max(0, early - ride - close[node]!);
    early = Math.max(early - ride, open[node]!) - wait;
    rest += ride + wait;
    backTime[node] = rest;
    backEarliest[node] = early;
  }
}
