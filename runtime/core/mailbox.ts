/**
 * Who may run on one actor: one exclusive turn, or read-only turns together, in
 * the order in which their calls came. Knows nothing of what a turn does.
 */
import type { Call } from './call.ts';
import type { Turn } from './turn.ts';

export class Mailbox {
  exclusive: Turn | undefined = undefined;
  readers: Set<Turn> | undefined = undefined;
  /** Calls that wait. */
  waiting = 0;
  #head: Call | undefined = undefined;
  #tail: Call | undefined = undefined;

  get busy(): boolean {
    return this.exclusive !== undefined || this.waiting > 0 || (this.readers?.size ?? 0) > 0;
  }

  /** True when a call that comes now may start now without overtaking another. */
  admits(shared: boolean): boolean {
    return (
      this.exclusive === undefined &&
      this.waiting === 0 &&
      (shared || (this.readers?.size ?? 0) === 0)
    );
  }

  push(call: Call): void {
    if (this.#tail) this.#tail.nextQueued = call;
    else this.#head = call;
    this.#tail = call;
    this.waiting++;
  }

  /** A queued call was given up; it is dropped when its place is reached. */
  withdraw(): void {
    this.waiting--;
  }

  /**
   * The next call that may start now. Call it until it has none: readers start
   * together, unless `canShare` is false, as it is until an instance stands.
   */
  take(canShare: boolean): Call | undefined {
    while (this.#head?.settled) this.#shift();
    const head = this.#head;
    if (!head || this.exclusive) return undefined;
    if (!(head.shared && canShare) && (this.readers?.size ?? 0) > 0) return undefined;
    this.#shift();
    this.waiting--;
    return head;
  }

  enter(turn: Turn, shared: boolean): void {
    if (shared) (this.readers ??= new Set()).add(turn);
    else this.exclusive = turn;
  }

  leave(turn: Turn): void {
    if (this.exclusive === turn) this.exclusive = undefined;
    else this.readers?.delete(turn);
  }

  *running(): Iterable<Turn> {
    if (this.exclusive) yield this.exclusive;
    if (this.readers) yield* this.readers;
  }

  /** Ends every waiting call with an error. */
  refuseAll(error: (call: Call) => unknown): void {
    for (const call of this.takeAll()) call.reject(error(call));
  }

  /** Gives up every waiting call; each must be placed elsewhere. */
  takeAll(): Call[] {
    const taken: Call[] = [];
    for (let call = this.#head; call; call = this.#head) {
      this.#shift();
      if (call.settled) continue;
      this.waiting--;
      call.queuedIn = undefined;
      taken.push(call);
    }
    return taken;
  }

  #shift(): void {
    const head = this.#head!;
    this.#head = head.nextQueued;
    if (!this.#head) this.#tail = undefined;
    head.nextQueued = undefined;
  }
}
