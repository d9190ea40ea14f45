/**
 * `state.in-memory`: rows in a Map, gone with the process. It has every
 * operation of the contract, so that what works here works on a durable store.
 * A transaction is evaluated and applied in one synchronous step.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import type {
  IndexedItem,
  RangeQuery,
  SetOperation,
  StateItem,
  StateOperation,
  StateStore,
  StateValue,
} from '../contract.ts';
import {
  closedError,
  conflict,
  etagSource,
  expiryOf,
  requireKey,
  requireNotAborted,
  requireOperation,
  requireRange,
} from '../operations.ts';
import { OrderedSet } from '../ordered.ts';

interface Row {
  value: StateValue;
  etag: string;
  expiresAt: number | undefined;
  index: string | undefined;
  score: number;
}

/** Expired rows that nobody reads are removed this many at a time, beside the writes. */
const SWEEP = 16;

class MemoryStore implements StateStore {
  readonly features = ['ETAG', 'TRANSACTIONAL', 'TTL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'];
  readonly #options: ComponentOptions;
  readonly #nextEtag = etagSource();
  readonly #rows = new Map<string, Row>();
  readonly #indexes = new Map<string, OrderedSet>();
  readonly #expiries = new OrderedSet();
  /** All keys in order. Made by the first delete by prefix and kept from then on. */
  #keys: OrderedSet | undefined;
  #closed = false;

  constructor(options: ComponentOptions) {
    this.#options = options;
  }

