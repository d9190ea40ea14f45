/**
 * The statements of `state.sqlite` and how values stand in its rows, as daprd
 * writes them: JSON as text, bytes as base64 with `is_binary`, times as UTC
 * text. Ours have milliseconds where daprd's have seconds; both compare and
 * parse alike. Statements are prepared once, and answer with arrays.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type {
  IndexedItem,
  RangeQuery,
  SetOperation,
  StateItem,
  StateValue,
} from '../../contract.ts';
import { expiryOf } from '../../operations.ts';
import type { SqliteSettings } from './settings.ts';

/** value, is_binary, etag, expiration_time */
type ItemColumns = [string, number, string, string | null];

export interface Rows {
  get(key: string): (StateItem & { value: StateValue }) | undefined;
  range(query: RangeQuery): IndexedItem[];
  /** Etag of a row that has not expired. */
  etagOf(key: string): string | undefined;
  set(operation: SetOperation, etag: string): void;
  delete(key: string, index: string | undefined): void;
  deletePrefix(prefix: string): void;
  /** Deletes up to `limit` expired rows and their index entries; returns how many. */
  deleteExpired(limit: number): number;
}

/** UTC text that SQLite, daprd and this driver compare and parse alike. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1).replace('T', ' ');
}

/** Milliseconds since the epoch of a time that this driver or daprd wrote. */
export function timeOf(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}${/(Z|[+-]\d\d:\d\d)$/.test(text) ? '' : 'Z'}`);
}

/** The first text behind all that begin with `prefix`, in code point order; undefined when there is none. */
export function behindPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // The code points of surrogates are no text; the next one that is follows them.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}

export function prepareRows(
  database: DatabaseSync,
  settings: SqliteSettings,
  now: () => number,
): Rows {
  const { table, indexTable } = settings;
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const selectItem = prepare(
    `SELECT value, is_binary, etag, expiration_time FROM ${table} WHERE key = ?`,
  );
  const selectEtag = prepare(`SELECT etag, expiration_time FROM ${table} WHERE key = ?`);
  const upsert = prepare(`INSERT INTO ${table} (key, value, is_binary, etag, expiration_time)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, is_binary = excluded.is_binary,
      etag = excluded.etag, expiration_time = excluded.expiration_time,
      update_time = CURRENT_TIMESTAMP`);
  const upsertIndex = prepare(`INSERT INTO ${indexTable} (key, name, score) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET name = excluded.name, score = excluded.score
      WHERE name <> excluded.name OR score <> excluded.score`);
  const deleteRow = prepare(`DELETE FROM ${table} WHERE key = ?`);
  const deleteIndex = prepare(`DELETE FROM ${indexTable} WHERE key = ?`);
  // The cross join fixes the order of the loops: the index leads, and its order is the result's.
  const selectRange =
    prepare(`SELECT s.value, s.is_binary, s.etag, s.expiration_time, i.key, i.score
    FROM ${indexTable} i CROSS JOIN ${table} s ON s.key = i.key
    WHERE i.name = ? AND i.score <= ? AND (i.score, i.key) > (?, ?)
      AND (s.expiration_time IS NULL OR s.expiration_time > ?)
    ORDER BY i.score, i.key LIMIT ?`);
  const between = 'key >= ? AND key < ?';
  const prefixed = [table, indexTable].map((name) => ({
    bounded: prepare(`DELETE FROM ${name} WHERE ${between}`),
    open: prepare(`DELETE FROM ${name} WHERE key >= ?`),
  }));
  const selectExpired = prepare(`SELECT key FROM ${table}
    WHERE expiration_time IS NOT NULL AND expiration_time <= ? LIMIT ?`);

  const live = (expiration: string | null): boolean =>
    expiration === null || timeOf(expiration) > now();

  return {
    get(key) {
      const row = selectItem.get(key) as ItemColumns | undefined;
      return row && live(row[3]) ? itemOf(key, row) : undefined;
    },
    range(query) {
      const after = query.after ?? { score: -Infinity, key: '' };
      const parameters: SQLInputValue[] = [
        query.index,
        query.maxScore ?? Infinity,
        after.score,
        after.key,
        timeText(now()),
        query.limit,
      ];
      const found = selectRange.all(...parameters) as unknown as [...ItemColumns, string, number][];
      return found.map(([value, binary, etag, expiration, key, score]) => ({
        ...itemOf(key, [value, binary, etag, expiration]),
        score,
      }));
    },
    etagOf(key) {
      const row = selectEtag.get(key) as [string, string | null] | undefined;
      return row && live(row[1]) ? row[0] : undefined;
    },
    set(operation, etag) {
      const { key, value, ttlSeconds, index } = operation;
      const expiration = ttlSeconds === undefined ? null : timeText(expiryOf(now(), ttlSeconds));
      if (typeof value === 'string') upsert.run(key, value, 0, etag, expiration);
      else upsert.run(key, base64(value), 1, etag, expiration);
      if (index !== undefined) upsertIndex.run(key, index.name, index.score);
    },
    delete(key, index) {
      deleteRow.run(key);
      if (index !== undefined) deleteIndex.run(key);
    },
    deletePrefix(prefix) {
      const end = behindPrefix(prefix);
      for (const { bounded, open } of prefixed) {
        if (end === undefined) open.run(prefix);
        else bounded.run(prefix, end);
      }
    },
    deleteExpired(limit) {
      const expired = selectExpired.all(timeText(now()), limit) as unknown as [string][];
      for (const [key] of expired) {
        deleteRow.run(key);
        deleteIndex.run(key);
      }
      return expired.length;
    },
  };
}

function itemOf(key: string, row: ItemColumns): StateItem & { value: StateValue } {
  const [text, binary, etag, expiration] = row;
  const value = binary ? new Uint8Array(Buffer.from(text, 'base64')) : text;
  return expiration === null
    ? { key, value, etag }
    : { key, value, etag, expiresAt: timeOf(expiration) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
