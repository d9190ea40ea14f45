/**
 * Which host has an actor, by Dapr's consistent hashing: every host stands at
 * many points of a ring, and an actor belongs to the first point at or after
 * its own. Every member of a namespace computes the same ring from the same
 * hosts, so the points are Dapr's to the last bit.
 */
import { hash } from 'node:crypto';

export interface HashRing<H> {
  /** Errors: RangeError when there is no host. */
  ownerOf(id: string): H;
}

/** The first eight bytes of BLAKE2b-512, the least significant first. */
function pointOf(text: string): bigint {
  return hash('blake2b512', text, 'buffer').readBigUInt64LE(0);
}

export type Points = (host: string) => BigUint64Array;

/** Points of a host, kept for the rings to come: a round changes few hosts. */
export function createPoints(replicas: number): Points {
  const known = new Map<string, BigUint64Array>();
  return (host) => {
    let points = known.get(host);
    if (!points) {
      points = BigUint64Array.from({ length: replicas }, (_, i) => pointOf(`${host}${i}`));
      known.set(host, points);
    }
    return points;
  };
}

/** `hosts` by the name that they are hashed under. */
export function createHashRing<H>(hosts: ReadonlyMap<string, H>, points: Points): HashRing<H> {
  const ring: { readonly point: bigint; readonly host: H }[] = [];
  for (const [name, host] of hosts) for (const point of points(name)) ring.push({ point, host });
  ring.sort((a, b) => (a.point < b.point ? -1 : a.point > b.point ? 1 : 0));
  return {
    ownerOf(id) {
      const wanted = pointOf(id);
      let [from, to] = [0, ring.length];
      while (from < to) {
        const middle = (from + to) >>> 1;
        if (ring[middle]!.point < wanted) from = middle + 1;
        else to = middle;
      }
      const found = ring[from] ?? ring[0];
      if (!found) throw new RangeError('the ring has no host');
      return found.host;
    },
  };
}
