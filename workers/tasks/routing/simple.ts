/**
 * Three tours that a depot could drive without a search, to measure one by:
 * first in, first out; always on to the nearest customer; Clarke and Wright's
 * savings. Each customer goes by the nearest depot that can take it, every rule
 * is kept, and only the number of vehicles is not bounded, so that none of the
 * three fails where the search does not.
 */
import type { SimpleTours } from '../../protocol.ts';
import type { Instance } from './instance.ts';
import { fits, nearestFleets, savingsRoutes } from './savings.ts';

interface Route {
  readonly fleet: number;
  readonly stops: readonly number[];
}

function sizeUp(instance: Instance, routes: readonly Route[]): SimpleTours['savings'] {
  const { size, distance, fleets, scale } = instance;
  let cost = 0;
  for (const { fleet, stops } of routes) {
    const { depot } = fleets[fleet]!;
    let at = depot;
    for (const stop of stops) {
      cost += distance[at * size + stop]!;
      at = stop;
    }
    cost += distance[at * size + depot]!;
  }
  return { cost: cost / scale, routes: routes.length };
}

/** Each next stop is chosen from those left; a new vehicle starts when none fits any more. */
function build(
  instance: Instance,
  fleetOf: Int32Array,
  choose: (at: number, left: readonly number[], fits: (stop: number) => boolean) => number,
): Route[] {
  const { size, depots, fleets } = instance;
  const routes: Route[] = [];
  fleets.forEach(({ depot }, fleet) => {
    const left: number[] = [];
    for (let node = depots; node < size; node++) if (fleetOf[node] === fleet) left.push(node);
    let stops: number[] = [];
    while (left.length > 0) {
      const found = choose(stops.at(-1) ?? depot, left, (stop) =>
        fits(instance, fleet, [...stops, stop]),
      );
      if (found !== -1) stops.push(...left.splice(found, 1));
      // What not even an empty vehicle can take is left out, as the search leaves it out.
      else if (stops.length === 0) left.shift();
      else {
        routes.push({ fleet, stops });
        stops = [];
      }
    }
    if (stops.length > 0) routes.push({ fleet, stops });
  });
  return routes;
}

export function simpleTours(instance: Instance): SimpleTours {
  const { size, distance } = instance;
  const fleetOf = nearestFleets(instance);
  const inOrder = build(instance, fleetOf, (_at, left, fit) => (fit(left[0]!) ? 0 : -1));
  const nearest = build(instance, fleetOf, (at, left, fit) => {
    const byDistance = left
      .map((stop, index) => ({ index, stop, apart: distance[at * size + stop]! }))
      .toSorted((a, b) => a.apart - b.apart);
    return byDistance.find(({ stop }) => fit(stop))?.index ?? -1;
  });
  return {
    firstInFirstOut: sizeUp(instance, inOrder),
    nearestNeighbour: sizeUp(instance, nearest),
    savings: sizeUp(instance, savingsRoutes(instance)),
  };
}
