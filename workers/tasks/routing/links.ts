/**
 * Routes as links alone: for every node the next one, ring nodes included, as
 * `Tours.next` has them. What crosses between searches, and what is kept aside.
 */
import type { Best } from './anneal.ts';
import type { StartRoute, Tours } from './tours.ts';

export function isBetter(a: Best, b: Best): boolean {
  return a.absent < b.absent || (a.absent === b.absent && a.cost < b.cost - 1e-7);
}

export function measure(tours: Tours, next: Int32Array): Best {
  const { size, slots, place, instance } = tours;
  const { distance, depots } = instance;
  let cost = 0;
  let served = 0;
  let routes = 0;
  for (let ring = size; ring < size + slots; ring++) {
    if (next[ring] === ring) continue;
    routes++;
    let node = ring;
    do {
      const to = next[node]!;
      cost += distance[place[node]! * size + place[to]!]!;
      if (to < size) served++;
      node = to;
    } while (node !== ring);
  }
  return { cost, absent: size - depots - served, routes };
}

/** Makes the tours those of the links. Only routes that differ are touched. */
export function adopt(tours: Tours, next: Int32Array): void {
  const { size, slots } = tours;
  const changed: number[] = [];
  for (let ring = size; ring < size + slots; ring++) {
    let node = ring;
    while (tours.next[node] === next[node] && next[node] !== ring) node = next[node]!;
    if (tours.next[node] !== next[node]) changed.push(ring);
  }
  for (const ring of changed) {
    for (let node = tours.next[ring]!; node !== ring; node = tours.next[ring]!) tours.remove(node);
    tours.refresh(ring - size);
    tours.commit();
  }
  for (const ring of changed) {
    let last = ring;
    for (let node = next[ring]!; node !== ring; node = next[node]!) {
      tours.insert(node, last);
      tours.commit();
      last = node;
    }
  }
  tours.cost = measure(tours, next).cost;
  tours.commit();
}

export function readRoutes(tours: Tours, next: Int32Array): StartRoute[] {
  const routes: StartRoute[] = [];
  for (let route = 0; route < tours.slots; route++) {
    const ring = tours.size + route;
    const stops: number[] = [];
    for (let node = next[ring]!; node !== ring; node = next[node]!) stops.push(node);
    if (stops.length === 0) continue;
    const departed = tours.departs[route]!;
    routes.push({
      fleet: tours.fleet[route]!,
      stops,
      frozen: stops.filter((node) => tours.frozen[node] === 1).length,
      ...(departed === Infinity ? {} : { departed }),
    });
  }
  return routes;
}
