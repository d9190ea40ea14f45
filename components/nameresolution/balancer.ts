/**
 * Client-side load balancing: which of the instances of an app the next call
 * goes to. One balancer an app; it keeps what it knows of an instance as long
 * as the instance is among those it is given.
 */

export interface Balanced {
  readonly id: string;
  /** Share of the calls beside the others. At least 1; default 1. */
  readonly weight?: number;
}

export const STRATEGIES = ['roundRobin', 'weighted', 'leastInFlight'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export interface Picked<T> {
  readonly instance: T;
  /** Says that the call is over; calling it twice counts once. */
  release(): void;
}

export class Balancer<T extends Balanced> {
  readonly #strategy: Strategy;
  #turn = 0;
  #credit = new Map<string, number>();
  readonly #inFlight = new Map<string, number>();

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
  }

  /** Undefined when there is no instance. */
  pick(instances: readonly T[]): Picked<T> | undefined {
    const instance = this.#choose(instances);
    if (!instance) return undefined;
    const { id } = instance;
    this.#inFlight.set(id, this.#busy(id) + 1);
    let isOver = false;
    return {
      instance,
      release: () => {
        if (isOver) return;
        isOver = true;
        const left = this.#busy(id) - 1;
        if (left === 0) this.#inFlight.delete(id);
        else this.#inFlight.set(id, left);
      },
    };
  }

  #choose(instances: readonly T[]): T | undefined {
    switch (this.#strategy) {
      case 'roundRobin':
        return instances[this.#turn++ % Math.max(1, instances.length)];
      case 'weighted':
        return this.#weighted(instances);
      case 'leastInFlight': {
        // Begins at another place each time, so that equals take turns.
        const start = this.#turn++ % Math.max(1, instances.length);
        const order = [...instances.slice(start), ...instances.slice(0, start)];
        return order.toSorted((a, b) => this.#busy(a.id) - this.#busy(b.id))[0];
      }
    }
    return this.#strategy satisfies never;
  }

  /** Each gains its weight and the richest pays for all: shares are exact and never in bursts. */
  #weighted(instances: readonly T[]): T | undefined {
    const weights = instances.map(({ weight = 1 }) => weight);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const credit = new Map<string, number>();
    let best: T | undefined;
    instances.forEach((instance, i) => {
      const has = (this.#credit.get(instance.id) ?? 0) + weights[i]!;
      credit.set(instance.id, has);
      if (!best || has > credit.get(best.id)!) best = instance;
    });
    if (best) credit.set(best.id, credit.get(best.id)! - total);
    this.#credit = credit;
    return best;
  }

  #busy(id: string): number {
    return this.#inFlight.get(id) ?? 0;
  }
}
