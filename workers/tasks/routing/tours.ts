/**
 * The routes under search, as linked lists over typed arrays: customers are
 * nodes, and each route has one ring node (`size + route`) that stands for its
 * depot at both ends. Every change is logged and can be undone. With windows,
 * each node knows the earliest time its service can start and the latest time
 * that keeps the rest of its route in time, so that an insertion is judged in
 * constant time. Nothing here allocates after construction.
 */
import type { Instance } from './instance.ts';
import { refreshAround, refreshTimes } from './times.ts';

export interface StartRoute {
  readonly fleet: number;
  readonly stops: readonly number[];
  /** Leading stops that stay as they are. */
  readonly frozen: number;
  /** Time the vehicle left its depot, scaled; absent: it may leave whenever the fleet may. */
  readonly departed?: number;
}

export class Tours {
  readonly instance: Instance;
  readonly size: number;
  readonly slots: number;
  readonly next: Int32Array;
  readonly prev: Int32Array;
  /** Route of a node; -1 while a customer is in none. */
  readonly route: Int32Array;
  /** Row of the distance matrix: the node itself, or the depot of a ring node. */
  readonly place: Int32Array;
  /** Distance from a node to its next one. */
  readonly arc: Float64Array;
  /**
   * The most that a place beside a stop can spare: the longer of its two arcs.
   * Infinity beside a depot; -Infinity while the customer is in no route.
   */
  readonly spare: Float32Array;
  readonly earliest: Float64Array;
  readonly latest: Float64Array;
  /** Duration, earliest and latest start of the part up to (`fore`) and from (`back`) a node. */
  readonly foreTime: Float64Array;
  readonly foreLatest: Float64Array;
  readonly backTime: Float64Array;
  readonly backEarliest: Float64Array;
  readonly frozen: Uint8Array;
  readonly load: Float64Array;
  readonly count: Int32Array;
  readonly fleet: Int32Array;
  /** Below 0 while nothing may change in a route. */
  readonly capacity: Float64Array;
  readonly limit: Float64Array;
  readonly opens: Float64Array;
  readonly departs: Float64Array;
  /** Routes with stops, in no order, and where each stands among them. */
  readonly used: Int32Array;
  readonly usedAt: Int32Array;
  usedCount = 0;
  /** Unused routes of each fleet, as stacks. */
  readonly free: Int32Array[];
  readonly freeCount: Int32Array;
  /** Customers in no route, and where each stands among them. */
  readonly absent: Int32Array;
  readonly absentAt: Int32Array;
  absentCount = 0;
  /** Sum of the distances, scaled. */
  cost = 0;

  readonly #log: Int32Array;
  #logged = 0;
  #costBefore = 0;
  readonly #touched: Int32Array;
  #touchedCount = 0;
  readonly #stamp: Int32Array;
  #turn = 1;

  constructor(instance: Instance, start: readonly StartRoute[] = []) {
    const { size, fleets, depots } = instance;
    this.instance = instance;
    this.size = size;
    const slots = fleets.map(({ vehicles }) => Math.min(vehicles, size - depots));
    this.slots = slots.reduce((sum, count) => sum + count, 0);
    const nodes = size + this.slots;
    this.next = new Int32Array(nodes);
    this.prev = new Int32Array(nodes);
    this.route = new Int32Array(nodes).fill(-1);
    this.place = Int32Array.from({ length: nodes }, (_, node) => node);
    this.arc = new Float64Array(nodes);
    this.spare = new Float32Array(nodes).fill(-Infinity);
    this.earliest = new Float64Array(nodes);
    this.latest = new Float64Array(nodes);
    this.foreTime = new Float64Array(nodes);
    this.foreLatest = new Float64Array(nodes);
    this.backTime = new Float64Array(nodes);
    this.backEarliest = new Float64Array(nodes);
    this.frozen = new Uint8Array(nodes);
    this.load = new Float64Array(this.slots);
    this.count = new Int32Array(this.slots);
    this.fleet = new Int32Array(this.slots);
    this.capacity = new Float64Array(this.slots);
    this.limit = new Float64Array(this.slots);
    this.opens = new Float64Array(this.slots);
    this.departs = new Float64Array(this.slots);
    this.used = new Int32Array(this.slots);
    this.usedAt = new Int32Array(this.slots).fill(-1);
    this.absent = new Int32Array(size);
    this.absentAt = new Int32Array(size).fill(-1);
    // A customer leaves and joins at most a few times between two commits.
    this.#log = new Int32Array(size * 8 + 64);
    this.#touched = new Int32Array(this.slots);
    this.#stamp = new Int32Array(this.slots);
    this.freeCount = new Int32Array(fleets.length);
    let slot = 0;
    this.free = fleets.map((fleet, index) => {
      const stack = new Int32Array(slots[index]!);
      for (let i = 0; i < stack.length; i++, slot++) {
        const ring = size + slot;
        this.next[ring] = ring;
        this.prev[ring] = ring;
        this.route[ring] = slot;
        this.place[ring] = fleet.depot;
        this.fleet[slot] = index;
        this.capacity[slot] = fleet.capacity;
        this.limit[slot] = fleet.maxTime;
        this.opens[slot] = fleet.open;
        this.departs[slot] = Infinity;
        this.latest[ring] = fleet.close;
        stack[stack.length - 1 - i] = slot;
      }
      this.freeCount[index] = stack.length;
      return stack;
    });
    for (let node = depots; node < size; node++) this.#addAbsent(node);
    for (let index = 0; index < this.slots; index++) this.refresh(index);
    for (const route of start) this.#load(route);
    this.commit();
  }

