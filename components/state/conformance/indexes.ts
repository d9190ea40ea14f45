/** The ordered index: order, paging, moves, and that no entry outlives its row. */
import { describe, expect, it } from 'vitest';
import type { StateStore } from '../contract.ts';
import { expectCode, type WithStore } from './subject.ts';

async function put(store: StateStore, key: string, score: number, name = 'due'): Promise<void> {
  await store.apply({ kind: 'set', key, value: `"${score}"`, index: { name, score } });
}

async function keysOf(store: StateStore, index = 'due'): Promise<string[]> {
  return (await store.range({ index, limit: 1_000 })).map((item) => item.key);
}

export function indexTests(withStore: WithStore, prefixes: boolean): void {
  describe('ordered index', () => {
    it(
      'lists rows by score, then by key in code point order, with all of each row',
      withStore(async (store) => {
        const score = 1_772_366_400_000;
        await put(store, 'later', score + 1);
        await put(store, 'negative', -5.5);
        for (const key of ['b', '\u{1f600}', 'a', '\uffee', 'ä', 'ab'])
          await put(store, key, score);
        expect(await keysOf(store)).toEqual([
          'negative',
          'a',
          'ab',
          'b',
          'ä',
          '\uffee',
          '\u{1f600}',
          'later',
        ]);
        const [first] = await store.range({ index: 'due', limit: 1 });
        const { etag } = (await store.get('negative'))!;
        expect(first).toEqual({ key: 'negative', value: '"-5.5"', score: -5.5, etag });
      }),
    );

    it(
      'pages through thousands of rows without losing or repeating one',
      withStore(async (store) => {
        const expected = Array.from({ length: 1_500 }, (_, i) => ({
          key: `k${String((i * 7_919) % 1_500).padStart(4, '0')}`,
          score: Math.floor(((i * 7_919) % 1_500) / 40),
        }));
        await store.transact(
          expected.map(({ key, score }) => ({
            kind: 'set' as const,
            key,
            value: '1',
            index: { name: 'due', score },
          })),
        );
        const found: string[] = [];
        let after: { score: number; key: string } | undefined;
        for (;;) {
          const page = await store.range({ index: 'due', limit: 64, ...(after ? { after } : {}) });
          found.push(...page.map((item) => item.key));
          const last = page.at(-1);
          if (!last || page.length < 64) break;
          after = { score: last.score, key: last.key };
        }
        expect(found).toEqual(expected.map(({ key }) => key).sort());
      }),
    );

    it(
      'stops at the highest score asked for, that one included',
      withStore(async (store) => {
        for (const score of [1, 2, 3, 4]) await put(store, `k${score}`, score);
        const upTo = async (maxScore: number) =>
          (await store.range({ index: 'due', maxScore, limit: 10 })).map((item) => item.key);
        expect(await upTo(3)).toEqual(['k1', 'k2', 'k3']);
        expect(await upTo(2.5)).toEqual(['k1', 'k2']);
        expect(await upTo(0)).toEqual([]);
        const rest = await store.range({
          index: 'due',
          after: { score: 2, key: 'k2' },
          maxScore: 3,
          limit: 10,
        });
        expect(rest.map((item) => item.key)).toEqual(['k3']);
      }),
    );

    it(
      'continues behind a position whose row is gone',
      withStore(async (store) => {
        for (const score of [1, 2, 3]) await put(store, `k${score}`, score);
        await store.apply({ kind: 'delete', key: 'k2', index: 'due' });
        const rest = await store.range({
          index: 'due',
          after: { score: 2, key: 'k2' },
          limit: 10,
        });
        expect(rest.map((item) => item.key)).toEqual(['k3']);
      }),
    );

    it(
      'moves a row when its score or its index changes',
      withStore(async (store) => {
        await put(store, 'a', 1);
        await put(store, 'b', 2);
        await put(store, 'a', 3);
        expect(await keysOf(store)).toEqual(['b', 'a']);
        await put(store, 'b', 1, 'other');
        expect(await keysOf(store)).toEqual(['a']);
        expect(await keysOf(store, 'other')).toEqual(['b']);
        expect(await keysOf(store, 'unknown')).toEqual([]);
      }),
    );

    it(
      'drops the entry with the row, and takes part in a transaction',
      withStore(async (store) => {
        await put(store, 'a', 1);
        await put(store, 'b', 2);
        await store.apply({ kind: 'delete', key: 'a', index: 'due' });
        expect(await keysOf(store)).toEqual(['b']);
        await expect(
          store.transact([
            { kind: 'delete', key: 'b', index: 'due' },
            { kind: 'set', key: 'c', value: '1', index: { name: 'due', score: 9 } },
            { kind: 'check', key: 'b', etag: null },
          ]),
        ).rejects.toMatchObject({ code: 'CONFLICT' });
        expect(await keysOf(store)).toEqual(['b']);
        await store.transact([
          { kind: 'delete', key: 'b', index: 'due' },
          { kind: 'set', key: 'c', value: '1', index: { name: 'due', score: 9 } },
        ]);
        expect(await keysOf(store)).toEqual(['c']);
      }),
    );

    it(
      'leaves expired rows out, without cutting a page short',
      withStore(async (store, clock) => {
        for (const score of [1, 2, 3, 4])
          await store.apply({
            kind: 'set',
            key: `k${score}`,
            value: '1',
            index: { name: 'due', score },
            ...(score < 3 ? { ttlSeconds: 1 } : {}),
          });
        clock.advance(1_000);
        const page = await store.range({ index: 'due', limit: 2 });
        expect(page.map((item) => item.key)).toEqual(['k3', 'k4']);
        await put(store, 'k1', 5);
        expect(await keysOf(store)).toEqual(['k3', 'k4', 'k1']);
      }),
    );

    it(
      'refuses scores and limits that have no order',
      withStore(async (store) => {
        for (const score of [Number.NaN, Infinity, -Infinity])
          await expectCode(put(store, 'k', score), 'INVALID_ARGUMENT');
        for (const limit of [0, -1, 1.5, Number.NaN])
          await expectCode(store.range({ index: 'due', limit }), 'INVALID_ARGUMENT');
        await expectCode(
          store.range({ index: 'due', maxScore: Number.NaN, limit: 1 }),
          'INVALID_ARGUMENT',
        );
        expect(await keysOf(store)).toEqual([]);
      }),
    );

    if (prefixes) {
      it(
        'drops the entries of rows that are deleted by prefix',
        withStore(async (store) => {
          for (const key of ['app||A||1||r', 'app||A||1||s', 'app||A||10||r'])
            await put(store, key, 1);
          await store.apply({ kind: 'delete-prefix', prefix: 'app||A||1||' });
          expect(await keysOf(store)).toEqual(['app||A||10||r']);
          await store.apply({ kind: 'set', key: 'app||A||1||r', value: '1' });
          expect(await keysOf(store)).toEqual(['app||A||10||r']);
        }),
      );
    }
  });
}
