/** The statements of `state.postgresql`, and rows as they come back. Times are milliseconds. */
import type { Run, Row } from '../../../postgresql/database.ts';
import type { RangeQuery, StateItem, StateValue } from '../../contract.ts';
import type { PostgresqlSettings } from './settings.ts';

/** A row as a transaction will leave it. */
export interface Written {
  readonly key: string;
  readonly value: Buffer;
  readonly etag: string;
  readonly expiresAt: number | undefined;
  readonly index: { readonly name: string; readonly score: number } | undefined;
}

const moment = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`;
const COLUMNS = `s.key, s.value, s.etag::text AS etag,
  (extract(epoch FROM s.expires_at) * 1000)::float8 AS ends`;

export function statementsOf({ stateTable, indexTable }: PostgresqlSettings) {
  const shown = (now: string): string => `(s.expires_at IS NULL OR s.expires_at > ${moment(now)})`;
  return {
    get: (keys: readonly string[], now: number) => ({
      name: 'troupe-state-get',
      text: `SELECT ${COLUMNS} FROM ${stateTable} s WHERE s.key = ANY($1::text[]) AND ${shown('$2')}`,
      values: [keys, now],
    }),

    range: ({ index, maxScore = Infinity, after, limit }: RangeQuery, now: number) => ({
      name: 'troupe-state-range',
      text: `SELECT ${COLUMNS}, i.score FROM ${indexTable} i JOIN ${stateTable} s ON s.key = i.key
        WHERE i.name = $1 AND i.score <= $2 AND (i.score, i.key) > ($3, $4) AND ${shown('$5')}
        ORDER BY i.score, i.key LIMIT $6`,
      values: [index, maxScore, after?.score ?? -Infinity, after?.key ?? '', now, limit],
    }),

    /** Locks the rows of a transaction, in one order everywhere. */
    lock: (keys: readonly string[], now: number) => ({
      name: 'troupe-state-lock',
      text: `SELECT s.key, s.etag::text AS etag, NOT ${shown('$2')} AS over
        FROM ${stateTable} s WHERE s.key = ANY($1::text[]) ORDER BY s.key FOR UPDATE`,
      values: [keys, now],
    }),

    lockPrefix: (prefix: string) => ({
      name: 'troupe-state-lock-prefix',
      text: `SELECT s.key FROM ${stateTable} s WHERE s.key LIKE $1 ORDER BY s.key FOR UPDATE`,
      values: [`${prefix.replace(/[\\%_]/g, '\\$&')}%`],
    }),

    delete: (keys: readonly string[]) => ({
      name: 'troupe-state-delete',
      text: `DELETE FROM ${stateTable} WHERE key = ANY($1::text[])`,
      values: [keys],
    }),

    /** Answers with a row for each that was there already. */
    set: (rows: readonly Written[]) => ({
      name: 'troupe-state-set',
      text: `WITH written AS (
          INSERT INTO ${stateTable} AS s (key, value, etag, expires_at)
          SELECT key, value, etag, ${moment('ends')}
          FROM unnest($1::text[], $2::bytea[], $3::uuid[], $4::float8[]) AS n(key, value, etag, ends)
          ON CONFLICT (key) DO UPDATE SET value = excluded.value, etag = excluded.etag,
            updated_at = now(), expires_at = excluded.expires_at
          RETURNING s.key, s.xmax <> 0 AS existed
        ) SELECT key FROM written WHERE existed`,
      values: [
        rows.map(({ key }) => key),
        rows.map(({ value }) => value),
        rows.map(({ etag }) => etag),
        rows.map(({ expiresAt }) => expiresAt ?? null),
      ],
    }),

    /** Takes rows out of their index. */
    leave: (keys: readonly string[]) => ({
      name: 'troupe-state-leave',
      text: `DELETE FROM ${indexTable} WHERE key = ANY($1::text[])`,
      values: [keys],
    }),

    place: (rows: readonly Written[]) => ({
      name: 'troupe-state-place',
      text: `INSERT INTO ${indexTable} (key, name, score)
        SELECT * FROM unnest($1::text[], $2::text[], $3::float8[])
        ON CONFLICT (key) DO UPDATE SET name = excluded.name, score = excluded.score`,
      values: [
        rows.map(({ key }) => key),
        rows.map(({ index }) => index?.name),
        rows.map(({ index }) => index?.score),
      ],
    }),

    deleteExpired: (now: number, limit: number) => ({
      text: `DELETE FROM ${stateTable} WHERE key IN (
          SELECT key FROM ${stateTable} WHERE expires_at <= ${moment('$1')} LIMIT $2
          FOR UPDATE SKIP LOCKED
        ) RETURNING 1`,
      values: [now, limit],
    }),
  };
}

export type Statements = ReturnType<typeof statementsOf>;
export type { Run };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The table does not say what is text: what is UTF-8 counts as such. */
function valueOf(value: Buffer): StateValue {
  try {
    return utf8.decode(value);
  } catch {
    return new Uint8Array(value);
  }
}

export function itemOf(row: Row): StateItem & { value: StateValue } {
  const { key, value, etag, ends } = row as {
    key: string;
    value: Buffer;
    etag: string;
    ends: number | null;
  };
  return {
    key,
    value: valueOf(value),
    etag,
    ...(ends === null ? {} : { expiresAt: Math.round(ends) }),
  };
}