  async get(key: string, options?: { signal?: AbortSignal }): Promise<StateItem | undefined> {
    this.#requireOpen(options?.signal);
    requireKey(this.#options, key);
    const row = this.#live(key);
    return row && itemOf(key, row);
  }

  async getBulk(keys: readonly string[], options?: { signal?: AbortSignal }): Promise<StateItem[]> {
    this.#requireOpen(options?.signal);
    for (const key of keys) requireKey(this.#options, key);
    return keys.map((key) => {
      const row = this.#live(key);
      return row ? itemOf(key, row) : { key };
    });
  }

  async apply(
    operation: StateOperation,
    options?: { signal?: AbortSignal },
  ): Promise<string | undefined> {
    return this.#commit([operation], options?.signal)[0];
  }

  async transact(
    operations: readonly StateOperation[],
    options?: { signal?: AbortSignal },
  ): Promise<(string | undefined)[]> {
    return this.#commit(operations, options?.signal);
  }

  async range(query: RangeQuery, options?: { signal?: AbortSignal }): Promise<IndexedItem[]> {
    this.#requireOpen(options?.signal);
    requireRange(this.#options, query);
    const items: IndexedItem[] = [];
    const expired: string[] = [];
    const index = this.#indexes.get(query.index);
    if (!index) return items;
    const maxScore = query.maxScore ?? Infinity;
    const start = query.after ?? { score: -Infinity, key: '' };
    for (const { score, key } of index.from(start, true)) {
      if (score > maxScore) break;
      const row = this.#rows.get(key)!;
      if (this.#expired(row)) {
        expired.push(key);
        continue;
      }
      items.push({ ...itemOf(key, row), score });
      if (items.length === query.limit) break;
    }
    for (const key of expired) this.#remove(key);
    return items;
  }

  async ping(): Promise<void> {
    this.#requireOpen(undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rows.clear();
    this.#indexes.clear();
    this.#keys = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #commit(
    operations: readonly StateOperation[],
    signal: AbortSignal | undefined,
  ): (string | undefined)[] {
    this.#requireOpen(signal);
    for (const operation of operations) requireOperation(this.#options, operation);
    for (const operation of operations) this.#requireCondition(operation);
    this.#sweep();
    return operations.map((operation) => {
      switch (operation.kind) {
        case 'set':
          return this.#set(operation);
        case 'delete':
          this.#remove(operation.key);
          return undefined;
        case 'delete-prefix':
          this.#removePrefix(operation.prefix);
          return undefined;
        case 'check':
          return undefined;
      }
      operation satisfies never;
    });
  }

  #requireCondition(operation: StateOperation): void {
    if (operation.kind === 'delete-prefix') return;
    const { key } = operation;
    const absent = operation.kind === 'set' ? operation.firstWrite : operation.etag === null;
    if (operation.etag != null) {
      const row = this.#live(key);
      if (!row) throw conflict(this.#options, key, 'does not exist (any more)');
      if (row.etag !== operation.etag)
        throw conflict(this.#options, key, 'was changed by another writer');
    } else if (absent && this.#live(key)) {
      throw conflict(this.#options, key, 'exists already');
    }
  }

  #set(operation: SetOperation): string {
    const { key, value, index, ttlSeconds } = operation;
    const etag = this.#nextEtag();
    const before = this.#rows.get(key);
    const expiresAt =
      ttlSeconds === undefined ? undefined : expiryOf(this.#options.now(), ttlSeconds);
    if (before) this.#unlist(key, before, index?.name, index?.score, expiresAt);
    else this.#keys?.add({ score: 0, key });
    const row: Row = {
      // Not slice(): that of a Buffer shares the memory.
      value: typeof value === 'string' ? value : new Uint8Array(value),
      etag,
      expiresAt,
      index: index?.name,
      score: index?.score ?? 0,
    };
    this.#rows.set(key, row);
    if (index && (before?.index !== index.name || before.score !== index.score)) {
      let set = this.#indexes.get(index.name);
      if (!set) this.#indexes.set(index.name, (set = new OrderedSet()));
      set.add({ score: index.score, key });
    }
    if (expiresAt !== undefined && before?.expiresAt !== expiresAt)
      this.#expiries.add({ score: expiresAt, key });
    return etag;
  }

  /** Takes a row out of the ordered sets that it will not be in any more, or not at the same place. */
  #unlist(key: string, row: Row, index?: string, score?: number, expiresAt?: number): void {
    if (row.index !== undefined && (row.index !== index || row.score !== score)) {
      this.#indexes.get(row.index)?.delete({ score: row.score, key });
    }
    if (row.expiresAt !== undefined && row.expiresAt !== expiresAt)
      this.#expiries.delete({ score: row.expiresAt, key });
  }

  #remove(key: string): void {
    const row = this.#rows.get(key);
    if (!row) return;
    this.#unlist(key, row);
    this.#rows.delete(key);
    this.#keys?.delete({ score: 0, key });
  }

  #removePrefix(prefix: string): void {
    if (!this.#keys) {
      this.#keys = new OrderedSet();
      for (const key of this.#rows.keys()) this.#keys.add({ score: 0, key });
    }
    const found: string[] = [];
    for (const { key } of this.#keys.from({ score: 0, key: prefix })) {
      if (!key.startsWith(prefix)) break;
      found.push(key);
    }
    for (const key of found) this.#remove(key);
  }

  #expired(row: Row): boolean {
    return row.expiresAt !== undefined && row.expiresAt <= this.#options.now();
  }

  #live(key: string): Row | undefined {
    const row = this.#rows.get(key);
    if (!row || !this.#expired(row)) return row;
    this.#remove(key);
    return undefined;
  }

  #sweep(): void {
    let first = this.#expiries.first();
    if (!first) return;
    const now = this.#options.now();
    for (let i = 0; i < SWEEP && first && first.score <= now; i++) {
      this.#remove(first.key);
      first = this.#expiries.first();
    }
  }

  #requireOpen(signal: AbortSignal | undefined): void {
    if (this.#closed) throw closedError(this.#options);
    requireNotAborted(this.#options, signal);
  }
}

function itemOf(key: string, row: Row): StateItem & { value: StateValue } {
  const value = typeof row.value === 'string' ? row.value : new Uint8Array(row.value);
  return row.expiresAt === undefined
    ? { key, value, etag: row.etag }
    : { key, value, etag: row.etag, expiresAt: row.expiresAt };
}

export const driver: Driver<StateStore> = {
  fields: [],
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    return new MemoryStore(options);
  },
};
