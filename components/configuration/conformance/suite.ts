/** The behaviour that every configuration store shows. */
import { describe, expect, it, vi } from 'vitest';
import type { ConfigurationItems, ConfigurationStore } from '../contract.ts';

export interface ConfigurationSubject<S extends ConfigurationStore> {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** A store without items. The suite closes it. */
  create(): Promise<S>;
  /** The backend numbers versions itself, whatever a writer says. Default: it keeps the writer's. */
  readonly ownVersions?: boolean;
  /** Writes as whoever keeps the configuration would; undefined deletes. */
  write(store: S, key: string, item: { value: string; version: string } | undefined): Promise<void>;
}

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function configurationConformance<S extends ConfigurationStore>({
  name,
  create,
  write,
  ownVersions = false,
}: ConfigurationSubject<S>): void {
  const item = (value: string, version = '') => ({
    value,
    version: ownVersions && value !== '' ? (expect.stringMatching(/^\d+$/) as string) : version,
    metadata: {},
  });

  describe(`${name} as a configuration store`, () => {
    it('gives the keys that are there, and all of them when none is named', async () => {
      await using store = await create();
      expect(await store.get({ keys: [] })).toEqual({});
      await write(store, 'a', { value: '1', version: 'v1' });
      await write(store, 'b', { value: 'two', version: '' });
      expect(await store.get({ keys: ['a', 'none', 'toString'] })).toEqual({ a: item('1', 'v1') });
      expect(await store.get({ keys: [] })).toEqual({ a: item('1', 'v1'), b: item('two') });
    });

    it('gives the last value, and no deleted key', async () => {
      await using store = await create();
      await write(store, 'a', { value: '1', version: 'v1' });
      await write(store, 'a', { value: '2', version: 'v2' });
      expect(await store.get({ keys: ['a'] })).toEqual({ a: item('2', 'v2') });
      await write(store, 'a', undefined);
      expect(await store.get({ keys: ['a'] })).toEqual({});
    });

    it('delivers changes of the keys that were subscribed, not what was there before', async () => {
      await using store = await create();
      await write(store, 'a', { value: 'old', version: 'v1' });
      const seen: ConfigurationItems[] = [];
      await using _subscription = await store.subscribe({ keys: ['a', 'c'] }, async (items) => {
        seen.push(items);
      });
      await write(store, 'b', { value: 'not asked for', version: '' });
      await write(store, 'a', { value: 'new', version: 'v2' });
      await vi.waitFor(() => expect(seen).toEqual([{ a: item('new', 'v2') }]));
      await write(store, 'c', { value: 'c', version: '' });
      await vi.waitFor(() => expect(seen.slice(1)).toEqual([{ c: item('c') }]));
    });

    it('delivers a deletion as an empty item', async () => {
      await using store = await create();
      await write(store, 'a', { value: '1', version: 'v1' });
      const seen: ConfigurationItems[] = [];
      await using _subscription = await store.subscribe({ keys: ['a'] }, async (items) => {
        seen.push(items);
      });
      await write(store, 'a', undefined);
      await vi.waitFor(() => expect(seen).toEqual([{ a: item('') }]));
    });

    it('delivers changes of every key when none is named', async () => {
      await using store = await create();
      const seen = new Map<string, string>();
      await using _subscription = await store.subscribe({ keys: [] }, async (items) => {
        for (const [key, { value }] of Object.entries(items)) seen.set(key, value);
      });
      await write(store, 'x', { value: '1', version: '' });
      await write(store, 'y*', { value: '2', version: '' });
      await vi.waitFor(() => expect(Object.fromEntries(seen)).toEqual({ x: '1', 'y*': '2' }));
    });

    it('takes a key for what it is, not for a pattern', async () => {
      await using store = await create();
      const seen: ConfigurationItems[] = [];
      await using _subscription = await store.subscribe(
        { keys: ['a*', 'b[c]?'] },
        async (items) => {
          seen.push(items);
        },
      );
      await write(store, 'ab', { value: 'no', version: '' });
      await write(store, 'a*', { value: 'yes', version: '' });
      await write(store, 'b[c]?', { value: 'yes', version: '' });
      // One update each; between keys there is no order.
      await vi.waitFor(() => expect(seen).toHaveLength(2));
      expect(Object.assign({}, ...seen)).toEqual({ 'a*': item('yes'), 'b[c]?': item('yes') });
    });

    it('delivers to each subscription one update at a time, also past one that fails', async () => {
      await using store = await create();
      let running = 0;
      const last: string[] = [];
      await using _slow = await store.subscribe({ keys: ['a'] }, async (items) => {
        expect(++running).toBe(1);
        await Promise.resolve();
        running--;
        last.push(items['a']!.value);
        if (last.length === 1) throw new Error('refused');
      });
      const other: string[] = [];
      await using _other = await store.subscribe({ keys: ['a'] }, async (items) => {
        other.push(items['a']!.value);
      });
      for (const value of ['1', '2', '3']) await write(store, 'a', { value, version: '' });
      await vi.waitFor(() => expect([last.at(-1), other.at(-1)]).toEqual(['3', '3']));
    });

    it('delivers nothing after the end of a subscription, and goes on with the others', async () => {
      await using store = await create();
      const ended: ConfigurationItems[] = [];
      const subscription = await store.subscribe({ keys: ['a'] }, async (items) => {
        ended.push(items);
      });
      const seen: ConfigurationItems[] = [];
      await using _going = await store.subscribe({ keys: ['a'] }, async (items) => {
        seen.push(items);
      });
      await subscription.close();
      await subscription.close();
      await write(store, 'a', { value: '1', version: '' });
      await vi.waitFor(() => expect(seen).toHaveLength(1));
      expect(ended).toEqual([]);
    });

    it('closes twice, with its subscriptions, and refuses every use afterwards', async () => {
      const store = await create();
      await store.ping();
      await store.subscribe({ keys: ['a'] }, async () => {});
      await store.close();
      await store.close();
      await store[Symbol.asyncDispose]();
      for (const use of [
        store.get({ keys: [] }),
        store.subscribe({ keys: [] }, async () => {}),
        store.ping(),
      ])
        await expect(use).rejects.toThrow(/is closed/);
    });
  });
}
