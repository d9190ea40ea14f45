/**
 * Who is near whom: for every customer the other customers by growing distance
 * (for the ruin), and by closeness in place and time (where an insertion is
 * tried first).
 */
import type { Instance } from './instance.ts';
import { createOrder } from './order.ts';

export interface Neighbours {
  /** Per customer, `width` customers by growing distance. */
  readonly near: Int32Array;
  readonly width: number;
  /** Per customer, `reach` customers beside which it is tried first. */
  readonly beside: Int32Array;
  readonly reach: number;
  /** Twice the distance of each of `beside`. */
  readonly twice: Float32Array;
  /** Distance of the farthest of `beside`; -1 where closeness is not distance alone. */
  readonly radius: Float64Array;
}

const WIDTH = 250;
const WAITING = 0.2;

export function findNeighbours(instance: Instance, reach: number): Neighbours {
  const { size, depots, distance, open, close, service, timed } = instance;
  const customers = size - depots;
  const width = Math.max(0, Math.min(customers - 1, WIDTH));
  const kept = Math.max(0, Math.min(customers - 1, reach));
  const near = new Int32Array(size * width);
  const beside = new Int32Array(size * kept);
  const twice = new Float32Array(size * kept);
  const radius = new Float64Array(size).fill(-1);
  const apart = new Float64Array(size);
  const order = createOrder(size);
  const sorted = (node: number): Int32Array => {
    apart[node] = Infinity;
    return order(apart, depots);
  };
  /** What going from `a` to `b` costs beyond the way, in waiting and lateness. */
  const gap = (a: number, b: number): number => {
    const ride = service[a]! + distance[a * size + b]!;
    const late = Math.max(0, open[a]! + ride - close[b]!);
    return late + WAITING * Math.max(0, open[b]! - ride - close[a]!);
  };
  for (let node = depots; node < size; node++) {
    for (let other = depots; other < size; other++) {
      apart[other] = Math.min(distance[node * size + other]!, distance[other * size + node]!);
    }
    const byDistance = sorted(node);
    near.set(byDistance.subarray(0, width), node * width);
    if (kept > 0 && !timed) radius[node] = apart[byDistance[kept - 1]!]!;
    let closest = byDistance;
    if (timed) {
      for (let other = depots; other < size; other++) {
        apart[other] = Math.min(
          distance[node * size + other]! + gap(node, other),
          distance[other * size + node]! + gap(other, node),
        );
      }
      closest = sorted(node);
    }
    for (let i = 0; i < kept; i++) {
      const other = closest[i]!;
      const to = distance[node * size + other]!;
      beside[node * kept + i] = other;
      twice[node * kept + i] = 2 * Math.min(to, distance[other * size + node]!);
    }
  }
  return { near, width, beside, reach: kept, twice, radius };
}
