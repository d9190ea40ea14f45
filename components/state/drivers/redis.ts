/**
 * `state.redis`: rows as daprd keeps them, a hash of `data` and `version`, in
 * one Redis server. Reads and writes are scripts, so a transaction is atomic and
 * a read of many rows sees one moment; transactions go through the group commit
 * of ./redis/commits.ts, and reads that wait together share a script. The etag is the version.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import type {
  IndexedItem,
  RangeQuery,
  StateItem,
  StateOperation,
  StateStore,
  StateValue,
} from '../contract.ts';
import { Gathered } from '../gathered.ts';
import {
  closedError,
  expiryOf,
  requireKey,
  requireNotAborted,
  requireOperation,
  requireRange,
} from '../operations.ts';
import { Connection } from '../../redis/connection.ts';
import { Commits } from './redis/commits.ts';
import { warnOfBrokenPromises } from './redis/promises.ts';
import { OWN_PREFIX, RANGE, READ, WRITE } from './redis/scripts.ts';
import { fields, readSettings } from './redis/settings.ts';

/**
 * Clocks further apart than this cannot agree on when a row ends. Then the
 * component's clock alone decides, and Redis keeps what ended for a day.
 */
const CLOCK_DRIFT_MS = 60_000;
const GRACE_MS = 86_400_000;
/** Scripts for single rows on their way at once, and rows of one: Redis does nothing else while it runs. */
const READS = 2;
const MOST_KEYS = 200;

type Fields = readonly [data: Buffer, version: Buffer, kind: Buffer, ends: Buffer];

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A row that daprd wrote says nothing of its kind: what is text counts as JSON. */
function valueOf(data: Buffer, kind: string): StateValue {
  if (kind === 't') return data.toString();
  if (kind === 'b') return new Uint8Array(data);
  try {
    return utf8.decode(data);
  } catch {
    return new Uint8Array(data);
  }
}

function itemOf(key: string, row: Fields): StateItem & { value: StateValue } {
  const [data, version, kind, ends] = row;
  return {
    key,
    value: valueOf(data, kind.toString()),
    ...(version.length === 0 ? {} : { etag: version.toString() }),
    ...(ends.length === 0 ? {} : { expiresAt: Number(ends.toString()) }),
  };
}

async function openStore(options: ComponentOptions, signal: AbortSignal): Promise<StateStore> {
  const settings = readSettings(options);
  const connection = await Connection.open(options, settings, {
    scripts: [READ, WRITE, RANGE],
    signal,
  });
  if (settings.actors) await warnOfBrokenPromises(options, connection);
  const [seconds] = (await connection.send(['TIME'], false)) as [Buffer];
  const drift = Math.abs(Number(seconds.toString()) * 1_000 - options.now());
  const commits = new Commits(options, connection, drift > CLOCK_DRIFT_MS ? GRACE_MS : 0);
  const reads = new Gathered({
    ...{ options, lanes: READS, most: MOST_KEYS },
    async fetch(keys) {
      const rows = await read(keys);
      return new Map(keys.flatMap((key, i) => (rows[i] ? [[key, rows[i]]] : [])));
    },
  });
  let closed = false;

  function requireOpen(abort: AbortSignal | undefined): void {
    if (closed) throw closedError(options);
    requireNotAborted(options, abort);
  }

  function requireFree(key: string): void {
    if (key.startsWith(OWN_PREFIX))
      throw new ComponentError(options, `a state key may not begin with "${OWN_PREFIX}"`, {
        code: 'INVALID_ARGUMENT',
      });
  }

  function requireReadable(key: string): void {
    requireKey(options, key);
    requireFree(key);
  }

  async function read(keys: readonly string[]): Promise<(Fields | null)[]> {
    if (keys.length === 0) return [];
    const reply = await connection.run(READ, [String(options.now()), ...keys], false);
    return reply as (Fields | null)[];
  }

  function argsOf(operation: StateOperation, now: number): (string | Buffer)[] {
    if (operation.kind === 'delete-prefix') return ['p', operation.prefix];
    const { key } = operation;
    switch (operation.kind) {
      case 'set': {
        const { value, index } = operation;
        const ttlSeconds = operation.ttlSeconds ?? settings.ttlSeconds;
        const ends = ttlSeconds === undefined ? undefined : expiryOf(now, ttlSeconds);
        return [
          ...['s', key, operation.etag ?? '', operation.firstWrite ? '1' : ''],
          // A copy: the caller may change its bytes before they are sent.
          typeof value === 'string' ? value : Buffer.from(value),
          typeof value === 'string' ? 't' : 'b',
          ...(ends === undefined ? ['', ''] : [String(ends - now), String(ends)]),
          ...(index === undefined ? ['', ''] : [index.name, String(index.score)]),
        ];
      }
      case 'delete':
        return ['d', key, operation.etag ?? ''];
      case 'check':
        return ['c', key, operation.etag ?? ''];
    }
    return operation satisfies never;
  }

  async function write(
    operations: readonly StateOperation[],
    abort: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    requireOpen(abort);
    for (const operation of operations) {
      requireOperation(options, operation);
      if (operation.kind === 'set') requireFree(operation.key);
      if (operation.kind === 'delete') requireFree(operation.key);
    }
    if (operations.length === 0) return [];
    const now = options.now();
    const args = operations.flatMap((operation) => argsOf(operation, now));
    return commits.add(args, abort);
  }

  async function close(): Promise<void> {
    closed = true;
    await Promise.all([commits.drain(), reads.drain()]);
    await connection.close();
  }

  return {
    features: ['ETAG', 'TRANSACTIONAL', 'TTL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'],
    usage: () => connection.usage(),
    async get(key, { signal: abort } = {}) {
      requireOpen(abort);
      requireReadable(key);
      const row = await reads.get(key);
      return row ? itemOf(key, row) : undefined;
    },
    async getBulk(keys, { signal: abort } = {}) {
      requireOpen(abort);
      for (const key of keys) requireReadable(key);
      const rows = await read(keys);
      return keys.map((key, i) => (rows[i] ? itemOf(key, rows[i]) : { key }));
    },
    async apply(operation, { signal: abort } = {}) {
      return (await write([operation], abort))[0];
    },
    async transact(operations, { signal: abort } = {}) {
      return write(operations, abort);
    },
    async range(query: RangeQuery, { signal: abort } = {}): Promise<IndexedItem[]> {
      requireOpen(abort);
      requireRange(options, query);
      const { index, maxScore = Infinity, after, limit } = query;
      const reply = await connection.run(
        RANGE,
        [
          ...[String(options.now()), index, maxScore === Infinity ? '' : String(maxScore)],
          ...(after ? [String(after.score), after.key] : ['', '']),
          String(limit),
        ],
        false,
      );
      return (reply as [Buffer, Buffer, ...Fields][]).map(([key, score, ...row]) => ({
        ...itemOf(key.toString(), row),
        score: Number(score.toString()),
      }));
    },
    async ping({ signal: abort } = {}) {
      requireOpen(abort);
      await connection.send(['PING'], false);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<StateStore> = {
  fields,
  create: (options, { signal }) => openStore(options, signal),
};
