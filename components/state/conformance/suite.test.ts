/** The suite itself: it holds a store of few features to its refusals, and it notices a store that is wrong. */
import { describe, expect, it } from 'vitest';
import { ComponentError } from '../../../runtime/core/errors.ts';
import { type TestClock, testOptions } from '../../test-clock.ts';
import type { StateOperation, StateStore } from '../contract.ts';
import { stateKind } from '../index.ts';
import { checkAgainstModel } from './model.ts';
import { STATE_FEATURES, type StateFeature } from './subject.ts';
import { stateConformance } from './suite.ts';

async function createMemory(clock: TestClock): Promise<StateStore> {
  const driver = await stateKind.drivers[0]!.load();
  return driver.create(testOptions('state.in-memory', {}, clock), {
    signal: new AbortController().signal,
  });
}

/** Passes on to `store`, with some of its operations replaced. */
function wrap(store: StateStore, own: Partial<StateStore>): StateStore {
  return {
    features: store.features,
    get: (...given) => store.get(...given),
    getBulk: (...given) => store.getBulk(...given),
    apply: (...given) => store.apply(...given),
    transact: (...given) => store.transact(...given),
    range: (...given) => store.range(...given),
    ping: (...given) => store.ping(...given),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
    ...own,
  };
}

function featureOf(operation: StateOperation): StateFeature[] {
  const needed: StateFeature[] = [];
  if (operation.kind === 'delete-prefix') return ['DELETE_WITH_PREFIX'];
  if (operation.kind === 'check' || operation.etag !== undefined) needed.push('ETAG');
  if (operation.kind === 'set' && operation.firstWrite) needed.push('ETAG');
  if (operation.kind === 'set' && operation.ttlSeconds !== undefined) needed.push('TTL');
  if (operation.kind !== 'check' && operation.index !== undefined) needed.push('ORDERED_INDEX');
  return needed;
}

/** A store that has only some of the features, as a driver for a plain cache would. */
async function createLimited(
  clock: TestClock,
  features: readonly StateFeature[],
): Promise<StateStore> {
  const store = await createMemory(clock);
  const require = (...needed: StateFeature[]): void => {
    for (const feature of needed)
      if (!features.includes(feature))
        throw new ComponentError({ name: 'subject', type: 'limited' }, `has no ${feature}`, {
          code: 'UNSUPPORTED',
        });
  };
  return wrap(store, {
    features,
    async apply(operation, options) {
      require(...featureOf(operation));
      return store.apply(operation, options);
    },
    async transact(operations, options) {
      if (operations.length > 1) require('TRANSACTIONAL');
      require(...operations.flatMap(featureOf));
      return store.transact(operations, options);
    },
    async range(query, options) {
      // A closed store says so whatever it is asked.
      await store.ping();
      require('ORDERED_INDEX');
      return store.range(query, options);
    },
  });
}

stateConformance({
  name: 'a store without features',
  create: (clock) => createLimited(clock, []),
  features: [],
});

stateConformance({
  name: 'a store with etags and ttl',
  create: (clock) => createLimited(clock, ['ETAG', 'TTL']),
  features: ['ETAG', 'TTL'],
});

describe('the model', () => {
  const broken: [string, (store: StateStore, clock: TestClock) => Partial<StateStore>][] = [
    [
      'ignores etags',
      (store) => ({
        transact: (operations, options) =>
          store.transact(
            operations.map((operation) => {
              if (operation.kind !== 'set') return operation;
              const { etag: _, firstWrite: __, ...blind } = operation;
              return blind;
            }),
            options,
          ),
      }),
    ],
    [
      'forgets the ttl',
      (store) => ({
        transact: (operations, options) =>
          store.transact(
            operations.map((operation) => {
              if (operation.kind !== 'set') return operation;
              const { ttlSeconds: _, ...lasting } = operation;
              return lasting;
            }),
            options,
          ),
      }),
    ],
    [
      'writes before it checks',
      (store) => ({
        async transact(operations, options) {
          const etags: (string | undefined)[] = [];
          for (const operation of operations)
            etags.push(...(await store.transact([operation], options)));
          return etags;
        },
      }),
    ],
    [
      'ends a range too early',
      (store) => ({
        range: async (query, options) =>
          (await store.range(query, options)).filter((item) => item.score !== query.maxScore),
      }),
    ],
  ];

  it.each(broken)('finds a store that %s', async (_, breakIt) => {
    const subject = {
      name: 'broken',
      features: STATE_FEATURES,
      create: async (clock: TestClock) => {
        const store = await createMemory(clock);
        return wrap(store, breakIt(store, clock));
      },
    };
    await expect(checkAgainstModel(subject, 300)).rejects.toThrow(/Property failed/);
  });
});
