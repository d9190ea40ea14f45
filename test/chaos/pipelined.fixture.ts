/**
 * Actors for the tests of pipelined commits: a counter that tells a journal of
 * every step, by durable send, by call, or not at all, and a way to hold the
 * store at any transaction.
 */
import { Actor, ActorError } from '../../runtime/actor/index.ts';
import { TroupeError } from '../../runtime/core/errors.ts';
import type { StoreHands } from './faulty-store.ts';
import { until, type Stage } from '../runtimes/stage.ts';

export class Counter extends Actor<Stage> {
  static readonly type = 'Counter';
  static readonly options = { readOnly: ['look'] };
  readonly #count = this.state('count', { initial: () => 0 });
  readonly #fired = this.state('fired', { initial: (): Record<string, number> => ({}) });

  async add(by = 1): Promise<number> {
    const count = (await this.#count.get()) + by;
    this.#count.set(count);
    return count;
  }

  /** Adds, and has the journal note the count by a durable send. */
  async tell(by = 1): Promise<number> {
    const count = await this.add(by);
    this.ctx.outbox.ref<Journal>('Journal', this.ctx.id).note(count);
    return count;
  }

  /** Adds one, and plans a reminder of its own that will count itself. */
  async plan(): Promise<number> {
    const count = await this.add();
    await this.ctx.reminders.set(`r${count}`, { due: '10s' });
    return count;
  }

  /** Changes nothing, and has the journal note the count it saw by a call. */
  async show(): Promise<number> {
    const count = await this.#count.get();
    await this.ctx.ref<Journal>('Journal', this.ctx.id).note(count);
    return count;
  }

  async look(): Promise<number> {
    return this.#count.get();
  }

  /** Sees the count, waits at the gate, and then shows, refuses, adds or reads on. */
  async linger(then: 'show' | 'refuse' | 'add' | 'read other'): Promise<unknown> {
    const count = await this.#count.get();
    await this.ctx.services.gate('go on');
    if (then === 'show') await this.ctx.ref<Journal>('Journal', this.ctx.id).note(count);
    if (then === 'refuse') throw new ActorError('REFUSED', `the count is ${count}`);
    if (then === 'read other') return this.#fired.get();
    return then === 'add' ? this.add() : count;
  }

  /** Refuses, and says what count it saw. */
  async refuse(): Promise<never> {
    throw new ActorError('REFUSED', `the count is ${await this.#count.get()}`);
  }

  async fired(): Promise<Record<string, number>> {
    return this.#fired.get();
  }

  override async onReminder({ name }: { name: string }): Promise<void> {
    const fired = await this.#fired.get();
    fired[name] = (fired[name] ?? 0) + 1;
  }
}

export class Journal extends Actor {
  static readonly type = 'Journal';
  readonly #notes = this.state('notes', { initial: (): number[] => [] });

  async note(count: number): Promise<void> {
    (await this.#notes.get()).push(count);
  }

  async notes(): Promise<number[]> {
    return this.#notes.get();
  }
}

export const actors = [Counter, Journal];

export type Outcome = 'done' | 'refused' | 'done unheard' | 'conflict';

export interface Bench extends StoreHands {
  /** From now on transactions of this actor wait until they are let go. */
  hold(id?: string): void;
  /** Waits until that many are held. */
  held(count: number): Promise<void>;
  /** Lets the oldest held one end so; the others stay. */
  letGo(outcome: Outcome): void;
  /** Lets all go, and holds no more. */
  free(): void;
  /** Reads of such keys wait until the function that it gives is called. */
  holdReads(part?: string): () => void;
  readonly heldReads: number;
}

/** A store whose transactions the test ends one by one. */
export function createBench(): Bench {
  const waiting: ((outcome: Outcome) => void)[] = [];
  let prefix: string | undefined;
  let reads: { readonly part: string; readonly free: Promise<void> } | undefined;
  let heldReads = 0;
  return {
    async transact(go, operations) {
      const isHeld =
        prefix !== undefined &&
        operations.some((one) => 'key' in one && one.key.startsWith(prefix!));
      if (!isHeld) return go();
      const outcome = await new Promise<Outcome>((resolve) => waiting.push(resolve));
      if (outcome === 'refused') throw new TroupeError('UNAVAILABLE', 'the store refused');
      if (outcome === 'conflict') throw new TroupeError('CONFLICT', 'another was first');
      const done = await go();
      if (outcome === 'done unheard')
        throw new TroupeError('UNAVAILABLE', 'the answer of the store was lost');
      return done;
    },
    async read(go, keys) {
      const held = reads;
      if (held && keys.some((key) => key.includes(held.part))) {
        heldReads++;
        await held.free;
      }
      return go();
    },
    hold: (id = 'c') => void (prefix = `troupe||Counter||${id}||`),
    held: (count) => until(() => waiting.length >= count, `${count} transactions are held`),
    letGo(outcome) {
      const next = waiting.shift();
      if (!next) throw new Error('no transaction is held');
      next(outcome);
    },
    free() {
      prefix = undefined;
      for (const next of waiting.splice(0)) next('done');
    },
    holdReads(part = '') {
      const { promise, resolve } = Promise.withResolvers<void>();
      reads = { part, free: promise };
      return () => {
        reads = undefined;
        resolve();
      };
    },
    get heldReads() {
      return heldReads;
    },
  };
}
