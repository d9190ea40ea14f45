/** The timers of one activation, kept in memory here or by a service outside; they end with it. */
import type { Activation } from './activation.ts';
import { LocalValue } from './codec.ts';
import type { TimerSpec } from './ports.ts';
import { planTimer, Timers } from './timers.ts';

export class ActivationTimers {
  readonly #activation: Activation;
  #timers: Timers | undefined = undefined;
  /** Names of those that a service outside keeps. */
  readonly #served = new Set<string>();

  constructor(activation: Activation) {
    this.#activation = activation;
  }

  get count(): number {
    return (this.#timers?.count ?? 0) + this.#served.size;
  }

  /** null: the timer is to be stopped. */
  apply(name: string, spec: TimerSpec | null): void {
    if (!spec) {
      this.#timers?.delete(name);
      return;
    }
    const { parts, type, id } = this.#activation;
    this.#timers ??= new Timers(parts.clock, (firing, method) =>
      parts
        .enter({
          type,
          id,
          method: method ?? firing.name,
          kind: 'timer',
          payload: new LocalValue({ firing, method }),
        })
        .catch((error: unknown) =>
          parts.logger.warn(
            { actor: { type, id }, timer: firing.name, err: error },
            'timer failed',
          ),
        ),
    );
    this.#timers.set(name, planTimer(name, spec, this.#activation.now()));
  }

  /** The same where a service outside keeps timers. */
  async applyServed(name: string, spec: TimerSpec | null): Promise<void> {
    const { parts, address } = this.#activation;
    if (spec) {
      await parts.timers!.set(address, name, spec);
      this.#served.add(name);
    } else {
      await parts.timers!.delete(address, name);
      this.#served.delete(name);
    }
  }

  clear(): void {
    this.#timers?.clear();
    const { parts, address } = this.#activation;
    for (const name of this.#served) parts.track(parts.timers!.delete(address, name));
    this.#served.clear();
  }
}
