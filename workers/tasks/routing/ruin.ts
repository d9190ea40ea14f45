/**
 * The ruin of SISR: strings of neighbouring stops are taken out of routes that
 * lie close together, so that what is left has room side by side (Christiaens
 * and Vanden Berghe, 2020).
 */
import type { Neighbours } from './neighbours.ts';
import type { Random } from './random.ts';
import type { Tours } from './tours.ts';

export interface RuinOptions {
  /** Mean number of customers taken out. */
  readonly mean: number;
  /** Longest string. */
  readonly longest: number;
}

const SPLIT = 0.5;
const SPLIT_DEEPER = 0.01;
const TRIES = 10;
/** Iterations near one customer. */
const STAY = 1000;

export function createRuin(
  tours: Tours,
  { near, width }: Neighbours,
  random: Random,
  { mean, longest }: RuinOptions,
): () => void {
  const { next, prev, route, count, frozen, capacity, size } = tours;
  const { depots } = tours.instance;
  const customers = size - depots;
  const ruined = new Int32Array(tours.slots);
  const string = new Int32Array(size);
  let turn = 0;
  let stay = 0;
  let pivot = depots;

  /** Takes up to `length` stops around `node` out, leaving `kept` of them in the middle. */
  const removeString = (node: number, length: number, kept: number): void => {
    let from = node;
    for (let back = random.below(length + kept); back > 0; back--) {
      const before = prev[from]!;
      if (before >= size || frozen[before] === 1) break;
      from = before;
    }
    let found = 0;
    for (let at = from; at < size && found < length + kept; at = next[at]!) string[found++] = at;
    while (found < length + kept) {
      const before = prev[string[0]!]!;
      if (before >= size || frozen[before] === 1) break;
      string.copyWithin(1, 0, found);
      string[0] = before;
      found++;
    }
    const skipped = Math.min(kept, found - 1);
    const gap = skipped > 0 ? 1 + random.below(Math.max(1, found - skipped - 1)) : found;
    for (let i = 0; i < found; i++) {
      if (i < gap || i >= gap + skipped) tours.remove(string[i]!);
    }
  };

  const ruinRoute = (node: number, cap: number): void => {
    const stops = count[route[node]!]!;
    const length = 1 + random.below(Math.min(stops, cap));
    let kept = 0;
    if (length > 1 && length < stops && random.unit() < SPLIT) {
      kept = 1;
      while (length + kept < stops && random.unit() > SPLIT_DEEPER) {
        kept++;
        if (random.unit() < SPLIT) break;
      }
    }
    removeString(node, length, kept);
  };

  /**
   * By chance, but rather in a route that may change; and for some time near one
   * customer, whose part of the distances and routes then stays in the cache.
   */
  const findSeed = (): number => {
    if (stay-- <= 0) {
      stay = STAY;
      pivot = depots + random.below(customers);
    }
    for (let tries = 0; ; tries++) {
      const pick = random.below(width + 1);
      const seed = pick === width ? pivot : near[pivot * width + pick]!;
      const of = route[seed]!;
      if (of === -1 || capacity[of]! >= 0 || tries === TRIES) return seed;
      // Rather another place than what lies nearest to one that may not change.
      if (tries > TRIES / 2) pivot = depots + random.below(customers);
    }
  };

  return () => {
    turn++;
    const average = (customers - tours.absentCount) / Math.max(1, tours.usedCount);
    const cap = Math.max(1, Math.min(longest, average));
    const most = (4 * mean) / (1 + cap) - 1;
    let strings = 1 + Math.floor(random.unit() * most);
    const seed = findSeed();
    for (let i = -1; i < width && strings > 0; i++) {
      const node = i === -1 ? seed : near[seed * width + i]!;
      const of = route[node]!;
      if (of === -1 || frozen[node] === 1 || ruined[of] === turn || capacity[of]! < 0) continue;
      ruined[of] = turn;
      ruinRoute(node, cap);
      strings--;
    }
    tours.refreshTouched();
  };
}
