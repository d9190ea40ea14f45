/**
 * `nameresolution.sqlite`: the hosts of one machine, or of one shared disk, in
 * a table that daprd lays out and uses likewise. A host renews its row; one
 * that has not for `updateInterval` is gone.
 */
import { randomUUID } from 'node:crypto';
import { resolve as absolute } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { HostAddress, NameResolver } from '../contract.ts';
import { notFound } from '../not-found.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'connectionString',
    required: true,
    description: 'Path of the database file, also as `file:path`; made if it is not there.',
    aliases: ['url'],
  },
  { name: 'tableName', description: 'Table of the hosts. Default `hosts`.' },
  { name: 'metadataTableName', description: 'Table of layouts. Default `metadata`.' },
  {
    name: 'updateInterval',
    description: 'How long a host counts as alive without renewing. Whole seconds. Default `5s`.',
  },
  {
    name: 'cleanupInterval',
    description: 'How often rows of hosts that are gone are deleted. Default `1h`.',
    aliases: ['cleanupIntervalInSeconds'],
  },
  {
    name: 'timeout',
    description:
      'At least a second less than `updateInterval`; renewing leaves this much time. Default `1s`.',
    aliases: ['timeoutInSeconds'],
  },
  { name: 'busyTimeout', description: 'How long to wait for another writer. Default `800ms`.' },
  { name: 'disableWAL', description: '`true`: no write-ahead log. Default `false`.' },
];

interface Settings {
  readonly path: string;
  readonly table: string;
  readonly metadataTable: string;
  readonly updateSeconds: number;
  readonly cleanupMs: number;
  readonly timeoutMs: number;
  readonly busyTimeoutMs: number;
  readonly wal: boolean;
}

function readSettings(options: ComponentOptions): Settings {
  const metadata = readMetadata(options, fields);
  const written = metadata.text('connectionString');
  const path = written?.replace(/^file:/, '').replace(/\?.*$/, '');
  if (!path) throw metadata.refuse('connectionString', 'is missing; name a database file');
  const identifier = (name: string, fallback: string): string => {
    const text = metadata.text(name) ?? fallback;
    if (/^[A-Za-z_]\w*$/.test(text)) return text;
    throw metadata.refuse(name, 'is not an identifier of letters, digits and _');
  };
  const updateMs = metadata.duration('updateInterval') ?? 5000;
  const timeoutMs = metadata.duration('timeout') ?? 1000;
  if (!Number.isInteger(updateMs / 1000))
    throw metadata.refuse('updateInterval', 'must be whole seconds');
  if (updateMs - timeoutMs < 1000)
    throw metadata.refuse('updateInterval', 'must be at least 1s greater than "timeout"');
  return {
    path,
    table: identifier('tableName', 'hosts'),
    metadataTable: identifier('metadataTableName', 'metadata'),
    updateSeconds: updateMs / 1000,
    cleanupMs: metadata.duration('cleanupInterval') ?? 3_600_000,
    timeoutMs,
    busyTimeoutMs: metadata.duration('busyTimeout') ?? 800,
    wal: !(metadata.boolean('disableWAL') ?? false),
  };
}

/** daprd's layout has had this one step. */
const LEVEL = '1';

function migrate(database: DatabaseSync, options: ComponentOptions, settings: Settings): void {
  const { table, metadataTable } = settings;
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${metadataTable} (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)`,
    );
    const select = `SELECT value FROM ${metadataTable} WHERE key = 'nr-migrations'`;
    const level = database.prepare(select).get()?.['value'];
    if (level !== undefined && level !== LEVEL)
      throw new ComponentError(
        options,
        `the layout of "${settings.path}" is of level ${String(level)}, this version knows ${LEVEL}; use another file`,
      );
    if (level === undefined) {
      database.exec(`
        CREATE TABLE ${table} (
          registration_id TEXT NOT NULL PRIMARY KEY,
          address TEXT NOT NULL,
          app_id TEXT NOT NULL,
          namespace TEXT NOT NULL,
          last_update INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX ${table}_address_idx ON ${table} (address);
        CREATE INDEX ${table}_last_update_idx ON ${table} (last_update)`);
      database
        .prepare(`INSERT INTO ${metadataTable} (key, value) VALUES ('nr-migrations', ?)`)
        .run(LEVEL);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function openDatabase(options: ComponentOptions, settings: Settings): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(absolute(settings.path), { timeout: settings.busyTimeoutMs });
    if (settings.wal) database.exec('PRAGMA journal_mode = wal');
    migrate(database, options, settings);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof ComponentError) throw cause;
    throw new ComponentError(
      options,
      `"${settings.path}" cannot be opened: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** `127.0.0.1:50002` or `[::1]:50002`. */
function addressOf(text: string): HostAddress {
  const end = text.lastIndexOf(':');
  return { host: text.slice(0, end).replace(/^\[|\]$/g, ''), port: Number(text.slice(end + 1)) };
}

export const driver: Driver<NameResolver> = {
  fields,
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const settings = readSettings(options);
    const { table, updateSeconds } = settings;
    const database = openDatabase(options, settings);
    const alive = database.prepare(
      `SELECT address FROM ${table} WHERE app_id = ? AND ? - last_update < ? ORDER BY RANDOM() LIMIT 1`,
    );
    const seconds = (): number => Math.floor(options.now() / 1000);
    let mine: { readonly id: string; readonly address: string } | undefined;
    const timers = new Set<{ cancel(): void }>();
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    function every(ms: number, work: () => void): void {
      const timer = options.timer(ms, () => {
        timers.delete(timer);
        try {
          work();
        } catch (cause) {
          options.logger.error({ component: options.name, cause }, 'name resolution failed');
        }
        if (!closed) every(ms, work);
      });
      timers.add(timer);
    }

    function renew(): void {
      if (!mine) return;
      const { changes } = database
        .prepare(`UPDATE ${table} SET last_update = ? WHERE registration_id = ? AND address = ?`)
        .run(seconds(), mine.id, mine.address);
      if (Number(changes) > 0) return;
      options.logger.error(
        { component: options.name, address: mine.address },
        'another host has taken this address; this one is not found any more',
      );
    }

    function cleanUp(): void {
      database
        .prepare(`DELETE FROM ${table} WHERE ? - last_update >= ?`)
        .run(seconds(), updateSeconds);
    }
    every(settings.cleanupMs, cleanUp);

    async function close(): Promise<void> {
      if (closed) return;
      closed = true;
      for (const timer of timers) timer.cancel();
      if (mine) {
        database
          .prepare(`DELETE FROM ${table} WHERE registration_id = ? AND address = ?`)
          .run(mine.id, mine.address);
      }
      database.close();
    }

    return {
      features: [],
      async register({ appId, host, port }) {
        requireOpen();
        if (mine) throw new ComponentError(options, `"${appId}" is registered already`);
        mine = {
          id: randomUUID(),
          address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
        };
        // Whoever had the address before cannot have it now.
        database
          .prepare(
            `REPLACE INTO ${table} (registration_id, address, app_id, namespace, last_update) VALUES (?, ?, ?, '', ?)`,
          )
          .run(mine.id, mine.address, appId, seconds());
        every(updateSeconds * 1000 - settings.timeoutMs, renew);
      },
      async resolve({ appId }) {
        requireOpen();
        const row = alive.get(appId, seconds(), updateSeconds);
        if (row) return addressOf(String(row['address']));
        throw notFound(appId);
      },
      async ping() {
        requireOpen();
        database.prepare('SELECT 1').get();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
