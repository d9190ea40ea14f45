/**
 * Group commit: transactions that become ready in one turn of the event loop
 * share one BEGIN IMMEDIATE..COMMIT, and with it one sync to disk. A condition
 * that does not hold fails only its own transaction, which then has written
 * nothing. A statement that fails undoes the batch, and every transaction of
 * it is tried again alone, so that only the guilty one fails.
 *
 * Conditions are evaluated inside the write transaction and nothing is
 * remembered between batches: another process may write the same file.
 */
import type { DatabaseSync } from 'node:sqlite';
import { ComponentError } from '../../../../runtime/core/errors.ts';
import type { ComponentOptions } from '../../../component.ts';
import type { StateOperation } from '../../contract.ts';
import { conflict, requireNotAborted } from '../../operations.ts';
import type { Rows } from './rows.ts';

/** Operations that one commit takes at most, so that a long queue does not hold the event loop. */
const BATCH_OPERATIONS = 2_000;

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

type Etags = (string | undefined)[];

interface Waiting {
  readonly operations: readonly StateOperation[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (etags: Etags) => void;
  readonly reject: (error: unknown) => void;
  /** Set when its condition did not hold in the batch now running. */
  refusal: unknown;
  etags: Etags | undefined;
}

export class Commits {
  readonly #options: ComponentOptions;
  readonly #rows: Rows;
  readonly #nextEtag: () => string;
  readonly #begin: () => void;
  readonly #commit: () => void;
  readonly #rollback: () => void;
  #waiting: Waiting[] = [];
  #scheduled = false;
  readonly #flushTurn = (): void => {
    this.#scheduled = false;
    this.#flush();
    if (this.#waiting.length > 0) this.#schedule();
  };

  constructor(
    options: ComponentOptions,
    database: DatabaseSync,
    rows: Rows,
    nextEtag: () => string,
  ) {
    this.#options = options;
    this.#rows = rows;
    this.#nextEtag = nextEtag;
    const begin = database.prepare('BEGIN IMMEDIATE');
    const commit = database.prepare('COMMIT');
    this.#begin = () => void begin.run();
    this.#commit = () => void commit.run();
    this.#rollback = () => {
      if (database.isTransaction) database.exec('ROLLBACK');
    };
  }

  /** Resolves when the transaction is on disk. Operations were checked by the caller. */
  add(operations: readonly StateOperation[], signal: AbortSignal | undefined): Promise<Etags> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        operations,
        signal,
        resolve,
        reject,
        refusal: undefined,
        etags: undefined,
      });
      if (!this.#scheduled) this.#schedule();
    });
  }

  /** Commits everything that waits. */
  drain(): void {
    while (this.#waiting.length > 0) this.#flush();
  }

  /** Runs `work` in a transaction of its own, between batches. */
  alone<T>(work: () => T): T {
    this.#begin();
    try {
      const result = work();
      this.#commit();
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(this.#flushTurn);
  }

  #flush(): void {
    this.#run(this.#take());
  }

  #take(): Waiting[] {
    let operations = 0;
    let count = 0;
    while (count < this.#waiting.length && operations < BATCH_OPERATIONS) {
      operations += this.#waiting[count]!.operations.length;
      count++;
    }
    if (count === this.#waiting.length) {
      const all = this.#waiting;
      this.#waiting = [];
      return all;
    }
    return this.#waiting.splice(0, count);
  }

  /** One commit for the batch; every member of it is settled when this returns. */
  #run(batch: readonly Waiting[]): void {
    try {
      this.#begin();
    } catch (error) {
      this.#fail(batch, error);
      return;
    }
    try {
      for (const waiting of batch) this.#execute(waiting);
    } catch (error) {
      this.#rollback();
      if (batch.length === 1) this.#fail(batch, error);
      else for (const waiting of batch) this.#run([waiting]);
      return;
    }
    try {
      this.#commit();
    } catch (error) {
      // No single transaction is to blame for a failed commit, and after a failed sync a repetition proves nothing.
      this.#rollback();
      this.#fail(batch, error);
      return;
    }
    for (const { refusal, etags, resolve, reject } of batch) {
      if (refusal !== undefined) reject(refusal);
      else resolve(etags!);
    }
  }

  /** Throws only what SQLite throws; a condition that does not hold is kept as the refusal. */
  #execute(waiting: Waiting): void {
    const { operations } = waiting;
    waiting.refusal = undefined;
    if (waiting.signal?.aborted) {
      waiting.refusal = this.#cancelled(waiting.signal);
      return;
    }
    for (const operation of operations) {
      const refusal = this.#refusalOf(operation);
      if (refusal !== undefined) {
        waiting.refusal = refusal;
        return;
      }
    }
    const etags: Etags = [];
    for (const operation of operations) etags.push(this.#write(operation));
    waiting.etags = etags;
  }

  #refusalOf(operation: StateOperation): ComponentError | undefined {
    if (operation.kind === 'delete-prefix') return undefined;
    const { key, etag } = operation;
    if (etag != null) {
      const current = this.#rows.etagOf(key);
      if (current === etag) return undefined;
      const why =
        current === undefined ? 'does not exist (any more)' : 'was changed by another writer';
      return conflict(this.#options, key, why);
    }
    const mustBeAbsent =
      operation.kind === 'set' ? operation.firstWrite : operation.kind === 'check';
    if (mustBeAbsent && this.#rows.etagOf(key) !== undefined)
      return conflict(this.#options, key, 'exists already');
    return undefined;
  }

  #write(operation: StateOperation): string | undefined {
    switch (operation.kind) {
      case 'set': {
        const etag = this.#nextEtag();
        this.#rows.set(operation, etag);
        return etag;
      }
      case 'delete':
        this.#rows.delete(operation.key, operation.index);
        return undefined;
      case 'delete-prefix':
        this.#rows.deletePrefix(operation.prefix);
        return undefined;
      case 'check':
        return undefined;
    }
    operation satisfies never;
  }

  #cancelled(signal: AbortSignal): unknown {
    try {
      requireNotAborted(this.#options, signal);
    } catch (error) {
      return error;
    }
    return undefined;
  }

  #fail(batch: readonly Waiting[], cause: unknown): void {
    const error = backendError(this.#options, cause);
    for (const { reject } of batch) reject(error);
  }
}

/** What callers get for an error of SQLite: UNAVAILABLE when the same request may succeed later. */
export function backendError(component: ComponentOptions, cause: unknown): ComponentError {
  const code = (cause as { errcode?: number }).errcode;
  const primary = code === undefined ? undefined : code & 0xff;
  if (primary === SQLITE_BUSY || primary === SQLITE_LOCKED)
    return new ComponentError(
      component,
      'another process holds the lock of the database for longer than "busyTimeout"; nothing was written',
      { code: 'UNAVAILABLE', cause },
    );
  return new ComponentError(component, `the database failed: ${(cause as Error).message}`, {
    cause,
  });
}
