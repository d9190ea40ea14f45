/**
 * The times of a route after a change: for each node the earliest and latest
 * start of service, and for the parts before and behind it how long they take
 * with as little waiting as their windows allow.
 */
import type { Tours } from './tours.ts';

export function refreshTimes(tours: Tours, route: number): void {
  const { instance, size } = tours;
  if (!instance.timed && !instance.limited) return;
  const { open, close, service } = instance;
  const { next, prev, arc, earliest, latest, foreTime, foreLatest, backTime, backEarliest } = tours;
  const ring = size + route;
  const start = tours.opens[route]!;
  earliest[ring] = start;
  foreTime[ring] = 0;
  foreLatest[ring] = Math.min(tours.departs[route]!, latest[ring]!);
  let time = start;
  let duration = 0;
  let late = foreLatest[ring]!;
  let work = 0;
  let from = ring;
  for (let node = next[ring]!; node !== ring; node = next[node]!) {
    const step = work + arc[from]!;
    time = Math.max(open[node]!, time + step);
    // Leaving as late as possible still means waiting when the window opens later than that.
    const wait = Math.max(0, open[node]! - (late + duration + step));
    late = Math.min(late, close[node]! - duration - step);
    duration += step + wait;
    earliest[node] = time;
    foreTime[node] = duration;
    foreLatest[node] = late;
    work = service[node]!;
    from = node;
  }
  backTime[ring] = 0;
  backEarliest[ring] = -Infinity;
  let deadline = latest[ring]!;
  let rest = 0;
  let early = -Infinity;
  for (let node = prev[ring]!; node !== ring; node = prev[node]!) {
    const step = service[node]! + arc[node]!;
    deadline = Math.min(close[node]!, deadline - step);
    latest[node] = deadline;
    rest += step;
    const wait = Math.max(0, early - step - close[node]!);
    early = Math.max(early - step, open[node]!) - wait;
    rest += wait;
    backTime[node] = rest;
    backEarliest[node] = early;
  }
}
