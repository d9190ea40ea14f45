/**
 * Actor state over a state component, under Dapr's keys:
 * `appid||type||id||name`. Indexes are named by application, and the index of
 * ids also by type.
 */
import type { StateOperation, StateStore } from '../../components/state/contract.ts';
import { isTroupeError, TroupeError, type ActorAddress } from '../core/errors.ts';
import type {
  ActorStore,
  EntryWrite,
  IndexName,
  ScannedEntry,
  StoredEntry,
} from '../core/ports.ts';

const TERM_ATTEMPTS = 50;
const decoder = new TextDecoder();

export interface ComponentStoreOptions {
  readonly store: StateStore;
  readonly appId: string;
}

export function createComponentStore({ store, appId }: ComponentStoreOptions): ActorStore {
  const prefixOf = ({ type, id }: ActorAddress): string => `${appId}||${type}||${id}||`;
  const indexName = (name: IndexName, { type }: ActorAddress): string =>
    name === 'ids' ? `${appId}||ids||${type}` : `${appId}||${name}`;

  function operationOf(actor: ActorAddress, prefix: string, write: EntryWrite): StateOperation {
    switch (write.kind) {
      case 'set': {
        const operation: {
          -readonly [K in keyof Extract<StateOperation, { kind: 'set' }>]: Extract<
            StateOperation,
            { kind: 'set' }
          >[K];
        } = {
          kind: 'set',
          key: prefix + write.name,
          value: write.json,
        };
        if (write.etag !== undefined) operation.etag = write.etag;
        if (write.firstWrite) operation.firstWrite = true;
        if (write.ttlMs !== undefined)
          operation.ttlSeconds = Math.max(1, Math.ceil(write.ttlMs / 1000));
        if (write.index)
          operation.index = { name: indexName(write.index.name, actor), score: write.index.score };
        return operation;
      }
      case 'delete':
        return write.index
          ? { kind: 'delete', key: prefix + write.name, index: indexName(write.index, actor) }
          : { kind: 'delete', key: prefix + write.name };
      case 'check':
        return { kind: 'check', key: prefix + write.name, etag: write.etag };
      case 'delete-all':
        return { kind: 'delete-prefix', prefix };
      default:
        return write satisfies never;
    }
  }

  function entryOf(
    name: string,
    item: { value?: string | Uint8Array; etag?: string; expiresAt?: number } | undefined,
  ): StoredEntry {
    if (item?.value === undefined) return { name };
    const json = typeof item.value === 'string' ? item.value : decoder.decode(item.value);
    return {
      name,
      json,
      ...(item.etag === undefined ? {} : { etag: item.etag }),
      ...(item.expiresAt === undefined ? {} : { expiresAt: item.expiresAt }),
    };
  }

  return {
    async read(actor, names) {
      const prefix = prefixOf(actor);
      if (names.length === 1) return [entryOf(names[0]!, await store.get(prefix + names[0]!))];
      const items = await store.getBulk(names.map((name) => prefix + name));
      return names.map((name, i) => entryOf(name, items[i]));
    },

    commit(actor, writes) {
      const prefix = prefixOf(actor);
      return store.transact(writes.map((write) => operationOf(actor, prefix, write)));
    },

    async remove(rows) {
      await store.transact(
        rows.map(({ actor, name, index }) => ({
          kind: 'delete',
          key: prefixOf(actor) + name,
          index: indexName(index, actor),
        })),
      );
    },

    async scan(index, { until, after, limit }) {
      const items = await store.range({
        index: `${appId}||${index}`,
        limit,
        ...(until === undefined ? {} : { maxScore: until }),
        ...(after ? { after } : {}),
      });
      return items.map((item): ScannedEntry => {
        const [, type, id, ...name] = item.key.split('||');
        const json = typeof item.value === 'string' ? item.value : decoder.decode(item.value);
        return {
          actor: { type: type!, id: id! },
          name: name.join('||'),
          json,
          score: item.score,
          key: item.key,
        };
      });
    },

    async list(type, { after, limit }) {
      const key = after === undefined ? undefined : `${appId}||${type}||${after}||$owner`;
      const items = await store.range({
        index: `${appId}||ids||${type}`,
        limit,
        ...(key === undefined ? {} : { after: { score: 0, key } }),
      });
      return items.map((item) => item.key.split('||')[2]!);
    },

    async nextTerm() {
      const key = `${appId}||$term`;
      for (let attempt = 0; attempt < TERM_ATTEMPTS; attempt++) {
        const item = await store.get(key);
        const next = item?.value === undefined ? 1 : Number(JSON.parse(String(item.value))) + 1;
        try {
          await store.apply({
            kind: 'set',
            key,
            value: String(next),
            ...(item?.etag === undefined ? { firstWrite: true } : { etag: item.etag }),
          });
          return next;
        } catch (error) {
          if (!isTroupeError(error) || error.code !== 'CONFLICT') throw error;
        }
      }
      throw new TroupeError(
        'UNAVAILABLE',
        `no ownership term could be taken in ${TERM_ATTEMPTS} tries: too many hosts of "${appId}" start at once`,
      );
    },
  };
}
