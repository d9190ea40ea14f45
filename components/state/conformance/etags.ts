/** Etags and first writes on single operations. */
import { describe, expect, it } from 'vitest';
import { expectCode, expectConflict, type WithStore } from './subject.ts';

export function etagTests(withStore: WithStore): void {
  describe('etags', () => {
    it(
      'gives every write a new etag, which get and getBulk show',
      withStore(async (store) => {
        const seen = new Set<string>();
        for (let i = 0; i < 20; i++) {
          const etag = await store.apply({ kind: 'set', key: 'k', value: '1' });
          expect(etag).toEqual(expect.any(String));
          expect((await store.get('k'))?.etag).toBe(etag);
          expect((await store.getBulk(['k']))[0]?.etag).toBe(etag);
          seen.add(etag!);
        }
        expect(seen.size).toBe(20);
      }),
    );

    it(
      'writes with the current etag and refuses an older one',
      withStore(async (store) => {
        const first = await store.apply({ kind: 'set', key: 'k', value: '1' });
        const second = await store.apply({ kind: 'set', key: 'k', value: '2', etag: first! });
        await expectConflict(store.apply({ kind: 'set', key: 'k', value: '3', etag: first! }), 'k');
        expect(await store.get('k')).toMatchObject({ value: '2', etag: second });
      }),
    );

    it(
      'deletes with the current etag and refuses an older one',
      withStore(async (store) => {
        const first = await store.apply({ kind: 'set', key: 'k', value: '1' });
        const second = await store.apply({ kind: 'set', key: 'k', value: '2' });
        await expectConflict(store.apply({ kind: 'delete', key: 'k', etag: first! }), 'k');
        expect((await store.get('k'))?.value).toBe('2');
        await store.apply({ kind: 'delete', key: 'k', etag: second! });
        expect(await store.get('k')).toBeUndefined();
      }),
    );

    it(
      'refuses an etag on an absent row',
      withStore(async (store) => {
        const etag = await store.apply({ kind: 'set', key: 'k', value: '1' });
        await store.apply({ kind: 'delete', key: 'k' });
        await expectConflict(store.apply({ kind: 'set', key: 'k', value: '2', etag: etag! }), 'k');
        await expectConflict(store.apply({ kind: 'delete', key: 'k', etag: etag! }), 'k');
        expect(await store.get('k')).toBeUndefined();
      }),
    );

    it(
      'never gives a row that was deleted and written again its old etag',
      withStore(async (store) => {
        const before = await store.apply({ kind: 'set', key: 'k', value: '1' });
        await store.apply({ kind: 'delete', key: 'k' });
        const after = await store.apply({ kind: 'set', key: 'k', value: '1' });
        expect(after).not.toBe(before);
      }),
    );

    it(
      'lets the first write in and no other',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '1', firstWrite: true });
        await expectConflict(
          store.apply({ kind: 'set', key: 'k', value: '2', firstWrite: true }),
          'k',
        );
        expect((await store.get('k'))?.value).toBe('1');
        await store.apply({ kind: 'delete', key: 'k' });
        await store.apply({ kind: 'set', key: 'k', value: '3', firstWrite: true });
        expect((await store.get('k'))?.value).toBe('3');
      }),
    );

    it(
      'goes by the etag when a first write has one',
      withStore(async (store) => {
        const etag = await store.apply({ kind: 'set', key: 'k', value: '1' });
        await store.apply({ kind: 'set', key: 'k', value: '2', etag: etag!, firstWrite: true });
        expect((await store.get('k'))?.value).toBe('2');
      }),
    );

    it(
      'writes without an etag whatever is there',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '1' });
        await store.apply({ kind: 'set', key: 'k', value: '2' });
        expect((await store.get('k'))?.value).toBe('2');
      }),
    );

    it(
      'refuses an etag that no row could have',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '1' });
        await expectCode(
          store.apply({ kind: 'set', key: 'k', value: '2', etag: '' }),
          'INVALID_ARGUMENT',
        );
        await expectCode(store.apply({ kind: 'delete', key: 'k', etag: '' }), 'INVALID_ARGUMENT');
        expect((await store.get('k'))?.value).toBe('1');
      }),
    );
  });
}
