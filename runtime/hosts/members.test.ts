/** Engines that share actors: what becomes of calls and turns when an actor moves from one to the other. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createRegistry } from '../../components/registry.ts';
import { testOptions } from '../../components/test-clock.ts';
import { Actor } from '../actor/index.ts';
import { LocalValue } from '../core/codec.ts';
import { Engine } from '../core/engine.ts';
import type { PeerCall } from '../core/peer.ts';
import type { ActorRuntime, ActorStore, Owner } from '../core/ports.ts';
import { createComponentStore } from '../stores/component-store.ts';
import { createInProcessTarget } from '../targets/in-process.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const actor = { type: 'Counter', id: 'c' };
const DRAIN_MS = 2000;

/** A turn that waits says so and goes on when it is let. */
interface Held {
  readonly reached: PromiseWithResolvers<void>;
  readonly gate: PromiseWithResolvers<void>;
}
let held: Held;
beforeEach(() => {
  held = { reached: Promise.withResolvers(), gate: Promise.withResolvers() };
});

class Counter extends Actor {
  static readonly type = 'Counter';
  readonly #n = this.state('n', { initial: () => 0 });

  async add(by: number): Promise<number> {
    const n = (await this.#n.get()) + by;
    this.#n.set(n);
    return n;
  }

  async addLate(): Promise<number> {
    this.#n.set((await this.#n.get()) + 1);
    held.reached.resolve();
    await held.gate.promise;
    return this.#n.get();
  }
}

async function openStore(): Promise<ActorStore> {
  const { driver, kind } = await createRegistry().resolve('state.in-memory');
  if (kind !== 'state') throw new Error('not a state store');
  const options = testOptions('state.in-memory', {});
  const store = await driver.create(options, { signal: new AbortController().signal });
  return createComponentStore({ store, appId: 'app' });
}

async function openMembers() {
  const { clock, expire } = createVirtualClock(0, async () => {});
  const store = await openStore();
  const engines = new Map<string, Engine>();
  const terms = new Map<string, Promise<number>>();
  let owner = 'a';
  /** Set while nobody is told the owner. */
  let round: PromiseWithResolvers<void> | undefined;

  const termOf = (name: string): Promise<number> => {
    const term = terms.get(name) ?? store.nextTerm();
    terms.set(name, term);
    return term;
  };

  async function ownerFor(name: string): Promise<Owner> {
    await round?.promise;
    if (owner !== name) return { kind: 'peer', address: owner };
    return { kind: 'here', term: await termOf(name) };
  }

  for (const name of ['a', 'b']) {
    const engine = new Engine({
      clock,
      random: { id: () => crypto.randomUUID() },
      store,
      logger: silent,
      publisher: () => undefined,
      targets: (self) => [createInProcessTarget(Counter, self, undefined)],
      interceptors: [],
      defaultTimeoutMs: 60_000,
      placement: {
        owner: () => ownerFor(name),
        fenced: () => void terms.delete(name),
        async [Symbol.asyncDispose]() {},
      },
      peer: {
        call: (address, { type, id, method, payload, deadline }: PeerCall, signal) =>
          engines
            .get(address)!
            .actors.call({ type, id, method, payload, deadline, signal, isForwarded: true }),
      },
    });
    engines.set(name, engine);
  }

  return {
    expire,
    terms,
    call: (through: string, method: string, argument: unknown): ReturnType<ActorRuntime['call']> =>
      engines.get(through)!.actors.call({ ...actor, method, payload: new LocalValue(argument) }),
    active: (name: string) => engines.get(name)!.actors.isActive(actor),
    /** The actor goes to the other one; resolves when nothing of it runs any more where it was. */
    async move(to: string): Promise<void> {
      const from = engines.get(owner)!;
      round = Promise.withResolvers();
      owner = to;
      terms.clear();
      await from.halt(() => to === 'a' && from === engines.get('a'));
      round.resolve();
      round = undefined;
    },
  };
}

describe('an actor that moves', () => {
  it('is reached through either member, before and after, with its state', async () => {
    const { call, move, active } = await openMembers();
    expect(await call('b', 'add', 1)).toMatchObject({ value: 1 });
    expect([active('a'), active('b')]).toEqual([true, false]);
    await move('b');
    expect(await call('a', 'add', 1)).toMatchObject({ value: 2 });
    expect([active('a'), active('b')]).toEqual([false, true]);
    await move('a');
    expect(await call('a', 'add', 1)).toMatchObject({ value: 3 });
  });

  it('first ends its turn, and the calls that wait go along', async () => {
    const { call, move } = await openMembers();
    const turn = call('a', 'addLate', undefined);
    await held.reached.promise;
    const waiting = [call('a', 'add', 1), call('b', 'add', 1)];
    const moved = move('b');
    held.gate.resolve();
    await moved;
    expect(await turn).toMatchObject({ value: 1 });
    const values = (await Promise.all(waiting)).map((one) => (one as LocalValue).value);
    expect(new Set(values)).toEqual(new Set([2, 3]));
  });

  it('gives up a turn that does not end in time: its caller is told, and nothing of it is stored', async () => {
    const { call, move, expire } = await openMembers();
    const turn = call('a', 'addLate', undefined);
    turn.catch(() => {});
    await held.reached.promise;
    const moved = move('b');
    await vi.waitFor(() => {
      expire(DRAIN_MS);
      return moved;
    });
    await expect(turn).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      details: { started: true },
    });
    expect(await call('a', 'add', 1)).toMatchObject({ value: 1 });
    held.gate.resolve();
    expect(await call('b', 'add', 1)).toMatchObject({ value: 2 });
  });

  it('is looked for again when the member that was asked does not have it any more', async () => {
    const { call, move, expire } = await openMembers();
    await call('a', 'add', 1);
    const late = call('b', 'add', 1);
    await move('b');
    await move('a');
    await vi.waitFor(() => {
      expire(1000);
      return late;
    });
    expect(await late).toMatchObject({ value: 2 });
  });
});
