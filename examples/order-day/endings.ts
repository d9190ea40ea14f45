/**
 * Who waits for the end of which invoice. Ends are reported by events; when
 * none came for a long time, everybody who waits is asked, so that a lost event
 * delays a run and a saga that stands still ends it with an error.
 */
import { TroupeError } from 'troupe/actor';

export interface EndingsOptions {
  /** Asks the actor itself whether the invoice has ended. */
  readonly ask: (id: string) => Promise<boolean>;
  /** Milliseconds without any end before those who wait are asked. Default 60,000. */
  readonly patienceMs?: number;
}

interface Wait {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Endings implements Disposable {
  readonly #waits = new Map<string, Wait>();
  readonly #ask: (id: string) => Promise<boolean>;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #patienceMs: number;
  #endedLately = false;

  constructor({ ask, patienceMs = 60_000 }: EndingsOptions) {
    this.#ask = ask;
    this.#patienceMs = patienceMs;
    this.#timer = setInterval(() => void this.#look(), patienceMs);
  }

  /** Resolves when the invoice has ended. Ask for it before the invoice can end. */
  of(id: string): Promise<void> {
    let wait = this.#waits.get(id);
    if (!wait) {
      wait = Promise.withResolvers<void>();
      // A wait may fail before anybody awaits it.
      wait.promise.catch(() => {});
      this.#waits.set(id, wait);
    }
    return wait.promise;
  }

  ended(id: string): void {
    this.#endedLately = true;
    this.#waits.get(id)?.resolve();
    this.#waits.delete(id);
  }

  /** Lets everybody who waits go. */
  giveUp(): void {
    for (const id of [...this.#waits.keys()]) this.ended(id);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.giveUp();
  }

  async #look(): Promise<void> {
    const ids = [...this.#waits.keys()];
    if (this.#endedLately || ids.length === 0) {
      this.#endedLately = false;
      return;
    }
    try {
      for (const id of ids) if (await this.#ask(id)) this.ended(id);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#endedLately) return;
    const seconds = Math.round(this.#patienceMs / 1000);
    const named = ids.slice(0, 5).join(', ');
    const message = `no invoice ended for ${seconds} s; ${ids.length} are under way, among them ${named}: see GET .../method/history of one, and start the run again to go on`;
    this.#fail(new TroupeError('TIMEOUT', message));
  }

  #fail(error: unknown): void {
    for (const wait of this.#waits.values()) wait.reject(error);
    this.#waits.clear();
  }
}
