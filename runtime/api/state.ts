/**
 * The state building block over the state components of the app: get, save,
 * delete, bulk get, transaction. Values that come over HTTP are JSON and are
 * kept as JSON text; bytes of other origin are returned as they are.
 */
import { isTroupeError } from '../core/errors.ts';
import type {
  StateItem,
  StateOperation,
  StateStore,
  StateValue,
} from '../../components/state/contract.ts';
import { ApiError, reasonOf } from './api-error.ts';
import { rfc3339 } from './route.ts';
import type { StateEncryption } from './state-encryption.ts';
import type { OutboxSettings, StateOutbox } from './state-outbox.ts';
import { openStore, type OpenStore } from './state-open.ts';
import { deleteOperation, setOperation } from './state-operations.ts';

export interface StateStoreEntry {
  readonly store: StateStore;
  /** Goes before every key: `shop||`, or empty. */
  readonly keyPrefix: string;
  /** Absent: values are kept as they are. */
  readonly encryption?: StateEncryption | undefined;
  /** Absent: transactions publish nothing. */
  readonly outbox?: OutboxSettings | undefined;
}

export interface StateOptions {
  readonly appId: string;
  readonly stateStores: ReadonlyMap<string, StateStoreEntry>;
  /** Publishes what transactions set. */
  readonly outbox?: Pick<StateOutbox, 'prepare' | 'drop'> | undefined;
}

type Metadata = Readonly<Record<string, string>>;

export interface CallContext {
  readonly signal?: AbortSignal;
}

export interface SaveItem {
  readonly key: string;
  readonly value: StateValue;
  readonly etag?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly concurrency?: string | undefined;
  readonly consistency?: string | undefined;
}

export type DeleteItem = Omit<SaveItem, 'value'>;

export type TransactionItem =
  | ({ readonly operation: 'upsert' } & SaveItem)
  | ({ readonly operation: 'delete' } & DeleteItem);

export interface StateResult {
  readonly data?: Uint8Array;
  readonly etag?: string;
  readonly metadata: Metadata;
}

export interface BulkResult {
  readonly key: string;
  readonly value?: StateValue;
  readonly etag?: string;
  readonly metadata: Metadata;
}

export interface StateApi {
  get(store: string, key: string, context?: CallContext): Promise<StateResult>;
  /** Independent writes: the ones that can be made are made even if another fails. */
  save(store: string, items: readonly SaveItem[], context?: CallContext): Promise<void>;
  delete(store: string, item: DeleteItem, context?: CallContext): Promise<void>;
  /** In the order asked; absent keys without a value. */
  getBulk(store: string, keys: readonly string[], context?: CallContext): Promise<BulkResult[]>;
  /** Items that can go do; the first failure is the answer, a mismatch before others. */
  deleteBulk(store: string, items: readonly DeleteItem[], context?: CallContext): Promise<void>;
  transact(store: string, items: readonly TransactionItem[], context?: CallContext): Promise<void>;
  /** No store of this version can query: always ERR_STATE_STORE_NOT_SUPPORTED. */
  query(store: string): never;
  /** Throws unless the store is there, before a body is looked at. */
  require(store: string): void;
}

const encoder = new TextEncoder();
const NO_METADATA: Metadata = Object.freeze({});

function metadataOf(item: StateItem): Metadata {
  return item.expiresAt === undefined ? NO_METADATA : { ttlExpireTime: rfc3339(item.expiresAt) };
}

function codeOf(error: unknown): string | undefined {
  return isTroupeError(error) ? error.code : undefined;
}

/** Dapr's words for an etag that does not hold, and for one that no row could have. */
function etagText(error: unknown): string {
  const prefix = {
    CONFLICT: 'possible etag mismatch. error from state store',
    INVALID_ARGUMENT: 'invalid etag value',
  }[codeOf(error) ?? ''];
  return prefix === undefined ? reasonOf(error) : `${prefix}: ${reasonOf(error)}`;
}

const ETAG_ROWS = {
  save: {
    CONFLICT: 'STATE_SAVE_ETAG_MISMATCH',
    INVALID_ARGUMENT: 'STATE_SAVE_ETAG_INVALID',
    other: 'STATE_SAVE',
  },
  delete: {
    CONFLICT: 'STATE_DELETE_ETAG_MISMATCH',
    INVALID_ARGUMENT: 'STATE_DELETE_ETAG_INVALID',
    other: 'STATE_DELETE',
  },
} as const;

function writeError(kind: 'save' | 'delete', message: string, cause: unknown): ApiError {
  const rows = ETAG_ROWS[kind];
  const code = codeOf(cause);
  const name = code === 'CONFLICT' || code === 'INVALID_ARGUMENT' ? rows[code] : rows.other;
  return new ApiError(name, `${message}: ${etagText(cause)}`, { cause });
}

