/** The counters that every question calls: one as an actor in memory, one that commits, and their peers. */
import { dispatch, query, spawn, start, type Ref } from 'nact';
import { Actor } from 'troupe/actor';

/** What a caller sends; every contender takes the same and answers with the count. */
export interface Hit {
  readonly by: number;
}

export const HIT: Hit = { by: 1 };

export interface CounterApi {
  hit(hit: Hit): Promise<number>;
}

/** Lives in memory only. */
export class Volatile extends Actor {
  static readonly type = 'Volatile';
  #count = 0;

  async hit({ by }: Hit): Promise<number> {
    this.#count += by;
    return this.#count;
  }
}

/** Commits its count in every turn. */
export class Durable extends Actor {
  static readonly type = 'Durable';
  readonly #count = this.state('count', { initial: () => ({ value: 0 }) });

  async hit({ by }: Hit): Promise<number> {
    const count = await this.#count.get();
    count.value += by;
    return count.value;
  }
}

/** Declares state and does not use it in the call: what an actor of an application weighs while it rests. */
export class Declared extends Actor {
  static readonly type = 'Declared';
  readonly count = this.state('count', { initial: () => ({ value: 0 }) });
  #hits = 0;

  async hit({ by }: Hit): Promise<number> {
    this.#hits += by;
    return this.#hits;
  }
}

/** No actor at all: an object with an async method. */
export class Plain implements CounterApi {
  #count = 0;

  async hit({ by }: Hit): Promise<number> {
    this.#count += by;
    return this.#count;
  }
}

interface NactHit extends Hit {
  readonly sender: Ref<number>;
}

const NACT_TIMEOUT_MS = 60_000;

/** Actors of nact that count; `ask` is nact's query, its request with an answer. */
export function nactCounters(): {
  spawn(name: string): Ref<NactHit>;
  ask(actor: Ref<NactHit>, hit: Hit): Promise<number>;
} {
  const system = start();
  return {
    spawn: (name) =>
      spawn(
        system,
        (state: number, { by, sender }: NactHit) => {
          const count = state + by;
          dispatch(sender, count);
          return count;
        },
        name,
        { initialState: 0 },
      ),
    ask: (actor, { by }) =>
      query(actor, (sender: Ref<number>): NactHit => ({ by, sender }), NACT_TIMEOUT_MS),
  };
}
