/**
 * `state.etcd`, versions v1 and v2 of Dapr's: rows where daprd keeps them, the
 * revision of a row for its etag. Transactions go through the group commit of
 * ./etcd/commits.ts, and reads that wait together share a request. A write that
 * was answered is on the disk of most members of the cluster.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Connection } from '../../etcd/connection.ts';
import type { StateItem, StateOperation, StateStore } from '../contract.ts';
import { Gathered } from '../gathered.ts';
import {
  closedError,
  requireKey,
  requireNotAborted,
  requireOperation,
  requireRange,
} from '../operations.ts';
import { Commits } from './etcd/commits.ts';
import { isOver, Reads } from './etcd/reads.ts';
import { Keys } from './etcd/rows.ts';
import { fields, readSettings } from './etcd/settings.ts';

/** Requests for single rows on their way at once, and rows of one. */
const READS = 2;
const MOST_KEYS = 100;

async function openStore(options: ComponentOptions, signal: AbortSignal): Promise<StateStore> {
  const { maxOps, ...settings } = readSettings(options);
  const connection = await Connection.open(options, settings, signal);
  const keys = new Keys(connection.root);
  const reads = new Reads(options, connection, keys, maxOps);
  const commits = new Commits({ options, connection, reads, keys, maxOps });
  const gathered = new Gathered({
    ...{ options, lanes: READS, most: MOST_KEYS },
    fetch: (wanted) => reads.rows(wanted),
  });
  let closing: Promise<void> | undefined;

  function requireOpen(abort: AbortSignal | undefined): void {
    if (closing) throw closedError(options);
    requireNotAborted(options, abort);
  }

  /** A NUL at an end tells the store's own keys from rows. */
  function requireFree(key: string): void {
    requireKey(options, key);
    if (!key.startsWith('\0') && !key.endsWith('\0')) return;
    throw new ComponentError(options, 'a state key may not begin or end with a NUL', {
      code: 'INVALID_ARGUMENT',
    });
  }

  async function write(
    operations: readonly StateOperation[],
    abort: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    requireOpen(abort);
    for (const operation of operations) {
      requireOperation(options, operation);
      requireFree(operation.kind === 'delete-prefix' ? operation.prefix : operation.key);
    }
    return operations.length === 0 ? [] : commits.add(operations.map(ownCopy), abort);
  }

  async function closeAll(): Promise<void> {
    await Promise.all([commits.drain(), gathered.drain()]);
    await connection.close();
  }

  function close(): Promise<void> {
    closing ??= closeAll();
    return closing;
  }

  async function shown(wanted: readonly string[]) {
    for (const key of wanted) requireFree(key);
    const rows = await reads.rows(wanted);
    const now = options.now();
    return (key: string) => {
      const row = rows.get(key);
      return row && !isOver(row, now) ? row.item : undefined;
    };
  }

  return {
    features: ['ETAG', 'TRANSACTIONAL', 'TTL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'],
    usage: () => connection.usage(),
    async get(key, { signal: abort } = {}) {
      requireOpen(abort);
      requireFree(key);
      const row = await gathered.get(key);
      return row && !isOver(row, options.now()) ? ownItem(row.item) : undefined;
    },
    async getBulk(wanted, { signal: abort } = {}) {
      requireOpen(abort);
      const itemOf = await shown(wanted);
      // Values apart for keys that were asked for twice.
      return wanted.map((key) => ({ ...(itemOf(key) ?? { key }) }));
    },
    async apply(operation, { signal: abort } = {}) {
      return (await write([operation], abort))[0];
    },
    transact: (operations, { signal: abort } = {}) => write(operations, abort),
    async range(query, { signal: abort } = {}) {
      requireOpen(abort);
      requireRange(options, query);
      return reads.range(query);
    },
    async ping({ signal: abort } = {}) {
      requireOpen(abort);
      await connection.ping();
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

/** Another caller may have been given the same row. */
function ownItem(item: StateItem): StateItem {
  const { value } = item;
  return value instanceof Uint8Array ? { ...item, value: new Uint8Array(value) } : { ...item };
}

export const driver: Driver<StateStore> = {
  fields,
  create: (options, { signal }) => openStore(options, signal),
};
