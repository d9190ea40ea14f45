/**
 * The recreate of SISR: customers that are in no route go back, one by one, to
 * the cheapest place that keeps every rule, with a small chance that a place is
 * overlooked. Places beside near customers are tried first; only when none of
 * them will do, all are.
 */
import type { Neighbours } from './neighbours.ts';
import type { Random } from './random.ts';
import type { Tours } from './tours.ts';

const BLINK = 0.01;
const OVERLOOKED_FLEETS = 0.1;
const NONE = -1;

export function createRecreate(
  tours: Tours,
  { beside, reach, twice, radius }: Neighbours,
  random: Random,
): () => void {
  const { instance, size, next, prev, route, place, arc, spare, frozen, load, capacity, used } =
    tours;
  const { earliest, latest, foreTime, foreLatest, backTime, backEarliest, limit } = tours;
  const { distance, demand, service, open, close, timed, limited, symmetric, fleets } = instance;
  const back = symmetric ? distance : transposed(distance, size);
  const depot = fleets[0]!.depot;
  const ruled = timed || limited;
  const order = new Int32Array(size);
  const key = new Float64Array(size);
  const perBlink = 1 / Math.log(1 - BLINK);
  /** Better places left until one is overlooked: drawn once a blink, not once a place. */
  let untilBlink = Math.floor(Math.log(1 - random.unit()) * perBlink);
  let bestCost = Infinity;
  let bestAfter = NONE;

  const keeps = (node: number, after: number, before: number, to: number, from: number) => {
    if (timed) {
      const start = Math.max(open[node]!, earliest[after]! + serviceOf(after) + to);
      if (start > close[node]! || start + service[node]! + from > latest[before]!) return false;
    }
    if (limited) {
      const bound = limit[route[after]!]!;
      if (bound === Infinity) return true;
      const there = foreTime[after]! + serviceOf(after) + to;
      const late = foreLatest[after]!;
      const begun = there + Math.max(0, open[node]! - there - late);
      const leave = begun + service[node]! + from;
      const wait = backEarliest[before]! - leave - Math.min(late, close[node]! - there);
      if (leave + Math.max(0, wait) + backTime[before]! > bound) return false;
    }
    return true;
  };
  const serviceOf = (node: number): number => (node < size ? service[node]! : 0);

  /** Whether a place that costs less than the best so far may be had. */
  const allows = (node: number, after: number, to: number, from: number): boolean => {
    // Overlooking only what would be taken is as overlooking any place, and needs fewer draws.
    if (untilBlink-- <= 0) {
      untilBlink = Math.floor(Math.log(1 - random.unit()) * perBlink);
      return false;
    }
    const before = next[after]!;
    if (frozen[before] === 1) return false;
    return !ruled || keeps(node, after, before, to, from);
  };

  const tryNear = (node: number, row: number): void => {
    const amount = demand[node]!;
    const around = radius[node]!;
    const end = node * reach + reach;
    let least = bestCost;
    let found = bestAfter;
    for (let i = node * reach; i < end; i++) {
      const other = beside[i]!;
      // A place whose other side is nearer is offered there, so this one costs at least this.
      if (twice[i]! - spare[other]! >= least) continue;
      const of = route[other]!;
      if (of === NONE || load[of]! + amount > capacity[of]!) continue;
      let to = back[row + other]!;
      let from = distance[row + place[next[other]!]!]!;
      let cost = to + from - arc[other]!;
      if (cost < least && allows(node, other, to, from)) {
        least = cost;
        found = other;
      }
      const before = prev[other]!;
      to = back[row + place[before]!]!;
      // A near stop before this one offers the same place itself.
      if (before < size && to <= around) continue;
      from = distance[row + other]!;
      cost = to + from - arc[before]!;
      if (cost < least && allows(node, before, to, from)) {
        least = cost;
        found = before;
      }
    }
    bestCost = least;
    bestAfter = found;
  };

  const tryAll = (node: number, row: number): void => {
    const amount = demand[node]!;
    const closing = close[node]!;
    for (let i = 0; i < tours.usedCount; i++) {
      const of = used[i]!;
      if (load[of]! + amount > capacity[of]!) continue;
      const ring = size + of;
      let at = ring;
      let to = back[row + place[ring]!]!;
      do {
        const before = next[at]!;
        const from = distance[row + place[before]!]!;
        const cost = to + from - arc[at]!;
        if (cost < bestCost && allows(node, at, to, from)) {
          bestCost = cost;
          bestAfter = at;
        }
        at = before;
        // Stops are reached later and later; behind one after its closing there is no place.
        if (timed && at !== ring && earliest[at]! > closing) break;
        to = symmetric ? from : back[row + place[at]!]!;
      } while (at !== ring);
    }
  };

  const tryOpening = (node: number, row: number, overlooking: boolean): void => {
    for (let fleet = 0; fleet < fleets.length; fleet++) {
      const of = tours.openable(fleet);
      if (of === NONE || demand[node]! > capacity[of]!) continue;
      if (overlooking && random.unit() < OVERLOOKED_FLEETS) continue;
      const ring = size + of;
      const to = back[row + place[ring]!]!;
      const from = distance[row + place[ring]!]!;
      if (to + from >= bestCost) continue;
      if (ruled && !keeps(node, ring, ring, to, from)) continue;
      bestCost = to + from;
      bestAfter = ring;
    }
  };

  /** Weights of the paper: by chance 4, demand 4, far 2, near 1; with windows also their length and ends. */
  const weigh = (node: number, rule: number): number => {
    if (rule < 4) return random.unit();
    if (rule < 8) return -demand[node]!;
    if (rule < 10) return -distance[node * size + depot]!;
    if (rule < 11) return distance[node * size + depot]!;
    if (rule < 13) return close[node]! - open[node]!;
    if (rule < 15) return open[node]!;
    return -close[node]!;
  };

  return () => {
    const waiting = tours.absentCount;
    const rule = random.below(timed ? 17 : 11);
    for (let i = 0; i < waiting; i++) {
      const node = tours.absent[i]!;
      const weight = weigh(node, rule);
      let at = i;
      for (; at > 0 && key[at - 1]! > weight; at--) {
        key[at] = key[at - 1]!;
        order[at] = order[at - 1]!;
      }
      key[at] = weight;
      order[at] = node;
    }
    for (let i = 0; i < waiting; i++) {
      const node = order[i]!;
      const row = node * size;
      bestCost = Infinity;
      bestAfter = NONE;
      tryNear(node, row);
      const near = bestAfter !== NONE;
      // With one fleet there is nothing to overlook; with more, no depot is always the nearest.
      tryOpening(node, row, fleets.length > 1);
      if (!near) tryAll(node, row);
      if (bestAfter === NONE && fleets.length > 1) tryOpening(node, row, false);
      if (bestAfter !== NONE) tours.insert(node, bestAfter);
    }
  };
}

function transposed(matrix: Float64Array, size: number): Float64Array {
  const turned = new Float64Array(matrix.length);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) turned[j * size + i] = matrix[i * size + j]!;
  }
  return turned;
}
