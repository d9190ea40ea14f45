/** The drivers of PostgreSQL beside pg with a pool of as many connections: prepared statements, synchronous commit. */
import pg from 'pg';
import { startPostgresql } from '../../test/servers/postgresql.ts';
import { configurationRow } from './held.ts';
import type { Row } from './rows.ts';
import { stateRows } from './state.ts';

const addressOf = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`;

const state = stateRows({
  driver: 'state.postgresql',
  version: 'v2',
  server: startPostgresql,
  bare: { set: 'INSERT ... ON CONFLICT DO UPDATE', get: 'SELECT by primary key' },
  metadata: ({ port }) => ({ connectionString: addressOf(port), maxConns: '10' }),
  async open({ port, name }) {
    const pool = new pg.Pool({ connectionString: addressOf(port), max: 10 });
    const table = `"${name}"`;
    await pool.query(
      `CREATE TABLE IF NOT EXISTS ${table} (key text PRIMARY KEY, value bytea NOT NULL,
       etag uuid NOT NULL DEFAULT gen_random_uuid(), updated_at timestamptz)`,
    );
    const set = `INSERT INTO ${table} (key, value) VALUES ($1, $2) ON CONFLICT (key)
      DO UPDATE SET value = excluded.value, etag = gen_random_uuid(), updated_at = now()`;
    const get = `SELECT key, value, etag::text FROM ${table} WHERE key = $1`;
    return {
      set: (key, value) =>
        pool.query({ name: 'set', text: set, values: [key, Buffer.from(value)] }),
      get: (key) => pool.query({ name: 'get', text: get, values: [key] }),
      close: () => pool.end(),
    };
  },
});

/** The driver takes small letters, digits and `_`. */
const tableOf = (name: string): string => name.replaceAll('-', '_');

const configuration = configurationRow({
  driver: 'configuration.postgresql',
  server: startPostgresql,
  bare: 'SELECT by key',
  metadata: ({ port, name }) => ({
    ...{ connectionString: addressOf(port), maxConns: '10' },
    table: tableOf(name),
  }),
  async open({ port, name }) {
    const pool = new pg.Pool({ connectionString: addressOf(port), max: 10 });
    const table = tableOf(name);
    await pool.query(
      `CREATE TABLE IF NOT EXISTS ${table} (key varchar PRIMARY KEY, value varchar NOT NULL,
       version varchar NOT NULL, metadata json)`,
    );
    const set = `INSERT INTO ${table} VALUES ($1, $2, '1', NULL)`;
    const get = `SELECT key, value, version, metadata FROM ${table} WHERE key = $1`;
    return {
      set: (key, value) => pool.query({ name: 'set', text: set, values: [key, value] }),
      get: (key) => pool.query({ text: get, values: [key] }),
      close: () => pool.end(),
    };
  },
});

export const rows: readonly Row[] = [...state, configuration];
