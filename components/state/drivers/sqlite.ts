/**
 * `state.sqlite` on node:sqlite: one file, readable and writable by real daprd
 * as well, on disk when a write resolves. Writes go through the group commit
 * of ./sqlite/commits.ts; reads run at once on the same connection, between
 * batches, so they see committed rows only. The ordered index is a side table
 * that only operations with an index touch, which is why the contract wants a
 * row's index named at every set and delete, of an expired row too.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import type {
  IndexedItem,
  RangeQuery,
  StateItem,
  StateOperation,
  StateStore,
} from '../contract.ts';
import {
  closedError,
  etagSource,
  requireKey,
  requireNotAborted,
  requireOperation,
  requireRange,
} from '../operations.ts';
import { scheduleCleanup } from './sqlite/cleanup.ts';
import { backendError, Commits } from './sqlite/commits.ts';
import { prepareRows } from './sqlite/rows.ts';
import { openDatabase } from './sqlite/schema.ts';
import { fields, readSettings } from './sqlite/settings.ts';

function openStore(options: ComponentOptions): StateStore {
  const settings = readSettings(options);
  const database = openDatabase(options, settings);
  const rows = prepareRows(database, settings, options.now);
  const commits = new Commits(options, database, rows, etagSource());
  const probe = database.prepare(`SELECT 1 FROM ${settings.table} LIMIT 1`);
  const cleanup = scheduleCleanup(options, settings, database, rows, commits);
  let closed = false;

  function requireOpen(signal: AbortSignal | undefined): void {
    if (closed) throw closedError(options);
    requireNotAborted(options, signal);
  }

  function read<T>(query: () => T): T {
    try {
      return query();
    } catch (cause) {
      throw backendError(options, cause);
    }
  }

  function write(
    operations: readonly StateOperation[],
    signal: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    try {
      requireOpen(signal);
      for (const operation of operations) requireOperation(options, operation);
    } catch (error) {
      return Promise.reject(error);
    }
    return operations.length === 0 ? Promise.resolve([]) : commits.add(operations, signal);
  }

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    cleanup.cancel();
    commits.drain();
    database.close();
  }

  return {
    features: ['ETAG', 'TRANSACTIONAL', 'TTL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'],
    async get(key, { signal } = {}) {
      requireOpen(signal);
      requireKey(options, key);
      return read(() => rows.get(key));
    },
    async getBulk(keys, { signal } = {}) {
      requireOpen(signal);
      for (const key of keys) requireKey(options, key);
      return read(() => keys.map((key): StateItem => rows.get(key) ?? { key }));
    },
    async apply(operation, { signal } = {}) {
      return (await write([operation], signal))[0];
    },
    transact: (operations, { signal } = {}) => write(operations, signal),
    async range(query: RangeQuery, { signal } = {}): Promise<IndexedItem[]> {
      requireOpen(signal);
      requireRange(options, query);
      return read(() => rows.range(query));
    },
    async ping({ signal } = {}) {
      requireOpen(signal);
      read(() => probe.get());
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<StateStore> = {
  fields,
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not opened: cancelled', { code: 'CANCELLED' });
    return openStore(options);
  },
};
