/**
 * A host whose actor store does as a test says: every transaction and every
 * read passes the test's hands, which may hold it, refuse it before it is done,
 * or lose the answer of one that was done.
 */
import type { Driver } from '../../components/component.ts';
import type { Registry, ResolvedDriver } from '../../components/registry.ts';
import type { StateOperation, StateStore } from '../../components/state/contract.ts';
import { TroupeError } from '../../runtime/core/errors.ts';
import {
  createTestHost,
  type TestHost,
  type TestHostOptions,
} from '../../runtime/testing/index.ts';
import type { Dice } from './random.ts';

export interface StoreHands {
  /** Runs one transaction: `go` does it. */
  transact?<T>(go: () => Promise<T>, operations: readonly StateOperation[]): Promise<T>;
  /** Runs one read of one or several keys. */
  read?<T>(go: () => Promise<T>, keys: readonly string[]): Promise<T>;
}

export function openFaulty(options: TestHostOptions, hands: StoreHands): Promise<TestHost> {
  return createTestHost(options, { wrap: (registry) => wrapped(registry, hands) });
}

function wrapped(registry: Registry, hands: StoreHands): Registry {
  return {
    types: () => registry.types(),
    async resolve(type, version) {
      const resolved = await registry.resolve(type, version);
      if (resolved.kind !== 'state') return resolved;
      const driver: Driver<StateStore> = {
        fields: resolved.driver.fields,
        create: async (options, context) =>
          handed(await resolved.driver.create(options, context), hands),
      };
      return { ...resolved, driver } satisfies ResolvedDriver;
    },
  };
}

function handed(store: StateStore, hands: StoreHands): StateStore {
  const { transact = (go) => go(), read = (go) => go() } = hands;
  return new Proxy(store, {
    get(target, property) {
      if (property === 'transact')
        return (operations: readonly StateOperation[]) =>
          transact(() => target.transact(operations), operations);
      if (property === 'get') return (key: string) => read(() => target.get(key), [key]);
      if (property === 'getBulk')
        return (keys: readonly string[]) => read(() => target.getBulk(keys), keys);
      return Reflect.get(target, property, target) as unknown;
    },
  });
}

export interface Weather {
  /** Share of transactions refused before they are done. */
  readonly before: number;
  /** Share of transactions that are done, and whose answer is lost. */
  readonly after: number;
  /** Share of reads that fail. */
  readonly reads: number;
}

export interface Storm extends StoreHands {
  /** It begins calm. */
  begin(): void;
  /** From now on the store works. */
  calm(): void;
  /** Transactions that failed: before, and after they were done. */
  readonly failed: { before: number; after: number; reads: number };
}

/** Hands that fail at random, and let the event loop turn a few times in between, so that turns pile up. */
export function createStorm(dice: Dice, weather: Weather): Storm {
  let isCalm = true;
  const failed = { before: 0, after: 0, reads: 0 };
  const fault = (what: string): TroupeError =>
    new TroupeError(dice.falls(0.5) ? 'UNAVAILABLE' : 'COMPONENT', `the store failed ${what}`);
  const linger = async (): Promise<void> => {
    for (let i = dice.between(0, 3); i > 0; i--) await new Promise((go) => setImmediate(go));
  };
  return {
    failed,
    begin: () => void (isCalm = false),
    calm: () => void (isCalm = true),
    async transact(go) {
      if (isCalm) return go();
      await linger();
      if (dice.falls(weather.before)) {
        failed.before++;
        throw fault('before the transaction');
      }
      const done = await go();
      await linger();
      if (dice.falls(weather.after)) {
        failed.after++;
        throw fault('after the transaction');
      }
      return done;
    },
    async read(go) {
      if (isCalm) return go();
      await linger();
      if (dice.falls(weather.reads)) {
        failed.reads++;
        throw fault('to read');
      }
      return go();
    },
  };
}
