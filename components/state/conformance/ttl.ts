/** Time to live, by the clock that the store was given. */
import { describe, expect, it } from 'vitest';
import { expectCode, expectConflict, type WithStore } from './subject.ts';

export function ttlTests(withStore: WithStore): void {
  describe('time to live', () => {
    it(
      'shows a row until its time is over, and no longer',
      withStore(async (store, clock) => {
        await store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 10 });
        expect((await store.get('k'))?.expiresAt).toBe(clock.now() + 10_000);
        clock.advance(9_999);
        expect((await store.get('k'))?.value).toBe('1');
        expect((await store.getBulk(['k']))[0]).toMatchObject({
          value: '1',
          expiresAt: clock.now() + 1,
        });
        clock.advance(1);
        expect(await store.getBulk(['k'])).toEqual([{ key: 'k' }]);
        expect(await store.get('k')).toBeUndefined();
      }),
    );

    it(
      'starts again with every write, and ends with one that has none',
      withStore(async (store, clock) => {
        await store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 10 });
        clock.advance(9_000);
        await store.apply({ kind: 'set', key: 'k', value: '2', ttlSeconds: 10 });
        clock.advance(9_000);
        expect((await store.get('k'))?.value).toBe('2');
        await store.apply({ kind: 'set', key: 'k', value: '3' });
        clock.advance(1_000_000);
        expect(await store.get('k')).toMatchObject({ value: '3' });
        expect(await store.get('k')).not.toHaveProperty('expiresAt');
      }),
    );

    it(
      'takes an expired row for an absent one in every condition',
      withStore(async (store, clock) => {
        const etag = await store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 1 });
        clock.advance(1_000);
        await expectConflict(store.apply({ kind: 'set', key: 'k', value: '2', etag: etag! }), 'k');
        await expectConflict(store.apply({ kind: 'delete', key: 'k', etag: etag! }), 'k');
        await store.apply({ kind: 'delete', key: 'k' });
        await store.apply({ kind: 'set', key: 'k', value: '3', ttlSeconds: 1, firstWrite: true });
        clock.advance(1_000);
        await store.apply({ kind: 'set', key: 'k', value: '4', firstWrite: true });
        expect((await store.get('k'))?.value).toBe('4');
      }),
    );

    it(
      'keeps fractions of seconds and refuses what is no time',
      withStore(async (store, clock) => {
        await store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 0.25 });
        expect((await store.get('k'))?.expiresAt).toBe(clock.now() + 250);
        for (const ttlSeconds of [0, -1, Number.NaN, Infinity])
          await expectCode(
            store.apply({ kind: 'set', key: 'bad', value: '1', ttlSeconds }),
            'INVALID_ARGUMENT',
          );
        expect(await store.get('bad')).toBeUndefined();
      }),
    );

    it(
      'lets a great many rows expire and be written again',
      withStore(async (store, clock) => {
        const keys = Array.from({ length: 200 }, (_, i) => `k${i}`);
        for (const key of keys) await store.apply({ kind: 'set', key, value: '1', ttlSeconds: 5 });
        clock.advance(5_000);
        await store.apply({ kind: 'set', key: 'k7', value: '"again"' });
        const rows = await store.getBulk(keys);
        expect(rows.filter((row) => row.value !== undefined).map((row) => row.key)).toEqual(['k7']);
      }),
    );
  });
}
