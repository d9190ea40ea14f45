/** Sorting many nodes by distance, over and over: by packed numbers, which need no comparing function. */

/** Finer than any difference that matters between two distances. */
const STEPS = 2 ** 38;
const NODES = 2 ** 14;

export type Order = (apart: Float64Array, first: number) => Int32Array;

/**
 * Gives a function that sorts the nodes from `first` on by `apart`, infinite
 * ones last, and returns them; the answer is overwritten by the next call.
 */
export function createOrder(size: number): Order {
  const keys = new Float64Array(size);
  const nodes = new Int32Array(size);
  return (apart, first) => {
    let most = 0;
    for (let node = first; node < size; node++) {
      if (apart[node]! > most && apart[node]! < Infinity) most = apart[node]!;
    }
    const factor = most > 0 ? STEPS / most : 0;
    for (let node = first; node < size; node++) {
      const step = apart[node] === Infinity ? STEPS + 1 : Math.round(apart[node]! * factor);
      keys[node - first] = step * NODES + node;
    }
    const sorted = keys.subarray(0, size - first).sort();
    for (let at = 0; at < sorted.length; at++) nodes[at] = sorted[at]! % NODES;
    return nodes.subarray(0, sorted.length);
  };
}
