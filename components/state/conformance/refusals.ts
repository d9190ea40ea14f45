/** Every feature both ways where the other tests do not: delete by prefix works, and what is not declared is refused. */
import { describe, expect, it } from 'vitest';
import type { StateStore } from '../contract.ts';
import {
  expectCode,
  STATE_FEATURES,
  type StateFeature,
  type StateSubject,
  type WithStore,
} from './subject.ts';

/** The requests that need a feature. */
const NEEDING: Readonly<Record<StateFeature, (store: StateStore) => Promise<unknown>[]>> = {
  ETAG: (store) => [
    store.apply({ kind: 'set', key: 'k', value: '2', etag: 'some' }),
    store.apply({ kind: 'set', key: 'k', value: '2', firstWrite: true }),
    store.apply({ kind: 'delete', key: 'k', etag: 'some' }),
  ],
  TRANSACTIONAL: (store) => [
    store.transact([
      { kind: 'set', key: 'k', value: '2' },
      { kind: 'delete', key: 'l' },
    ]),
  ],
  TTL: (store) => [store.apply({ kind: 'set', key: 'k', value: '2', ttlSeconds: 1 })],
  DELETE_WITH_PREFIX: (store) => [store.apply({ kind: 'delete-prefix', prefix: 'k' })],
  ORDERED_INDEX: (store) => [
    store.apply({ kind: 'set', key: 'k', value: '2', index: { name: 'i', score: 1 } }),
    store.apply({ kind: 'delete', key: 'k', index: 'i' }),
    store.range({ index: 'i', limit: 1 }),
  ],
};

export function refusalTests(withStore: WithStore, subject: StateSubject): void {
  for (const feature of STATE_FEATURES) {
    if (subject.features.includes(feature)) continue;
    it(
      `refuses what needs ${feature}`,
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '1' });
        for (const request of NEEDING[feature](store)) await expectCode(request, 'UNSUPPORTED');
        expect((await store.get('k'))?.value).toBe('1');
      }),
    );
  }

  if (!subject.features.includes('DELETE_WITH_PREFIX')) return;
  describe('delete by prefix', () => {
    it(
      'deletes every row that begins with the prefix and no other',
      withStore(async (store) => {
        const inside = ['p||', 'p||a', 'p||a||b', 'p||😀', 'p||\uffff', 'p||\u{10ffff}', 'p||%'];
        const outside = ['p', 'p|', 'p|}', 'P||a', 'q||a', 'xp||a', 'p}'];
        for (const key of [...inside, ...outside])
          await store.apply({ kind: 'set', key, value: '1' });
        await store.apply({ kind: 'delete-prefix', prefix: 'p||' });
        const left = async (keys: string[]) =>
          (await store.getBulk(keys)).filter((item) => item.value).map((item) => item.key);
        expect(await left(inside)).toEqual([]);
        expect(await left(outside)).toEqual(outside);
        await store.apply({ kind: 'set', key: 'p||new', value: '1' });
        await store.apply({ kind: 'delete-prefix', prefix: 'p||' });
        expect(await store.get('p||new')).toBeUndefined();
      }),
    );

    it.each([['\u{10ffff}'], ['a\u{10ffff}'], ['\ud7ff'], ['%'], ['_'], ['😀']])(
      'takes the prefix %j as it is',
      async (prefix) => {
        await withStore(async (store) => {
          const keys = [prefix, `${prefix}x`, 'a', 'b', 'zz', '\ue000'];
          for (const key of keys) await store.apply({ kind: 'set', key, value: '1' });
          await store.apply({ kind: 'delete-prefix', prefix });
          const left = (await store.getBulk(keys)).filter((item) => item.value);
          expect(left.map((item) => item.key)).toEqual(
            keys.filter((key) => !key.startsWith(prefix)),
          );
        })();
      },
    );

    it(
      'refuses an empty prefix',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '1' });
        await expectCode(store.apply({ kind: 'delete-prefix', prefix: '' }), 'INVALID_ARGUMENT');
        expect((await store.get('k'))?.value).toBe('1');
      }),
    );
  });
}
