/**
 * The subscriptions of one topic inside one process, for brokers whose consumer
 * group hands an event to one process only: every subscription gets it, and
 * the event is done with when each of them is. When some have failed, the next
 * delivery of the same event goes to those alone.
 */
import type { BrokerMessage, MessageHandler, Subscription } from './contract.ts';

/** Events that are remembered because some subscription failed them; the oldest are forgotten. */
const REMEMBERED = 10_000;

class Member implements Subscription {
  readonly #handler: MessageHandler;
  readonly #leave: () => Promise<void>;
  #running = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(handler: MessageHandler, leave: () => Promise<void>) {
    this.#handler = handler;
    this.#leave = leave;
  }

  /** Never throws at once; undefined when the subscription is closed. */
  run(message: BrokerMessage, signal: AbortSignal): Promise<void> | undefined {
    return this.#closing ? undefined : this.#run(message, signal);
  }

  async #run(message: BrokerMessage, signal: AbortSignal): Promise<void> {
    this.#running++;
    try {
      await this.#handler(message, { signal });
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle?.resolve();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const idle = Promise.withResolvers<void>();
    this.#idle = idle;
    if (this.#running === 0) idle.resolve();
    await Promise.allSettled([idle.promise, this.#leave()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class FanOut {
  readonly #members = new Set<Member>();
  /** By the broker's id of an event that some subscription failed: those that are done with it. */
  readonly #done = new Map<string, Set<Member>>();

  get size(): number {
    return this.#members.size;
  }

  /** @param left called once when the subscription has been closed; its close() waits for it. */
  add(handler: MessageHandler, left: () => Promise<void>): Subscription {
    const member = new Member(handler, () => {
      this.#members.delete(member);
      return left();
    });
    this.#members.add(member);
    return member;
  }

  /**
   * Handlers are started in the order of the calls. Rejects with the first
   * failure once every handler has ended, or when nobody took the event.
   */
  deliver(id: string, message: BrokerMessage, signal: AbortSignal): Promise<void> {
    if (this.#members.size === 1 && !this.#done.has(id)) {
      // Nobody else can have had it, so there is nothing to remember.
      for (const member of this.#members) {
        const running = member.run(message, signal);
        if (running) return running;
      }
    }
    return this.#deliverAll(id, message, signal);
  }

  async #deliverAll(id: string, message: BrokerMessage, signal: AbortSignal): Promise<void> {
    const done = this.#done.get(id) ?? new Set<Member>();
    const failures: unknown[] = [];
    const runs: Promise<void>[] = [];
    for (const member of this.#members) {
      const running = done.has(member) ? undefined : member.run(message, signal);
      if (!running) continue;
      const over = running.then(
        () => void done.add(member),
        (error: unknown) => void failures.push(error),
      );
      runs.push(over);
    }
    if (runs.length === 0 && done.size === 0) throw new Error('every subscription has been closed');
    await Promise.all(runs);
    if (failures.length === 0) {
      this.#done.delete(id);
      return;
    }
    this.#done.set(id, done);
    if (this.#done.size > REMEMBERED) this.#done.delete(this.#done.keys().next().value!);
    throw failures[0];
  }
}
