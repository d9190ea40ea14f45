/**
 * The contract of a state store. Keys are final here (prefixes are added by
 * the caller). It has Dapr's operations and three that actors need: a
 * condition without a write (`check`), an ordered index over rows, and delete
 * by key prefix.
 */
import type { Component } from '../component.ts';

/**
 * A string is JSON text, kept readable in the backend as Dapr keeps JSON; bytes
 * are kept as Dapr keeps binary values. A store returns the kind it was given.
 */
export type StateValue = string | Uint8Array;

export interface StateItem {
  readonly key: string;
  /** Absent when the key is. */
  readonly value?: StateValue;
  readonly etag?: string;
  /** Milliseconds since the epoch, when the item has a ttl. */
  readonly expiresAt?: number;
}

export interface IndexPosition {
  /** Name of an ordered index; the row is a member of at most one. */
  readonly name: string;
  /** Order within the index; equal scores order by key. */
  readonly score: number;
}

export interface SetOperation {
  readonly kind: 'set';
  readonly key: string;
  readonly value: StateValue;
  /** The write happens only if the row has this etag. */
  readonly etag?: string;
  /** With no etag: the write happens only if the row is absent (Dapr's first-write concurrency). */
  readonly firstWrite?: boolean;
  /** The row disappears this many seconds after the write. Absent: it stays. */
  readonly ttlSeconds?: number;
  /** Places the row in an index. A row that is in an index is always set and deleted with its index named. */
  readonly index?: IndexPosition;
}

export interface DeleteOperation {
  readonly kind: 'delete';
  readonly key: string;
  /** The delete happens only if the row has this etag. Without it, deleting an absent row is fine. */
  readonly etag?: string;
  /** Name of the index that the row is in, if it is in one. */
  readonly index?: string;
}

export interface CheckOperation {
  readonly kind: 'check';
  readonly key: string;
  /** The etag that the row must have; null: the row must be absent. */
  readonly etag: string | null;
}

/** Deletes every row whose key starts with `prefix`, and its index entries. */
export interface DeletePrefixOperation {
  readonly kind: 'delete-prefix';
  readonly prefix: string;
}

export type StateOperation =
  | SetOperation
  | DeleteOperation
  | CheckOperation
  | DeletePrefixOperation;

export interface RangeQuery {
  readonly index: string;
  /** Only rows with a score up to and including this one. */
  readonly maxScore?: number;
  /** Continues behind this position (score, then key). */
  readonly after?: { readonly score: number; readonly key: string };
  readonly limit: number;
}

export interface IndexedItem extends StateItem {
  readonly value: StateValue;
  readonly score: number;
}

/**
 * Feature names: `ETAG`, `TRANSACTIONAL`, `TTL`, `DELETE_WITH_PREFIX` as in
 * Dapr; `ORDERED_INDEX` is Troupe's own. A store is fit for actors when it has
 * all but TTL. An operation outside the declared features rejects with a
 * ComponentError of code UNSUPPORTED.
 *
 * Errors: CONFLICT when an etag, first write or check does not hold (with
 * `details: {key}`), INVALID_ARGUMENT for an etag that no row of this store
 * could have, COMPONENT or UNAVAILABLE when the backend fails.
 */
export interface StateStore extends Component {
  get(key: string, options?: { signal?: AbortSignal }): Promise<StateItem | undefined>;
  /** One item a key, in the order asked; absent ones without a value. */
  getBulk(keys: readonly string[], options?: { signal?: AbortSignal }): Promise<StateItem[]>;
  /** A single set, delete or delete-prefix. Resolves to the new etag of a set. */
  apply(
    operation: SetOperation | DeleteOperation | DeletePrefixOperation,
    options?: { signal?: AbortSignal },
  ): Promise<string | undefined>;
  /**
   * All or nothing, durable when it resolves. All conditions are evaluated
   * against the state before the first write. Resolves to the new etag of each
   * `set`, undefined for the others. Concurrent transactions may share one
   * commit of the backend; a failed condition fails only its own.
   */
  transact(
    operations: readonly StateOperation[],
    options?: { signal?: AbortSignal },
  ): Promise<(string | undefined)[]>;
  /** Rows of an index by (score, key), ascending. */
  range(query: RangeQuery, options?: { signal?: AbortSignal }): Promise<IndexedItem[]>;
}