/** Runs the items side by side; resolves to the failure to report, a mismatch of etags before others. */
async function worstOf<T>(
  items: readonly T[],
  apply: (item: T, index: number) => Promise<unknown>,
): Promise<{ readonly cause: unknown } | undefined> {
  const outcomes = await Promise.allSettled(items.map(async (item, index) => apply(item, index)));
  const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length === 0) return undefined;
  return { cause: failures.find((one) => codeOf(one) === 'CONFLICT') ?? failures[0] };
}

export function createStateApi({ appId, stateStores, outbox }: StateOptions): StateApi {
  // Entries may come and go while the host runs.
  const opened = new WeakMap<StateStoreEntry, OpenStore>();

  function find(name: string): OpenStore {
    const entry = stateStores.get(name);
    if (entry) {
      const known = opened.get(entry) ?? openStore(name, entry);
      opened.set(entry, known);
      return known;
    }
    const rich = { metadata: { appID: appId } };
    if (stateStores.size === 0) {
      throw new ApiError('STATE_STORE_NOT_CONFIGURED', `state store ${name} is not configured`, {
        rich,
      });
    }
    throw new ApiError('STATE_STORE_NOT_FOUND', `state store ${name} is not found`, { rich });
  }

  return {
    require: (name) => void find(name),

    async get(name, key, context) {
      const { store, keyOf, unseal } = find(name);
      const finalKey = keyOf(key);
      try {
        const item = await store.get(finalKey, context);
        if (!item || item.value === undefined) return { metadata: NO_METADATA };
        const value = unseal(item.value);
        return {
          data: typeof value === 'string' ? encoder.encode(value) : value,
          ...(item.etag === undefined ? {} : { etag: item.etag }),
          metadata: metadataOf(item),
        };
      } catch (cause) {
        const text = `fail to get ${key} from state store ${name}: ${reasonOf(cause)}`;
        throw new ApiError('STATE_GET', text, { cause });
      }
    },

    async save(name, items, context) {
      const { store, keyOf, seal } = find(name);
      const keys = items.map((item) => keyOf(item.key));
      const failure = await worstOf(items, (item, index) =>
        store.apply(setOperation(seal(item), keys[index]!), context),
      );
      if (!failure) return;
      throw writeError('save', `failed saving state in state store ${name}`, failure.cause);
    },

    async deleteBulk(name, items, context) {
      const { store, keyOf } = find(name);
      const keys = items.map((item) => keyOf(item.key));
      const failure = await worstOf(items, (item, index) =>
        store.apply(deleteOperation(item, keys[index]!), context),
      );
      if (!failure) return;
      throw writeError('delete', `failed deleting state in state store ${name}`, failure.cause);
    },

    async delete(name, item, context) {
      const { store, keyOf } = find(name);
      const key = keyOf(item.key);
      try {
        await store.apply(deleteOperation(item, key), context);
      } catch (cause) {
        throw writeError('delete', `failed deleting state with key ${item.key}`, cause);
      }
    },

    async getBulk(name, keys, context) {
      const { store, keyOf, unseal } = find(name);
      const finalKeys = keys.map(keyOf);
      if (keys.length === 0) return [];
      try {
        const items = await store.getBulk(finalKeys, context);
        return keys.map((key, index) => {
          const item = items[index];
          if (!item || item.value === undefined) return { key, metadata: NO_METADATA };
          return {
            key,
            value: unseal(item.value),
            ...(item.etag === undefined ? {} : { etag: item.etag }),
            metadata: metadataOf(item),
          };
        });
      } catch (cause) {
        throw new ApiError('STATE_BULK_GET', reasonOf(cause), { cause });
      }
    },

    async transact(name, items, context) {
      const { store, keyOf, seal } = find(name);
      if (!store.features.includes('TRANSACTIONAL')) {
        throw new ApiError(
          'STATE_TRANSACTIONS_NOT_SUPPORTED',
          `state store ${name} doesn't support transactions`,
          { rich: { resource: { type: 'state', name } } },
        );
      }
      const keys = new Map(items.map((item) => [item.key, keyOf(item.key)]));
      if (items.length === 0) return;
      const prepared = await outbox?.prepare(name, items);
      try {
        const operations: StateOperation[] = (prepared?.items ?? items).map((item) =>
          item.operation === 'upsert'
            ? setOperation(seal(item), keys.get(item.key)!)
            : deleteOperation(item, keys.get(item.key)!),
        );
        // A marker is found by the event's id, so it has no prefix.
        for (const key of prepared?.markers ?? [])
          operations.push({ kind: 'set', key, value: '"0"' });
        await store.transact(operations, context);
      } catch (cause) {
        // Of other failures nobody knows whether the transaction was made after all.
        const isCertain = codeOf(cause) === 'CONFLICT' || codeOf(cause) === 'INVALID_ARGUMENT';
        if (prepared && isCertain) outbox?.drop(prepared.markers);
        const text = `error while executing state transaction: ${etagText(cause)}`;
        throw new ApiError('STATE_TRANSACTION', text, { cause });
      }
    },

    query(name) {
      find(name);
      throw new ApiError('STATE_QUERY_NOT_SUPPORTED', 'state store does not support querying', {
        rich: { resource: { type: 'state', name } },
      });
    },
  };
}
