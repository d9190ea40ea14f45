/**
 * The metadata of `state.sqlite`: Dapr's fields, and Dapr's forms of a
 * connection string, checked and turned into what opening a database needs.
 */
import { fileURLToPath } from 'node:url';
import type { ComponentOptions, MetadataField } from '../../../component.ts';
import { readMetadata } from '../../../metadata.ts';

export const fields: readonly MetadataField[] = [
  {
    name: 'connectionString',
    required: true,
    aliases: ['url'],
    description:
      'The database: a path (`data.db`), a URI (`file:data.db?mode=rw&_pragma=cache_size(-20000)`) or `:memory:`. Relative paths start at the working directory.',
  },
  {
    name: 'timeout',
    aliases: ['timeoutInSeconds'],
    description:
      'How long opening the database and creating its tables may wait for another process. At least `1s`; default `20s`.',
  },
  {
    name: 'busyTimeout',
    description:
      'How long a request may wait for another process that is writing; `0s` fails at once. Default `2s`.',
  },
  {
    name: 'disableWAL',
    description:
      '`true` for a file on a network file system: a rollback journal in place of the write-ahead log. Default `false`.',
  },
  { name: 'tableName', description: 'Table of the state. Default `state`.' },
  {
    name: 'metadataTableName',
    description: 'Table that holds the level of the table layout. Default `metadata`.',
  },
  {
    name: 'cleanupInterval',
    aliases: ['cleanupIntervalInSeconds'],
    description:
      'How often expired rows, which are never seen, are deleted from the file; `0s` keeps them. Default `0s`.',
  },
];

export interface SqliteSettings {
  /** A path, or `:memory:`. */
  readonly location: string;
  readonly inMemory: boolean;
  /** The file must be there already (`mode=rw`). */
  readonly mustExist: boolean;
  /** Statements of the connection string, for example `PRAGMA cache_size = -20000`. */
  readonly pragmas: readonly string[];
  readonly openTimeoutMs: number;
  readonly busyTimeoutMs: number;
  readonly wal: boolean;
  readonly table: string;
  readonly metadataTable: string;
  /** The side table of the ordered index. */
  readonly indexTable: string;
  /** 0: never. */
  readonly cleanupIntervalMs: number;
}

/** Pragmas that have a metadata field of their own, or that would break the store. */
const RESERVED: Readonly<Record<string, string>> = {
  busy_timeout: 'use the metadata field "busyTimeout"',
  journal_mode: 'use the metadata field "disableWAL"',
  foreign_keys: 'the tables have none',
  query_only: 'a state store must be able to write',
  locking_mode: 'the file may be shared with other processes',
};

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSettings(options: ComponentOptions): SqliteSettings {
  const metadata = readMetadata(options, fields);
  const refuse = (problem: string) => metadata.refuse('connectionString', problem);
  const connection = metadata.text('connectionString');
  if (connection === undefined) throw refuse('is missing; give it a path such as "data.db"');

  const openTimeoutMs = metadata.duration('timeout') ?? 20_000;
  if (openTimeoutMs < 1_000) throw metadata.refuse('timeout', 'must be at least 1s');
  const cleanupIntervalMs = metadata.duration('cleanupInterval') ?? 0;
  const table = identifier('tableName', 'state');
  const metadataTable = identifier('metadataTableName', 'metadata');
  const indexTable = table === 'state' ? 'troupe_index' : `troupe_index_${table}`;
  const names = new Set([table, metadataTable, indexTable].map((name) => name.toLowerCase()));
  if (names.size < 3)
    throw metadata.refuse('tableName', 'and "metadataTableName" must name different tables');

  function identifier(name: string, fallback: string): string {
    const value = metadata.text(name) ?? fallback;
    if (!/^[A-Za-z0-9_]+$/.test(value) || value.toLowerCase().startsWith('sqlite_'))
      throw metadata.refuse(
        name,
        'may only have letters, digits and _, and not begin with sqlite_',
      );
    return value;
  }

  return {
    ...readConnection(connection, refuse),
    openTimeoutMs,
    busyTimeoutMs: Math.max(0, Math.trunc(metadata.duration('busyTimeout') ?? 2_000)),
    wal: !(metadata.boolean('disableWAL') ?? false),
    table,
    metadataTable,
    indexTable,
    cleanupIntervalMs: Math.max(0, cleanupIntervalMs),
  };
}

function readConnection(
  connection: string,
  refuse: (problem: string) => Error,
): Pick<SqliteSettings, 'location' | 'inMemory' | 'mustExist' | 'pragmas'> {
  const mark = connection.indexOf('?');
  const head = mark < 0 ? connection : connection.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : connection.slice(mark + 1));
  const pragmas: string[] = [];
  let inMemory = /^(file:)?:memory:$/i.test(head);
  let mustExist = false;

  for (const [name, value] of query) {
    switch (name) {
      case 'mode':
        if (value === 'memory') inMemory = true;
        else if (value === 'rw') mustExist = true;
        else if (value === 'ro')
          throw refuse('asks for mode=ro; a state store must be able to write');
        else if (value !== 'rwc') throw refuse('has an unknown mode; use rwc, rw or memory');
        break;
      case 'cache':
        if (value !== 'shared' && value !== 'private')
          throw refuse(
            'has an unknown cache; use shared or private (one connection is used either way)',
          );
        break;
      case '_txlock':
        if (value.toLowerCase() !== 'immediate')
          throw refuse('has an unsupported _txlock; writes are always "immediate" transactions');
        break;
      case '_pragma':
        pragmas.push(readPragma(value, refuse));
        break;
      default:
        throw refuse(`has the unknown option "${name}"; known are mode, cache, _txlock, _pragma`);
    }
  }
  return { location: inMemory ? ':memory:' : pathOf(head, refuse), inMemory, mustExist, pragmas };
}

function pathOf(head: string, refuse: (problem: string) => Error): string {
  if (!/^file:/i.test(head)) return head;
  const path = head.slice('file:'.length);
  try {
    if (path.startsWith('//')) return fileURLToPath(`file:${path}`);
    const decoded = decodeURIComponent(path);
    if (decoded !== '') return decoded;
  } catch {
    throw refuse('is not a valid file URI');
  }
  throw refuse('names no file');
}

function readPragma(value: string, refuse: (problem: string) => Error): string {
  const match = /^([a-z_]+)(?:\((-?\w+)\)|=(-?\w+))$/i.exec(value.trim());
  if (!match) throw refuse('has a malformed _pragma; write it like _pragma=cache_size(-20000)');
  const name = match[1]!.toLowerCase();
  const reason = RESERVED[name];
  if (reason) throw refuse(`may not set _pragma=${name}: ${reason}`);
  return `PRAGMA ${name} = ${match[2] ?? match[3]}`;
}
