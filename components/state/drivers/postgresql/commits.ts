/**
 * Group commit: while one transaction of the database is on its way, the next
 * ones gather, and share its one sync. Only transactions that have no key in
 * common travel together, so that each sees what was there before it and the
 * failed condition of one touches no other.
 */
import { randomUUID } from 'node:crypto';
import type { ComponentOptions } from '../../../component.ts';
import { Overtaken, type Database, type Run } from '../../../postgresql/database.ts';
import type { StateOperation } from '../../contract.ts';
import { conflict, expiryOf, requireNotAborted } from '../../operations.ts';
import type { Statements, Written } from './rows.ts';

/** Keys that one transaction of the database takes at most; a larger one of the caller goes alone. */
const MOST_KEYS = 2_000;

interface Waiting {
  readonly operations: readonly StateOperation[];
  readonly keys: ReadonlySet<string>;
  /** It deletes by prefix, so what keys it has is not known: it goes alone. */
  readonly isAlone: boolean;
  readonly signal: AbortSignal | undefined;
  resolve(etags: (string | undefined)[]): void;
  reject(error: unknown): void;
}

/** What a row was when it was locked; expired ones are there too. */
interface Found {
  readonly etag: string;
  readonly over: boolean;
}

type Outcome = { readonly etags: (string | undefined)[] } | { readonly error: Error };

export class Commits {
  readonly #options: ComponentOptions;
  readonly #database: Database;
  readonly #statements: Statements;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(options: ComponentOptions, database: Database, statements: Statements) {
    this.#options = options;
    this.#database = database;
    this.#statements = statements;
  }

  /** Resolves to the new etag of each set, undefined for the others. */
  add(
    operations: readonly StateOperation[],
    signal: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    const { promise, resolve, reject } = Promise.withResolvers<(string | undefined)[]>();
    const keys = new Set(operations.flatMap((one) => ('key' in one ? one.key : [])));
    const isAlone = operations.some(({ kind }) => kind === 'delete-prefix');
    this.#waiting.push({ operations, keys, isAlone, signal, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Resolves when everything that was added has its answer. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What becomes ready in this turn of the event loop comes along.
      await new Promise(setImmediate);
      await this.#commit(this.#take());
    }
    this.#running = undefined;
  }

  /** The first that waits and all that can travel with it; what shares a key with one that stays, stays. */
  #take(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const keys = new Set<string>();
    let isFull = false;
    for (const next of this.#waiting) {
      if (next.signal?.aborted) {
        next.reject(abortError(this.#options, next.signal));
        continue;
      }
      const isApart = next.isAlone || batch[0]?.isAlone === true;
      isFull ||= batch.length > 0 && (isApart || keys.size + next.keys.size > MOST_KEYS);
      const collides = isFull || [...next.keys].some((key) => keys.has(key));
      for (const key of next.keys) keys.add(key);
      (collides ? left : batch).push(next);
    }
    this.#waiting = left;
    return batch;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const outcomes = await this.#database.transaction((run) => this.#write(run, batch));
      batch.forEach((entry, i) => {
        const outcome = outcomes[i]!;
        if ('error' in outcome) entry.reject(outcome.error);
        else entry.resolve(outcome.etags);
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
  }

  async #write(run: Run, batch: readonly Waiting[]): Promise<Outcome[]> {
    const now = this.#options.now();
    const locked = await run(
      this.#statements.lock(
        batch.flatMap(({ keys }) => [...keys]),
        now,
      ),
    );
    const found = new Map(
      locked.map(({ key, etag, over }) => [key as string, { etag, over } as Found]),
    );
    const changes = new Changes(found);
    const outcomes: Outcome[] = [];
    for (const { operations } of batch) {
      const error = this.#broken(operations, found);
      if (error) {
        outcomes.push({ error });
        continue;
      }
      for (const operation of operations) {
        if (operation.kind !== 'delete-prefix') continue;
        const rows = await run(this.#statements.lockPrefix(operation.prefix));
        for (const { key } of rows) found.set(key as string, { etag: '', over: false });
      }
      outcomes.push({ etags: operations.map((operation) => changes.make(operation, now)) });
    }
    await changes.write(run, this.#statements);
    return outcomes;
  }

  /** The first condition that does not hold, as an error. */
  #broken(operations: readonly StateOperation[], found: ReadonlyMap<string, Found>) {
    for (const operation of operations) {
      if (operation.kind === 'delete-prefix') continue;
      const { key } = operation;
      const row = found.get(key);
      const current = row?.over === false ? row.etag : undefined;
      const wanted =
        operation.kind === 'set' && operation.firstWrite
          ? (operation.etag ?? null)
          : operation.etag;
      if (wanted === undefined || wanted === (current ?? null)) continue;
      if (wanted === null) return conflict(this.#options, key, 'exists already');
      if (current === undefined) return conflict(this.#options, key, 'does not exist (any more)');
      return conflict(this.#options, key, 'was changed by another writer');
    }
    return undefined;
  }
}

function abortError(options: ComponentOptions, signal: AbortSignal): unknown {
  try {
    requireNotAborted(options, signal);
  } catch (error) {
    return error;
  }
  return undefined;
}

/** What the transactions of a batch leave behind, by key. */
class Changes {
  readonly #found: Map<string, Found>;
  /** null: the row goes. */
  readonly #rows = new Map<string, Written | null>();
  /** Deleted on the way, whatever was written after. */
  readonly #deleted = new Set<string>();

  constructor(found: Map<string, Found>) {
    this.#found = found;
  }

  make(operation: StateOperation, now: number): string | undefined {
    switch (operation.kind) {
      case 'set': {
        const { key, value, ttlSeconds, index } = operation;
        const etag = randomUUID();
        const expiresAt = ttlSeconds === undefined ? undefined : expiryOf(now, ttlSeconds);
        this.#rows.set(key, { key, value: Buffer.from(value), etag, expiresAt, index });
        return etag;
      }
      case 'delete':
        this.#delete(operation.key);
        return undefined;
      case 'check':
        return undefined;
      case 'delete-prefix':
        for (const key of [...this.#found.keys(), ...this.#rows.keys()]) {
          if (key.startsWith(operation.prefix)) this.#delete(key);
        }
        return undefined;
    }
    return operation satisfies never;
  }

  #delete(key: string): void {
    this.#rows.set(key, null);
    this.#deleted.add(key);
  }

  /** @throws Overtaken when a row that was absent has come to be meanwhile. */
  async write(run: Run, statements: Statements): Promise<void> {
    const gone = [...this.#rows].filter(([key, row]) => row === null && this.#found.has(key));
    if (gone.length > 0) await run(statements.delete(gone.map(([key]) => key)));
    // One order everywhere, so that two hosts that make the same rows cannot wait for each other.
    const rows = [...this.#rows.values()]
      .filter((row) => row !== null)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
    if (rows.length === 0) return;
    const existed = await run(statements.set(rows));
    if (existed.some(({ key }) => !this.#found.has(key as string))) throw new Overtaken();
    // What was there before, expired or deleted on the way, may have been in an index.
    const left = rows.filter(
      ({ key, index }) => !index && (this.#deleted.has(key) || this.#found.get(key)?.over),
    );
    if (left.length > 0) await run(statements.leave(left.map(({ key }) => key)));
    const placed = rows.filter(({ index }) => index);
    if (placed.length > 0) await run(statements.place(placed));
  }
}
