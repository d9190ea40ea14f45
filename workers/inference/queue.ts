/**
 * The requests that wait for one version of a model: a line for each priority,
 * and before them those that are run alone after a batch failed. A request
 * that was given up stays in its line as a dead entry until its turn comes, or
 * until there are more of its kind than of those that wait.
 */
import type { CheckedInputs, Prediction } from './request.ts';

/** A request from its admission until it is answered. */
export interface Waiting extends CheckedInputs {
  /** From 1. */
  readonly priority: number;
  /** Milliseconds since the epoch; Infinity: none. */
  readonly deadline: number;
  /** By performance.now(). */
  readonly since: number;
  state: 'waiting' | 'running' | 'answered';
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: Error) => void;
  /** Stops listening to the caller's signal. */
  release: (() => void) | undefined;
  /** Takes the batch back that it was handed over with; false when that has started. */
  revoke: (() => boolean) | undefined;
}

class Line {
  #entries: (Waiting | undefined)[] = [];
  #head = 0;

  push(entry: Waiting): void {
    this.#entries.push(entry);
  }

  /** The first that still waits. */
  peek(): Waiting | undefined {
    for (;;) {
      const entry = this.#entries[this.#head];
      if (entry === undefined || entry.state === 'waiting') return entry;
      this.#drop();
    }
  }

  shift(): Waiting | undefined {
    const entry = this.peek();
    if (entry) this.#drop();
    return entry;
  }

  *[Symbol.iterator](): Generator<Waiting> {
    // A sweep meanwhile puts another list in the place of this one.
    const entries = this.#entries;
    for (let at = this.#head; at < entries.length; at++) yield entries[at]!;
  }

  /** Lets go of what no longer waits. */
  sweep(): void {
    this.#entries = [...this].filter(({ state }) => state === 'waiting');
    this.#head = 0;
  }

  #drop(): void {
    this.#entries[this.#head++] = undefined;
    if (this.#head === this.#entries.length) {
      this.#entries = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

/** Dead entries that are not worth a sweep. */
const FEW = 1024;

export class RequestQueue {
  readonly #lines: readonly Line[];
  readonly #rows: number[];
  readonly #alone = new Line();
  readonly #returned = new Line();
  /** Requests that left since the last sweep. */
  #left = 0;
  /** Rows that wait, over all priorities. */
  rows = 0;
  requests = 0;

  constructor(levels: number) {
    this.#lines = Array.from({ length: levels }, () => new Line());
    this.#rows = Array.from({ length: levels }, () => 0);
  }

  push(entry: Waiting): void {
    this.#lines[entry.priority - 1]!.push(entry);
    this.#count(entry, 1);
  }

  /** Puts it before all others, to be run by itself. */
  pushAlone(entry: Waiting): void {
    entry.state = 'waiting';
    this.#alone.push(entry);
    this.#count(entry, 1);
  }

  /** Puts back what was handed over and not started, before all but those that run alone. */
  giveBack(entry: Waiting): void {
    entry.state = 'waiting';
    this.#returned.push(entry);
    this.#count(entry, 1);
  }

  /** The most urgent. */
  peek(): Waiting | undefined {
    const first = this.#alone.peek() ?? this.#returned.peek();
    if (first) return first;
    for (const line of this.#lines) {
      const entry = line.peek();
      if (entry) return entry;
    }
    return undefined;
  }

  /** The most urgent requests that fit into `most` rows together. */
  take(most: number): Waiting[] {
    const alone = this.#alone.shift();
    if (alone) return [this.#started(alone)];
    const batch: Waiting[] = [];
    let room = most;
    const fillFrom = (line: Line): boolean => {
      for (;;) {
        const next = line.peek();
        if (!next) return true;
        if (next.rows > room) return false;
        line.shift();
        batch.push(this.#started(next));
        room -= next.rows;
      }
    };
    if (fillFrom(this.#returned)) this.#lines.every(fillFrom);
    return batch;
  }

  /** Counts a waiting request out that was answered before its turn. */
  leave(entry: Waiting): void {
    this.#count(entry, -1);
    if (++this.#left <= Math.max(FEW, this.requests)) return;
    this.#left = 0;
    for (const line of this.#all) line.sweep();
  }

  /** Rows that go before or with a new request of the priority. */
  rowsUpTo(priority: number): number {
    if (this.#rows.length === 1) return this.rows;
    let rows = 0;
    for (let level = 0; level < Math.min(priority, this.#rows.length); level++) {
      rows += this.#rows[level]!;
    }
    return rows;
  }

  *[Symbol.iterator](): Generator<Waiting> {
    for (const line of this.#all) {
      for (const entry of line) if (entry.state === 'waiting') yield entry;
    }
  }

  get #all(): readonly Line[] {
    return [this.#alone, this.#returned, ...this.#lines];
  }

  #started(entry: Waiting): Waiting {
    this.#count(entry, -1);
    entry.state = 'running';
    return entry;
  }

  #count(entry: Waiting, sign: 1 | -1): void {
    this.#rows[entry.priority - 1]! += sign * entry.rows;
    this.rows += sign * entry.rows;
    this.requests += sign;
  }
}
