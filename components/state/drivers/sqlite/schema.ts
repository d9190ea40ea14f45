/**
 * The file of `state.sqlite`: opens it and brings its tables up to date. The
 * state and metadata tables are laid out as daprd lays them out, so that the
 * file can be used by either; the ordered index and the expiry index are
 * Troupe's own and mean nothing to daprd.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ComponentError } from '../../../../runtime/core/errors.ts';
import type { ComponentOptions } from '../../../component.ts';
import type { SqliteSettings } from './settings.ts';

/** daprd's layout has had this one step; a higher level was written by a newer daprd. */
const LEVEL = 1;

/**
 * Pages in the write-ahead log before they are moved into the database. Larger
 * than the default of 1,000, because each move syncs the database file.
 */
const CHECKPOINT_PAGES = 8_000;

/** Page cache, in kB; the default of 2,000 thrashes from about 10,000 rows. */
const CACHE_KB = 32_000;

/** @throws ComponentError when the file cannot be opened, is locked, or has a layout that is not known. */
export function openDatabase(options: ComponentOptions, settings: SqliteSettings): DatabaseSync {
  const { location } = settings;
  if (!settings.inMemory) {
    const folder = dirname(resolve(location));
    if (!existsSync(folder))
      throw new ComponentError(options, `the folder "${folder}" does not exist; create it first`);
    if (settings.mustExist && !existsSync(location))
      throw new ComponentError(
        options,
        `"${location}" does not exist and mode=rw does not create it`,
      );
  }
  let database: DatabaseSync | undefined;
  try {
    // The prefix keeps SQLite from reading a path that happens to look like a URI.
    const path = settings.inMemory ? location : resolve(location);
    database = new DatabaseSync(path, { timeout: settings.openTimeoutMs });
    configure(database, options, settings);
    migrate(database, options, settings);
    database.exec(`PRAGMA busy_timeout = ${settings.busyTimeoutMs}`);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof ComponentError) throw cause;
    throw new ComponentError(
      options,
      `"${location}" cannot be opened: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

function configure(
  database: DatabaseSync,
  options: ComponentOptions,
  settings: SqliteSettings,
): void {
  const wanted = settings.inMemory ? 'memory' : settings.wal ? 'wal' : 'delete';
  const row = database.prepare(`PRAGMA journal_mode = ${wanted}`).get();
  if (row?.['journal_mode'] !== wanted)
    throw new ComponentError(
      options,
      `"${settings.location}" does not take journal mode ${wanted}; set "disableWAL" to "true" if its file system has no shared memory`,
    );
  database.exec('PRAGMA synchronous = FULL');
  database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.exec(`PRAGMA cache_size = -${CACHE_KB}`);
  for (const pragma of settings.pragmas) database.exec(pragma);
}

function migrate(
  database: DatabaseSync,
  options: ComponentOptions,
  settings: SqliteSettings,
): void {
  const { table, metadataTable, indexTable } = settings;
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${metadataTable} (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)`,
    );
    const row = database
      .prepare(`SELECT value FROM ${metadataTable} WHERE key = 'migrations'`)
      .get();
    const level = row === undefined ? 0 : Number(row['value']);
    if (!Number.isInteger(level) || level < 0 || level > LEVEL)
      throw new ComponentError(
        options,
        `the table layout of "${settings.location}" is of level ${String(row?.['value'])}, this version knows up to ${LEVEL}; use another file or table`,
      );
    database.exec(`CREATE TABLE IF NOT EXISTS ${table} (
      key TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL,
      is_binary BOOLEAN NOT NULL,
      etag TEXT NOT NULL,
      expiration_time TIMESTAMP DEFAULT NULL,
      update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
    )`);
    if (level < LEVEL)
      database
        .prepare(`REPLACE INTO ${metadataTable} (key, value) VALUES ('migrations', ?)`)
        .run(String(LEVEL));
    database.exec(`CREATE INDEX IF NOT EXISTS troupe_expiry_${table}
      ON ${table} (expiration_time) WHERE expiration_time IS NOT NULL`);
    database.exec(`CREATE TABLE IF NOT EXISTS ${indexTable} (
      key TEXT NOT NULL PRIMARY KEY,
      name TEXT NOT NULL,
      score REAL NOT NULL
    ) WITHOUT ROWID`);
    database.exec(
      `CREATE INDEX IF NOT EXISTS ${indexTable}_order ON ${indexTable} (name, score, key)`,
    );
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
