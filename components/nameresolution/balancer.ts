/**
 * Client-side load balancing: which of the instances of an app the next call
 * goes to. One balancer an app; it keeps what it knows of an instance as long
 * as the instance is among those it is given. Calls under way are counted until
 * they are over, wherever their instance is meanwhile.
 */
import type { MetadataField } from '../component.ts';
import type { MetadataReader } from '../metadata.ts';
import type { HostAddress, PickedHost } from './contract.ts';

export interface Balanced {
  readonly id: string;
  /** Share of the calls beside the others. At least 1; default 1. */
  readonly weight?: number;
}

const STRATEGIES = {
  roundRobin: 'to each in its turn',
  weighted: 'by the weight of each',
  leastInFlight: 'to the one with the fewest calls under way from here',
} as const;
export type Strategy = keyof typeof STRATEGIES;

/** The field by which a component chooses among what its driver can. The first is the default. */
export function balancingField(known: readonly [Strategy, ...Strategy[]]): MetadataField {
  const meanings = known.map((strategy) => `\`${strategy}\` (${STRATEGIES[strategy]})`);
  const description = `Which of several hosts a call goes to: ${meanings.join(', ')}. Default \`${known[0]}\`.`;
  return { name: 'balancing', description };
}

/** @throws ComponentError INVALID_ARGUMENT for a strategy that is not among `known`. */
export function readBalancing(
  metadata: MetadataReader,
  known: readonly [Strategy, ...Strategy[]],
): Strategy {
  const text = metadata.text('balancing') ?? known[0];
  const strategy = known.find((one) => one === text);
  if (strategy) return strategy;
  throw metadata.refuse('balancing', `must be one of ${known.join(', ')}`);
}

export interface Picked<T> {
  readonly instance: T;
  /** Says that the call is over; calling it twice counts once. */
  release(): void;
}

export class Balancer<T extends Balanced> {
  readonly #strategy: Strategy;
  #turn = 0;
  #credit = new Map<string, number>();
  readonly #inFlight: Map<string, number>;

  /** @param inFlight calls under way by id, for balancers that share them. */
  constructor(strategy: Strategy, inFlight: Map<string, number> = new Map()) {
    this.#strategy = strategy;
    this.#inFlight = inFlight;
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

/** The balancers of all apps of one resolver. */
export class HostBalancer<T extends Balanced & HostAddress> {
  readonly #strategy: Strategy;
  readonly #inFlight = new Map<string, number>();
  readonly #apps = new Map<string, Balancer<T>>();

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
  }

  /** Undefined when there is no host; the app is forgotten then, calls under way are not. */
  pick(appId: string, hosts: readonly T[]): PickedHost | undefined {
    const balancer = this.#apps.get(appId) ?? new Balancer<T>(this.#strategy, this.#inFlight);
    const picked = balancer.pick(hosts);
    if (!picked) {
      this.#apps.delete(appId);
      return undefined;
    }
    this.#apps.set(appId, balancer);
    const { instance, release } = picked;
    const { host, port } = instance;
    if (this.#strategy === 'leastInFlight') return { host, port, release };
    release();
    return { host, port };
  }
}
