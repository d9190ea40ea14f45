/**
 * Deadlines of calls. Calls with the default timeout expire in the order in
 * which they came, so they share one list and one wake-up; an explicit deadline
 * has a wake-up of its own. A call made inside a turn with the turn's deadline
 * needs neither: the turn's own expiry abandons it.
 */
import { timeoutError, type Call } from './call.ts';
import type { Clock } from './ports.ts';

export class Deadlines {
  readonly #clock: Clock;
  #head: Call | undefined;
  #tail: Call | undefined;
  #armed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For calls whose deadline is now plus the default timeout. */
  watchDefault(call: Call): void {
    call.release = this.#unwatchDefault;
    call.previousDeadline = this.#tail;
    if (this.#tail) this.#tail.nextDeadline = call;
    else this.#head = call;
    this.#tail = call;
    if (!this.#armed) this.#arm(call.deadline);
  }

  readonly #unwatchDefault = (call: Call): void => {
    if (call.previousDeadline) call.previousDeadline.nextDeadline = call.nextDeadline;
    else if (this.#head === call) this.#head = call.nextDeadline;
    else return;
    if (call.nextDeadline) call.nextDeadline.previousDeadline = call.previousDeadline;
    else this.#tail = call.previousDeadline;
    call.previousDeadline = undefined;
    call.nextDeadline = undefined;
  };

  /** For calls with a deadline of their own. */
  watch(call: Call): void {
    const timer = this.#clock.timer(call.deadline, () => call.abandon(timeoutError(call)), {
      background: true,
    });
    const before = call.release;
    call.release = (settled) => {
      timer.cancel();
      before?.(settled);
    };
  }

  #arm(at: number): void {
    this.#armed = true;
    this.#clock.timer(at, () => this.#expire(), { background: true });
  }

  #expire(): void {
    this.#armed = false;
    const now = this.#clock.now();
    while (this.#head && this.#head.deadline <= now) {
      const call = this.#head;
      this.#unwatchDefault(call);
      call.abandon(timeoutError(call));
    }
    if (this.#head) this.#arm(this.#head.deadline);
  }
}
