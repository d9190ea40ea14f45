/** Transactions: all or nothing, conditions first, one winner. */
import { describe, expect, it } from 'vitest';
import type { SetOperation, StateOperation } from '../contract.ts';
import { expectCode, expectConflict, type WithStore } from './subject.ts';

const set = (key: string, value = '1'): SetOperation => ({ kind: 'set', key, value });

export function transactionTests(withStore: WithStore): void {
  describe('transactions', () => {
    it(
      'answers with one etag a set and nothing for the others',
      withStore(async (store) => {
        const [, , first] = await store.transact([
          { kind: 'check', key: 'c', etag: null },
          { kind: 'delete', key: 'd' },
          set('k'),
        ]);
        expect((await store.get('k'))?.etag).toBe(first);
        const etags = await store.transact([
          { kind: 'check', key: 'k', etag: first! },
          { kind: 'delete', key: 'd' },
          set('m'),
        ]);
        expect(etags).toEqual([undefined, undefined, expect.any(String)]);
        expect(await store.transact([])).toEqual([]);
      }),
    );

    it.each<[string, StateOperation]>([
      ['set', { kind: 'set', key: 'guard', value: '2', etag: 'other' }],
      ['first write', { kind: 'set', key: 'guard', value: '2', firstWrite: true }],
      ['delete', { kind: 'delete', key: 'guard', etag: 'other' }],
      ['check', { kind: 'check', key: 'guard', etag: 'other' }],
      ['check for absence', { kind: 'check', key: 'guard', etag: null }],
    ])('writes nothing when the condition of a %s does not hold', async (_, condition) => {
      await withStore(async (store) => {
        await store.apply(set('guard'));
        await store.apply(set('kept'));
        await expectConflict(
          store.transact([set('a'), { kind: 'delete', key: 'kept' }, condition, set('z')]),
          'guard',
        );
        const items = await store.getBulk(['a', 'z', 'guard', 'kept']);
        expect(items.map((item) => item.value)).toEqual([undefined, undefined, '1', '1']);
      })();
    });

    it(
      'checks an absent row by etag and by absence',
      withStore(async (store) => {
        await expectConflict(
          store.transact([{ kind: 'check', key: 'none', etag: 'some' }, set('k')]),
          'none',
        );
        await store.transact([{ kind: 'check', key: 'none', etag: null }, set('k')]);
        expect((await store.get('k'))?.value).toBe('1');
      }),
    );

    it(
      'evaluates every condition against the state before its own writes',
      withStore(async (store) => {
        const etag = await store.apply(set('k'));
        await store.transact([
          set('k', '2'),
          { kind: 'check', key: 'k', etag: etag! },
          { kind: 'check', key: 'new', etag: null },
          set('new'),
          { kind: 'set', key: 'new', value: '"second"', firstWrite: true },
        ]);
        expect((await store.getBulk(['k', 'new'])).map((item) => item.value)).toEqual([
          '2',
          '"second"',
        ]);
      }),
    );

    it(
      'applies writes of one key in their order',
      withStore(async (store) => {
        const [first, , last] = await store.transact([
          set('k', '1'),
          { kind: 'delete', key: 'k' },
          set('k', '3'),
        ]);
        expect(await store.get('k')).toMatchObject({ value: '3', etag: last });
        expect(first).not.toBe(last);
        await store.transact([set('k', '4'), { kind: 'delete', key: 'k' }]);
        expect(await store.get('k')).toBeUndefined();
      }),
    );

    it(
      'refuses an invalid operation before any write',
      withStore(async (store) => {
        await expectCode(store.transact([set('a'), set('')]), 'INVALID_ARGUMENT');
        await expectCode(
          store.transact([set('a'), { kind: 'check', key: 'b', etag: '' }]),
          'INVALID_ARGUMENT',
        );
        expect(await store.get('a')).toBeUndefined();
      }),
    );

    it(
      'lets exactly one of many concurrent writers of one etag win',
      withStore(async (store) => {
        const etag = await store.apply(set('k', '"start"'));
        const results = await Promise.allSettled(
          Array.from({ length: 50 }, (_, i) =>
            store.transact([
              { kind: 'set', key: 'k', value: String(i), etag: etag! },
              set(`written-${i}`),
            ]),
          ),
        );
        const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
        expect(winners).toHaveLength(1);
        for (const result of results)
          if (result.status === 'rejected')
            expect(result.reason).toMatchObject({ code: 'CONFLICT', details: { key: 'k' } });
        expect((await store.get('k'))?.value).toBe(String(winners[0]));
        const written = await store.getBulk(results.map((_, i) => `written-${i}`));
        expect(written.flatMap((item, i) => (item.value === undefined ? [] : [i]))).toEqual(
          winners,
        );
      }),
    );

    it(
      'loses no increment of concurrent read-check-write loops',
      withStore(async (store) => {
        await store.apply(set('sum', '0'));
        async function increment(): Promise<void> {
          for (;;) {
            const item = await store.get('sum');
            const value = String(Number(item?.value) + 1);
            try {
              await store.transact([{ kind: 'set', key: 'sum', value, etag: item!.etag! }]);
              return;
            } catch (error) {
              if ((error as { code?: string }).code !== 'CONFLICT') throw error;
            }
          }
        }
        await Promise.all(Array.from({ length: 40 }, increment));
        expect((await store.get('sum'))?.value).toBe('40');
      }),
    );

    it(
      'fails only the transactions whose own conditions do not hold',
      withStore(async (store) => {
        await store.apply(set('taken'));
        const results = await Promise.allSettled(
          Array.from({ length: 30 }, (_, i) =>
            store.transact([
              { kind: 'check', key: i % 3 === 0 ? 'taken' : 'free', etag: null },
              set(`row-${i}`),
            ]),
          ),
        );
        expect(results.map((result) => result.status)).toEqual(
          results.map((_, i) => (i % 3 === 0 ? 'rejected' : 'fulfilled')),
        );
        const rows = await store.getBulk(results.map((_, i) => `row-${i}`));
        expect(rows.map((row) => row.value !== undefined)).toEqual(
          results.map((_, i) => i % 3 !== 0),
        );
      }),
    );

    it(
      'is cancelled only before it begins',
      withStore(async (store) => {
        const cancelled = { signal: AbortSignal.abort() };
        await expectCode(store.transact([set('a')], cancelled), 'CANCELLED');
        await expectCode(
          store.apply({ kind: 'set', key: 'a', value: '1' }, cancelled),
          'CANCELLED',
        );
        await expectCode(store.get('a', cancelled), 'CANCELLED');
        expect(await store.get('a')).toBeUndefined();
      }),
    );
  });
}
