/**
 * Several searches that work as one: between two meetings each changes only the
 * routes it was given, which lie together; at a meeting all show what they have,
 * the parts are joined, and the routes are divided anew around another customer.
 * Where there are too few routes to divide, each searches all of them and, in
 * the second half, all go on from the best. Members meet in shared memory; one
 * that does not come within its time ends the team, and each goes on alone with
 * a whole plan.
 */
import type { TeamInput } from '../../protocol.ts';
import type { Best, Search } from './anneal.ts';
import { isBetter, measure } from './links.ts';
import { Random } from './random.ts';
import type { Tours } from './tours.ts';

/** Routes a member needs for a division to leave it enough to exchange between. */
const ROUTES_EACH = 6;
const WAIT_MS = 20;
const BROKEN = 0;
/** What stands on a member's board: its routes now, and the best since the last meeting. */
const NOW = 0;
const BEST = 1;
/** Part of the search after which all go on from the best. */
const FOLLOW_FROM = 0.5;

export interface Team {
  /** How the team stands: it goes on; it is done, all with the same best; or a member did not come. */
  readonly state: 'together' | 'done' | 'apart';
  /** Joins what all have found. `part` of the search is done; `leaving` ends the team with this meeting. */
  meet(part: number, leaving: boolean, patienceMs: number): void;
}

export function createTeam(input: TeamInput, tours: Tours, search: Search): Team {
  const { memory, member, members } = input;
  const { size, slots, capacity, instance } = tours;
  const nodes = tours.next.length;
  const words = new Int32Array(memory);
  const board = (of: number, parity: number, which: number): Int32Array => {
    const at = 1 + members + ((of * 2 + parity) * 2 + which) * nodes;
    return words.subarray(at, at + nodes);
  };
  const real = capacity.slice();
  const owner = new Int32Array(slots);
  const now = new Int32Array(nodes);
  const best = new Int32Array(nodes);
  /** The best that any member has had by the last meeting. */
  const overall = new Int32Array(nodes);
  let known: Best = { cost: Infinity, absent: Infinity, routes: 0 };
  let divided = false;
  let meetings = 0;
  let state: Team['state'] = 'together';

  /** Whether all came; `leaves` when one of them leaves. */
  const arrive = (leaving: boolean, patienceMs: number): 'all' | 'leaves' | 'broken' => {
    const mark = meetings * 2;
    Atomics.store(words, 1 + member, mark + (leaving ? 1 : 0));
    Atomics.notify(words, 1 + member);
    let leaves = leaving;
    const until = performance.now() + patienceMs;
    for (let other = 0; other < members; other++) {
      for (;;) {
        if (Atomics.load(words, BROKEN) === 1) return 'broken';
        const seen = Atomics.load(words, 1 + other);
        if (seen >= mark) {
          if (seen === mark + 1) leaves = true;
          break;
        }
        if (performance.now() > until) {
          Atomics.store(words, BROKEN, 1);
          return 'broken';
        }
        Atomics.wait(words, 1 + other, seen, WAIT_MS);
      }
    }
    return leaves ? 'leaves' : 'all';
  };

  /** Each route from the member that had it. */
  const join = (parity: number, which: number, into: Int32Array): void => {
    for (let slot = 0; slot < slots; slot++) {
      const from = board(owner[slot]!, parity, which);
      let node = size + slot;
      do {
        into[node] = from[node]!;
        node = from[node]!;
      } while (node < size);
    }
  };

  /** The member with the best routes. */
  const leader = (parity: number, which: number): number => {
    let of = 0;
    let found = measure(tours, board(0, parity, which));
    for (let other = 1; other < members; other++) {
      const one = measure(tours, board(other, parity, which));
      if (isBetter(one, found)) [of, found] = [other, one];
    }
    return of;
  };

  /** Routes sorted by their distance from one customer, in as many parts of equal stops as there are members. */
  const divide = (): void => {
    const { distance, depots } = instance;
    const pivot = depots + new Random(meetings).below(size - depots);
    const used = Array.from(tours.used.subarray(0, tours.usedCount)).map((slot) => {
      let sum = 0;
      const ring = size + slot;
      for (let node = tours.next[ring]!; node < size; node = tours.next[node]!) {
        sum += distance[pivot * size + node]!;
      }
      return { slot, stops: tours.count[slot]!, apart: sum / tours.count[slot]! };
    });
    used.sort((a, b) => a.apart - b.apart || a.slot - b.slot);
    const each = (size - depots) / members;
    let stops = 0;
    for (let slot = 0; slot < slots; slot++) owner[slot] = slot % members;
    for (const route of used) {
      owner[route.slot] = Math.min(members - 1, Math.floor((stops + route.stops / 2) / each));
      stops += route.stops;
    }
    for (let slot = 0; slot < slots; slot++) {
      capacity[slot] = owner[slot] === member ? real[slot]! : -1;
    }
  };

  return {
    get state() {
      return state;
    },
    meet(part, leaving, patienceMs) {
      const parity = ++meetings % 2;
      search.read(board(member, parity, NOW), board(member, parity, BEST));
      const came = arrive(leaving, patienceMs);
      capacity.set(real);
      if (came !== 'all') state = came === 'broken' ? 'apart' : 'done';
      if (came === 'broken') {
        now.set(tours.next);
        best.set(board(member, parity, BEST));
      } else if (divided) {
        join(parity, NOW, now);
        join(parity, BEST, best);
      } else {
        best.set(board(leader(parity, BEST), parity, BEST));
        const follows = meetings === 1 || part > FOLLOW_FROM;
        now.set(board(follows ? leader(parity, NOW) : member, parity, NOW));
      }
      const found = measure(tours, best);
      if (isBetter(found, known)) {
        known = found;
        overall.set(best);
      }
      const divides = state === 'together' && (divided || meetings === 1 || part > FOLLOW_FROM);
      const { absent, routes } = measure(tours, now);
      divided = divides && absent === 0 && routes >= ROUTES_EACH * members;
      // Parts of one division can only be joined with each other, so each begins with its own best.
      search.adopt(now, divided ? now : overall);
      if (divided) divide();
    },
  };
}
