/**
 * An ordered set of (score, key) pairs in memory, for indexes, expiry times
 * and key prefixes. Kept as a list of short sorted runs: binary search finds
 * the run and the place in it, and an insertion moves at most one run. Keys
 * order by code point, which is the byte order of UTF-8 and so the order of
 * every backend.
 */

export interface Place {
  readonly score: number;
  readonly key: string;
}

const RUN = 512;

/** Orders texts by code point; the `<` of JavaScript orders by UTF-16 unit, which differs beyond U+FFFF. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const xs = x >= 0xd800 && x <= 0xdfff;
      const ys = y >= 0xd800 && y <= 0xdfff;
      return xs === ys ? x - y : xs ? 1 : -1;
    }
  }
  return a.length - b.length;
}

function compare(a: Place, b: Place): number {
  return a.score === b.score ? compareKeys(a.key, b.key) : a.score < b.score ? -1 : 1;
}

/** First position in `items` whose item is not before `place`. */
function lowerBound(items: readonly Place[], place: Place): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(items[middle]!, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class OrderedSet {
  #runs: Place[][] = [];

  /** The run that `place` belongs to: the first whose last item is not before it. */
  #runOf(place: Place): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle]!;
      if (compare(run[run.length - 1]!, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(place: Place): void {
    const found = this.#runOf(place);
    const at = found === this.#runs.length ? found - 1 : found;
    const run = this.#runs[at];
    if (!run) {
      this.#runs.push([place]);
      return;
    }
    const position = lowerBound(run, place);
    const present = run[position];
    if (present && compare(present, place) === 0) return;
    if (position === run.length) run.push(place);
    else run.splice(position, 0, place);
    if (run.length <= RUN) return;
    // A set filled in ascending order leaves full runs behind; any other is split in the middle.
    const cut = position === run.length - 1 ? RUN : RUN >>> 1;
    this.#runs.splice(at + 1, 0, run.splice(cut));
  }

  delete(place: Place): void {
    const at = this.#runOf(place);
    const run = this.#runs[at];
    if (!run) return;
    const position = lowerBound(run, place);
    const present = run[position];
    if (!present || compare(present, place) !== 0) return;
    if (run.length === 1) this.#runs.splice(at, 1);
    else run.splice(position, 1);
  }

  first(): Place | undefined {
    return this.#runs[0]?.[0];
  }

  /** Ascending from `from` (excluded when `exclusive`). The set must not change while this is walked. */
  *from(from: Place, exclusive = false): Generator<Place> {
    const start = this.#runOf(from);
    for (let at = start; at < this.#runs.length; at++) {
      const run = this.#runs[at]!;
      let position = at === start ? lowerBound(run, from) : 0;
      if (exclusive && at === start && run[position] && compare(run[position]!, from) === 0)
        position++;
      for (; position < run.length; position++) yield run[position]!;
    }
  }
}
