import { expect, describe, it } from 'vitest';
import { testOptions } from '../../components/test-clock.ts';
import { createRegistry } from '../../components/registry.ts';
import type { StateStore } from '../../components/state/contract.ts';
import type { ActorStore, EntryWrite } from '../core/ports.ts';
import { createComponentStore } from './component-store.ts';

async function openStore(type: string): Promise<StateStore> {
  const { driver, kind } = await createRegistry().resolve(type);
  if (kind !== 'state') throw new Error(`${type} is no state store`);
  const metadata = type === 'state.sqlite' ? { connectionString: ':memory:' } : {};
  return driver.create(testOptions(type, metadata), { signal: new AbortController().signal });
}

const a = { type: 'T', id: 'a' };
const set = (name: string, json = '1', more: object = {}): EntryWrite => ({
  kind: 'set',
  name,
  json,
  ...more,
});
const owned = (etag?: string): EntryWrite =>
  set('$owner', '{}', {
    index: { name: 'ids', score: 0 },
    ...(etag ? { etag } : { firstWrite: true }),
  });

describe.each(['state.in-memory', 'state.sqlite'])('actor state over %s', (type) => {
  async function withStore(
    run: (store: ActorStore, under: StateStore) => Promise<void>,
  ): Promise<void> {
    await using under = await openStore(type);
    await run(createComponentStore({ store: under, appId: 'app' }), under);
  }

  it("is kept under Dapr's keys", () =>
    withStore(async (store, under) => {
      await store.commit(a, [set('cart', '{"x":1}')]);
      expect(await under.get('app||T||a||cart')).toMatchObject({ value: '{"x":1}' });
    }));

  it('gives one row a name, in the order asked, with an etag that a later commit can check', () =>
    withStore(async (store) => {
      const [first, second] = await store.commit(a, [set('x', '1'), set('y', '2')]);
      expect(await store.read(a, ['y', 'none', 'x'])).toEqual([
        { name: 'y', json: '2', etag: second },
        { name: 'none' },
        { name: 'x', json: '1', etag: first },
      ]);
      const [changed] = await store.commit(a, [set('x', '3', { etag: first })]);
      expect(changed).not.toBe(first);
      for (const write of [
        { kind: 'check' as const, name: 'x', etag: first! },
        { kind: 'check' as const, name: 'x', etag: null },
        set('x', '4', { firstWrite: true }),
      ]) {
        await expect(store.commit(a, [write, set('y', 'lost')])).rejects.toMatchObject({
          code: 'CONFLICT',
        });
      }
      expect((await store.read(a, ['y']))[0]).toMatchObject({ json: '2' });
    }));

  it('is deleted as a whole, and nothing of its neighbours', () =>
    withStore(async (store) => {
      const neighbours = [
        { type: 'T', id: 'ab' },
        { type: 'T', id: 'a b' },
        { type: 'Ta', id: 'a' },
        { type: 'T', id: 'A' },
      ];
      for (const actor of [a, ...neighbours]) {
        await store.commit(actor, [
          owned(),
          set('x'),
          set('$reminder||r', '{}', { index: { name: 'due', score: 5 } }),
        ]);
      }
      await store.commit(a, [{ kind: 'delete-all' }, set('$inbox||m')]);
      expect(await store.read(a, ['x', '$reminder||r'])).toEqual([
        { name: 'x' },
        { name: '$reminder||r' },
      ]);
      expect(await store.list('T', { limit: 10 })).toEqual(['A', 'a b', 'ab']);
      expect((await store.scan('due', { limit: 10 })).map(({ actor }) => actor)).toHaveLength(4);
      for (const actor of neighbours) expect((await store.read(actor, ['x']))[0]?.json).toBe('1');
    }));

  it('has due rows in order of time, with the actor and the name they belong to', () =>
    withStore(async (store) => {
      const rows = [
        ['b', 'r|x', 20],
        ['a/b c', 'late', 30],
        ['ü', 'first', 10],
        ['a', 'r', 20],
      ] as const;
      for (const [id, name, score] of rows) {
        await store.commit({ type: 'T', id }, [
          set(`$reminder||${name}`, '{}', { index: { name: 'due', score } }),
        ]);
      }
      const all = await store.scan('due', { limit: 10 });
      expect(all.map(({ actor, name, score }) => [actor.id, name, score])).toEqual([
        ['ü', '$reminder||first', 10],
        ['a', '$reminder||r', 20],
        ['b', '$reminder||r|x', 20],
        ['a/b c', '$reminder||late', 30],
      ]);
      expect(await store.scan('due', { until: 20, limit: 10 })).toHaveLength(3);
      const [, second] = all;
      const after = { score: second!.score, key: second!.key };
      expect((await store.scan('due', { after, limit: 1 })).map(({ actor }) => actor.id)).toEqual([
        'b',
      ]);
      await store.remove([{ actor: a, name: '$reminder||r', index: 'due' }]);
      await store.commit({ type: 'T', id: 'b' }, [
        { kind: 'delete', name: '$reminder||r|x', index: 'due' },
      ]);
      expect(await store.scan('due', { limit: 10 })).toHaveLength(2);
      expect(await store.scan('outbox', { limit: 10 })).toEqual([]);
    }));

  it('hands out terms that only grow, also to hosts that start at once', () =>
    withStore(async (store) => {
      const terms = await Promise.all(Array.from({ length: 20 }, () => store.nextTerm()));
      expect(terms.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(await store.nextTerm()).toBe(21);
    }));

  it('keeps applications apart', () =>
    withStore(async (store, under) => {
      const other = createComponentStore({ store: under, appId: 'other' });
      await store.commit(a, [owned(), set('x')]);
      expect(await other.list('T', { limit: 10 })).toEqual([]);
      expect(await other.read(a, ['x'])).toEqual([{ name: 'x' }]);
      expect(await other.nextTerm()).toBe(1);
    }));
});