  #load({ fleet, stops, frozen, departed }: StartRoute): void {
    if (stops.length === 0) return;
    const slot = this.openable(fleet);
    if (departed !== undefined) {
      this.opens[slot] = departed;
      this.departs[slot] = departed;
      this.refresh(slot);
    }
    let last = this.size + slot;
    stops.forEach((node, at) => {
      this.insert(node, last);
      if (at < frozen) this.frozen[node] = 1;
      last = node;
      this.commit();
    });
  }

  /** A route of that fleet without stops, or -1 when every vehicle is in use. */
  openable(fleet: number): number {
    const stack = this.free[fleet]!;
    for (let at = this.freeCount[fleet]! - 1; at >= 0; at--) {
      const route = stack[at]!;
      if (this.capacity[route]! >= 0) return route;
    }
    return -1;
  }

  #addAbsent(node: number): void {
    this.absent[this.absentCount] = node;
    this.absentAt[node] = this.absentCount++;
  }

  #dropAbsent(node: number): void {
    const at = this.absentAt[node]!;
    const moved = this.absent[--this.absentCount]!;
    this.absent[at] = moved;
    this.absentAt[moved] = at;
    this.absentAt[node] = -1;
  }

  #touch(route: number): void {
    if (this.#stamp[route] === this.#turn) return;
    this.#stamp[route] = this.#turn;
    this.#touched[this.#touchedCount++] = route;
  }

  #measureSpare(node: number): void {
    if (node >= this.size) return;
    const before = this.prev[node]!;
    if (before >= this.size || this.next[node]! >= this.size) this.spare[node] = Infinity;
    else this.spare[node] = Math.max(this.arc[before]!, this.arc[node]!);
  }

  #link(node: number, after: number): void {
    const { next, prev, place, arc, instance } = this;
    const { distance, size } = instance;
    const before = next[after]!;
    const route = this.route[after]!;
    next[after] = node;
    prev[node] = after;
    next[node] = before;
    prev[before] = node;
    arc[after] = distance[place[after]! * size + node]!;
    arc[node] = distance[node * size + place[before]!]!;
    this.#measureSpare(after);
    this.#measureSpare(node);
    this.#measureSpare(before);
    this.route[node] = route;
    this.load[route]! += instance.demand[node]!;
    if (this.count[route]!++ === 0) {
      this.usedAt[route] = this.usedCount;
      this.used[this.usedCount++] = route;
      const fleet = this.fleet[route]!;
      // The free route is taken from the top in forward moves; undoing takes it from anywhere.
      const stack = this.free[fleet]!;
      const left = --this.freeCount[fleet]!;
      if (stack[left] !== route) {
        stack[stack.indexOf(route)] = stack[left]!;
        stack[left] = route;
      }
    }
    this.#dropAbsent(node);
    this.#touch(route);
  }

  #unlink(node: number): void {
    const { next, prev, place, arc, instance } = this;
    const after = prev[node]!;
    const before = next[node]!;
    const route = this.route[node]!;
    next[after] = before;
    prev[before] = after;
    arc[after] = instance.distance[place[after]! * instance.size + place[before]!]!;
    this.spare[node] = -Infinity;
    this.#measureSpare(after);
    this.#measureSpare(before);
    this.route[node] = -1;
    this.load[route]! -= instance.demand[node]!;
    if (--this.count[route]! === 0) {
      this.load[route] = 0;
      const at = this.usedAt[route]!;
      const moved = this.used[--this.usedCount]!;
      this.used[at] = moved;
      this.usedAt[moved] = at;
      this.usedAt[route] = -1;
      const fleet = this.fleet[route]!;
      this.free[fleet]![this.freeCount[fleet]!++] = route;
    }
    this.#addAbsent(node);
    this.#touch(route);
  }

  /** Puts a customer behind a node of a route and brings the route's times up to date. */
  insert(node: number, after: number): void {
    const old = this.arc[after]!;
    this.#link(node, after);
    this.cost += this.arc[after]! + this.arc[node]! - old;
    this.#log[this.#logged++] = node;
    this.#log[this.#logged++] = -1;
    refreshAround(this, node);
  }

  /** Takes a customer out. The times of its route are stale until `refresh`. */
  remove(node: number): void {
    const after = this.prev[node]!;
    const old = this.arc[after]! + this.arc[node]!;
    this.#unlink(node);
    this.cost += this.arc[after]! - old;
    this.#log[this.#logged++] = node;
    this.#log[this.#logged++] = after;
  }

  /** Brings the times of every route up to date that was changed since the last commit. */
  refreshTouched(): void {
    for (let i = 0; i < this.#touchedCount; i++) this.refresh(this.#touched[i]!);
  }

  refresh(route: number): void {
    refreshTimes(this, route);
  }

  /** Keeps what was done since the last commit. */
  commit(): void {
    this.#logged = 0;
    this.#touchedCount = 0;
    this.#turn++;
    this.#costBefore = this.cost;
  }

  /** Takes back everything since the last commit. */
  undo(): void {
    const log = this.#log;
    for (let i = this.#logged - 2; i >= 0; i -= 2) {
      const node = log[i]!;
      const after = log[i + 1]!;
      if (after === -1) this.#unlink(node);
      else this.#link(node, after);
    }
    this.refreshTouched();
    this.cost = this.#costBefore;
    this.commit();
  }
}
