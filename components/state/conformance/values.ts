/** Keys and values: what was written is what is read. */
import { describe, expect, it } from 'vitest';
import { expectCode, type StateSubject, type WithStore } from './subject.ts';

const NUL_KEY = 'nul\0inside';
const KEYS = [
  'plain',
  'troupe||Order||42||state',
  'with space / slash % _ * ? [x]',
  'quote \' double " back \\ semicolon ;',
  'ümlaut 漢字 😀',
  'K'.repeat(2_000),
];

const BYTES_THAT_ARE_TEXT: [string, Uint8Array][] = [
  ['empty bytes', new Uint8Array(0)],
  ['bytes that are text', new TextEncoder().encode('{"a":1}')],
];

export function valueTests(withStore: WithStore, subject: StateSubject): void {
  const { forgetsKinds = false, refusesNulInKeys = false } = subject;
  const keys = refusesNulInKeys ? KEYS : [...KEYS, NUL_KEY];
  describe('keys and values', () => {
    it(
      'has nothing at first',
      withStore(async (store) => {
        expect(await store.get('absent')).toBeUndefined();
        expect(await store.getBulk(['absent'])).toEqual([{ key: 'absent' }]);
        expect(await store.getBulk([])).toEqual([]);
      }),
    );

    it.each([
      ['text', '{"a":1,"b":"two"}'],
      ['unicode text', '"ümlaut 漢字 😀 \u2028"'],
      ['empty text', ''],
      ['text with a nul', '"\0"'],
      ['large text', JSON.stringify('x'.repeat(1_000_000))],
      ['bytes', Uint8Array.from({ length: 256 }, (_, i) => i)],
      ...(forgetsKinds ? [] : BYTES_THAT_ARE_TEXT),
    ])('returns %s of the kind it was given', async (_, value) => {
      await withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value });
        const item = await store.get('k');
        expect(item?.key).toBe('k');
        // Compared apart from the item, so that text and bytes cannot pass for each other.
        expect(typeof item?.value).toBe(typeof value);
        expect(item?.value).toEqual(value);
        expect(item).not.toHaveProperty('expiresAt');
      })();
    });

    it.each(keys.map((key) => [key]))('keeps the key %j apart', async (key) => {
      await withStore(async (store) => {
        for (const other of keys) await store.apply({ kind: 'set', key: other, value: '"other"' });
        await store.apply({ kind: 'set', key, value: '"mine"' });
        const items = await store.getBulk(keys);
        expect(items.filter((item) => item.value === '"mine"').map((item) => item.key)).toEqual([
          key,
        ]);
        await store.apply({ kind: 'delete', key });
        expect(await store.get(key)).toBeUndefined();
        expect((await store.getBulk(keys)).filter((item) => item.value)).toHaveLength(
          keys.length - 1,
        );
      })();
    });

    if (refusesNulInKeys) {
      it(
        'refuses a key with a nul',
        withStore(async (store) => {
          const write = store.apply({ kind: 'set', key: NUL_KEY, value: '1' });
          await expectCode(write, 'INVALID_ARGUMENT');
          await expectCode(store.get(NUL_KEY), 'INVALID_ARGUMENT');
        }),
      );
    }

    if (forgetsKinds) {
      it.each(BYTES_THAT_ARE_TEXT)('returns %s as text', async (_, bytes) => {
        await withStore(async (store) => {
          await store.apply({ kind: 'set', key: 'k', value: bytes });
          expect((await store.get('k'))?.value).toBe(new TextDecoder().decode(bytes));
        })();
      });
    }

    it(
      'answers a bulk get in the order asked, repeated and absent keys included',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'a', value: '1' });
        await store.apply({ kind: 'set', key: 'b', value: '2' });
        const items = await store.getBulk(['b', 'none', 'a', 'b']);
        expect(items.map(({ key, value }) => [key, value])).toEqual([
          ['b', '2'],
          ['none', undefined],
          ['a', '1'],
          ['b', '2'],
        ]);
      }),
    );

    it(
      'replaces text by bytes and back',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '"text"' });
        await store.apply({ kind: 'set', key: 'k', value: new Uint8Array([1, 255]) });
        expect((await store.get('k'))?.value).toEqual(new Uint8Array([1, 255]));
        await store.apply({ kind: 'set', key: 'k', value: '"again"' });
        expect((await store.get('k'))?.value).toBe('"again"');
      }),
    );

    it(
      'shares no bytes with its callers',
      withStore(async (store) => {
        const given = Buffer.from([1, 2, 255]);
        await store.apply({ kind: 'set', key: 'k', value: given });
        given[0] = 9;
        const first = (await store.get('k'))?.value as Uint8Array;
        expect([...first]).toEqual([1, 2, 255]);
        first[1] = 9;
        expect((await store.get('k'))?.value).toEqual(new Uint8Array([1, 2, 255]));
      }),
    );

    it(
      'deletes, and an absent key too',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '1' });
        expect(await store.apply({ kind: 'delete', key: 'k' })).toBeUndefined();
        expect(await store.apply({ kind: 'delete', key: 'k' })).toBeUndefined();
        expect(await store.get('k')).toBeUndefined();
      }),
    );

    it(
      'refuses an empty key and broken Unicode',
      withStore(async (store) => {
        await expectCode(store.get(''), 'INVALID_ARGUMENT');
        await expectCode(store.getBulk(['a', '']), 'INVALID_ARGUMENT');
        await expectCode(store.apply({ kind: 'delete', key: '' }), 'INVALID_ARGUMENT');
        for (const key of ['', 'lone \ud800'])
          await expectCode(store.apply({ kind: 'set', key, value: '1' }), 'INVALID_ARGUMENT');
        await expectCode(
          store.apply({ kind: 'set', key: 'k', value: '"\udfff"' }),
          'INVALID_ARGUMENT',
        );
        expect(await store.get('k')).toBeUndefined();
      }),
    );
  });
}
