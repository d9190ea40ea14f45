/** What the operations of one transaction leave behind, as requests of etcd. */
import type { IRequestOp } from 'etcd3';
import { endOfPrefix } from '../../../etcd/keys.ts';
import type { StateOperation } from '../../contract.ts';
import { expiryOf } from '../../operations.ts';
import type { Leases } from './leases.ts';
import { sideOf, type Found, type Keys, type Schema, type Written } from './rows.ts';

export interface ChangesOptions {
  readonly keys: Keys;
  readonly schema: Schema;
  readonly leases: Leases;
  readonly now: number;
  /** Rows as they are before the transaction, as far as it needs to know. */
  readonly found: ReadonlyMap<string, Found>;
}

/** Etcd takes a key once in a transaction: the last operation of each counts. */
export async function requestsOf(
  operations: readonly StateOperation[],
  options: ChangesOptions,
): Promise<IRequestOp[]> {
  const rows = new Map<string, Written | undefined>();
  const prefixes: string[] = [];
  for (const operation of operations) {
    switch (operation.kind) {
      case 'set':
        rows.set(operation.key, writtenBy(operation, options.now));
        break;
      case 'delete':
        rows.set(operation.key, undefined);
        break;
      case 'check':
        break;
      case 'delete-prefix':
        prefixes.push(operation.prefix);
        for (const key of rows.keys())
          if (key.startsWith(operation.prefix)) rows.set(key, undefined);
        for (const key of options.found.keys())
          if (key.startsWith(operation.prefix)) rows.set(key, undefined);
        break;
      default:
        operation satisfies never;
    }
  }
  const requests = await Promise.all(
    [...rows].map(async ([key, row]) => (row ? setting(row, options) : deleting(key, options))),
  );
  const kept = [...rows.values()].flatMap((row) => (row ? [row.key] : []));
  return [...requests.flat(), ...prefixes.flatMap((prefix) => clearing(prefix, kept, options))];
}

function writtenBy(operation: StateOperation & { kind: 'set' }, now: number): Written {
  const { key, value, ttlSeconds, index } = operation;
  return {
    key,
    value: Buffer.from(value),
    isText: typeof value === 'string',
    expiresAt: ttlSeconds === undefined ? undefined : expiryOf(now, ttlSeconds),
    index,
  };
}

async function setting(row: Written, options: ChangesOptions): Promise<IRequestOp[]> {
  const { keys, schema, leases, now } = options;
  const ends = row.expiresAt;
  const id = ends === undefined ? undefined : await leases.until(ends, now);
  const lease = id === undefined ? {} : { lease: id };
  const put = (key: Buffer, value: Buffer): IRequestOp => ({
    request_put: { key, value, ...lease },
  });
  const side = sideOf(row);
  const entry = row.index && keys.entry(row.key, row.index);
  return [
    put(keys.row(row.key), schema.encode(row.value, now, ends)),
    side ? put(keys.side(row.key), side) : { request_delete_range: { key: keys.side(row.key) } },
    ...(entry ? [put(entry, Buffer.alloc(0))] : []),
    ...leaving(row.key, entry, options),
  ];
}

function deleting(key: string, options: ChangesOptions): IRequestOp[] {
  const { keys } = options;
  return [
    { request_delete_range: { key: keys.row(key), range_end: keys.end(key) } },
    ...leaving(key, undefined, options),
  ];
}

/** Takes a row out of the index that it was in, unless `entry` is the same place. */
function leaving(
  key: string,
  entry: Buffer | undefined,
  { keys, found }: ChangesOptions,
): IRequestOp[] {
  const before = found.get(key)?.index;
  const place = before && keys.entry(key, before);
  if (!place || entry?.equals(place)) return [];
  return [{ request_delete_range: { key: place } }];
}

/** Deletes the rows under a prefix that are not written: etcd refuses a deletion over a key that it writes. */
function clearing(prefix: string, kept: readonly string[], { keys }: ChangesOptions): IRequestOp[] {
  const start = keys.row(prefix);
  const islands = kept
    .filter((key) => key.startsWith(prefix))
    .map((key) => ({ from: keys.row(key), to: keys.end(key) }))
    .sort((a, b) => Buffer.compare(a.from, b.from));
  const starts = [start, ...islands.map(({ to }) => to)];
  const ends = [...islands.map(({ from }) => from), endOfPrefix(start)];
  return starts.flatMap((from, i) =>
    Buffer.compare(from, ends[i]!) < 0
      ? [{ request_delete_range: { key: from, range_end: ends[i]! } }]
      : [],
  );
}
