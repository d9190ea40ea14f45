/**
 * `configuration.etcd`, Troupe's own: each item is a key of etcd, its version
 * the revision of its last change. Changes come by a watch that goes on behind
 * the last revision it saw, so a restart of the server hides none.
 */
import type { IKeyValue } from 'etcd3';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Connection } from '../../etcd/connection.ts';
import { endOfPrefix } from '../../etcd/keys.ts';
import { connectionFields, prefixOf, readConnection } from '../../etcd/settings.ts';
import { Watch, type WatchedRange } from '../../etcd/watch.ts';
import type { ConfigurationItem, ConfigurationItems, ConfigurationStore } from '../contract.ts';
import { createUpdates, type Updates } from '../updates.ts';

/** Every key there is, as etcd writes it. */
const ALL: WatchedRange = { key: Buffer.from([0]), range_end: Buffer.from([0]) };
const GONE: ConfigurationItem = { value: '', version: '', metadata: {} };

async function openStore(
  options: ComponentOptions,
  signal: AbortSignal,
): Promise<ConfigurationStore> {
  const settings = readConnection(options);
  const connection = await Connection.open(options, settings, signal);
  const prefix = prefixOf(settings);
  const open = new Map<Updates, Watch>();
  let isClosed = false;

  function requireOpen(): void {
    if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  function rangesOf(keys: readonly string[]): WatchedRange[] {
    if (keys.length > 0)
      return [...new Set(keys)].map((key) => ({ key: Buffer.from(prefix + key) }));
    const start = Buffer.from(prefix);
    return [prefix === '' ? ALL : { key: start, range_end: endOfPrefix(start) }];
  }

  const itemOf = (kv: IKeyValue): [string, ConfigurationItem] => [
    kv.key.toString().slice(prefix.length),
    { value: kv.value.toString(), version: kv.mod_revision, metadata: {} },
  ];

  /** What is there, as of one revision. */
  async function read(keys: readonly string[]) {
    const success = rangesOf(keys).map((range) => ({ request_range: range }));
    const answer = await connection.request((client, call) => client.kv.txn({ success }, call));
    const kvs = answer.responses.flatMap(({ response_range }) => response_range.kvs);
    return { items: new Map(kvs.map(itemOf)), revision: answer.header.revision };
  }

  async function subscribe(
    keys: readonly string[],
    onUpdate: (items: ConfigurationItems) => Promise<void>,
  ) {
    requireOpen();
    const updates = createUpdates(options, onUpdate);
    const { items: known, revision } = await read(keys);
    function changed(key: string, item: ConfigurationItem): void {
      if (item.version === '') known.delete(key);
      else known.set(key, item);
      updates.push(() => ({ [key]: item }));
    }
    const watch = new Watch(options, {
      ...{ connection, revision, ranges: rangesOf(keys) },
      onEvents(events) {
        for (const { type, kv } of events) {
          const [key, item] = itemOf(kv);
          changed(key, type === 'Delete' ? GONE : item);
        }
      },
      async onGap() {
        const now = await read(keys);
        for (const key of known.keys()) if (!now.items.has(key)) changed(key, GONE);
        for (const [key, item] of now.items)
          if (known.get(key)?.version !== item.version) changed(key, item);
        return now.revision;
      },
    });
    open.set(updates, watch);
    const end = async (): Promise<void> => {
      open.delete(updates);
      watch.close();
      await updates.close();
    };
    return { close: end, [Symbol.asyncDispose]: end };
  }

  const store: ConfigurationStore = {
    features: [],
    usage: () => connection.usage(),
    async get({ keys }) {
      requireOpen();
      const { items } = await read(keys);
      return Object.fromEntries([...items].filter(([, { value }]) => value !== ''));
    },
    subscribe: ({ keys }, onUpdate) => subscribe(keys, onUpdate),
    async ping() {
      requireOpen();
      await connection.ping();
    },
    async close() {
      isClosed = true;
      for (const watch of open.values()) watch.close();
      await Promise.all([...open.keys()].map((updates) => updates.close()));
      open.clear();
      await connection.close();
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
  return store;
}

export const driver: Driver<ConfigurationStore> = {
  fields: connectionFields,
  create: (options, { signal }) => openStore(options, signal),
};
