/**
 * `state.postgresql`, version v2 of Dapr's: values as bytes, etags as UUIDs,
 * in a table that daprd reads and writes as well. Transactions go through the
 * group commit of ./postgresql/commits.ts; reads that wait together share one
 * statement, go to any connection of the pool and see committed rows only. How durable a write is that was answered
 * is the server's `synchronous_commit`, which is on by default.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Database, type Row } from '../../postgresql/database.ts';
import type {
  IndexedItem,
  RangeQuery,
  StateItem,
  StateOperation,
  StateStore,
} from '../contract.ts';
import { Gathered } from '../gathered.ts';
import {
  closedError,
  requireKey,
  requireNotAborted,
  requireOperation,
  requireRange,
} from '../operations.ts';
import { scheduleCleanup } from './postgresql/cleanup.ts';
import { Commits } from './postgresql/commits.ts';
import { itemOf, statementsOf } from './postgresql/rows.ts';
import { prepareTables } from './postgresql/schema.ts';
import { fields, readSettings } from './postgresql/settings.ts';

/** Statements for single rows on their way at once, and rows of one. */
const READS = 2;
const MOST_KEYS = 500;

async function openStore(options: ComponentOptions, signal: AbortSignal): Promise<StateStore> {
  const settings = readSettings(options);
  const database = await Database.open(options, settings, signal);
  try {
    await prepareTables(options, database, settings);
  } catch (error) {
    await database.close();
    throw error;
  }
  const statements = statementsOf(settings);
  const commits = new Commits(options, database, statements);
  const cleanup = scheduleCleanup(options, database, statements, settings.cleanupIntervalMs);
  const reads = new Gathered({ options, lanes: READS, most: MOST_KEYS, fetch: rowsOf });
  let closing: Promise<void> | undefined;

  async function rowsOf(keys: readonly string[]): Promise<Map<string, Row>> {
    const rows = await database.query(statements.get(keys, options.now()));
    return new Map(rows.map((row) => [row['key'] as string, row]));
  }

  function requireOpen(abort: AbortSignal | undefined): void {
    if (closing) throw closedError(options);
    requireNotAborted(options, abort);
  }

  function requireText(key: string): void {
    requireKey(options, key);
    if (!key.includes('\0')) return;
    throw new ComponentError(options, 'a state key may not have a NUL: PostgreSQL cannot keep it', {
      code: 'INVALID_ARGUMENT',
    });
  }

  function requireFit(operation: StateOperation): void {
    requireOperation(options, operation);
    requireText(operation.kind === 'delete-prefix' ? operation.prefix : operation.key);
  }

  async function write(
    operations: readonly StateOperation[],
    abort: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    requireOpen(abort);
    for (const operation of operations) requireFit(operation);
    return operations.length === 0 ? [] : commits.add(operations.map(ownCopy), abort);
  }

  async function closeAll(): Promise<void> {
    await Promise.all([commits.drain(), reads.drain(), cleanup.stop()]);
    await database.close();
  }

  function close(): Promise<void> {
    closing ??= closeAll();
    return closing;
  }

  return {
    features: ['ETAG', 'TRANSACTIONAL', 'TTL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'],
    usage: () => database.usage(),
    async get(key, { signal: abort } = {}) {
      requireOpen(abort);
      requireText(key);
      const row = await reads.get(key);
      return row && itemOf(row);
    },
    async getBulk(keys, { signal: abort } = {}) {
      requireOpen(abort);
      for (const key of keys) requireText(key);
      if (keys.length === 0) return [];
      const rows = await rowsOf(keys);
      return keys.map((key): StateItem => {
        const row = rows.get(key);
        return row ? itemOf(row) : { key };
      });
    },
    async apply(operation, { signal: abort } = {}) {
      return (await write([operation], abort))[0];
    },
    transact: (operations, { signal: abort } = {}) => write(operations, abort),
    async range(query: RangeQuery, { signal: abort } = {}): Promise<IndexedItem[]> {
      requireOpen(abort);
      requireRange(options, query);
      const rows = await database.query(statements.range(query, options.now()));
      return rows.map((row) => ({ ...itemOf(row), score: row['score'] as number }));
    },
    async ping({ signal: abort } = {}) {
      requireOpen(abort);
      await database.query({ text: 'SELECT 1' });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The caller may change its bytes before they are sent. */
function ownCopy(operation: StateOperation): StateOperation {
  if (operation.kind !== 'set' || typeof operation.value === 'string') return operation;
  return { ...operation, value: new Uint8Array(operation.value) };
}

export const driver: Driver<StateStore> = {
  fields,
  create: (options, { signal }) => openStore(options, signal),
};
