/**
 * The metadata that every PostgreSQL component has: Dapr's fields, and its two
 * forms of a connection string, turned into what a pool of connections needs.
 */
import { readFileSync } from 'node:fs';
import type { ComponentOptions, MetadataField } from '../component.ts';
import { readMetadata } from '../metadata.ts';

export const connectionFields: readonly MetadataField[] = [
  {
    name: 'connectionString',
    aliases: ['url'],
    description:
      'The server, as a URL (`postgres://user:password@localhost:5432/db`) or as pairs (`host=localhost user=me password=... dbname=db`). The fields below count before it.',
  },
  { name: 'host', description: 'Host name, address or folder of a Unix socket.' },
  { name: 'port', description: 'Default `5432`.' },
  { name: 'database', description: 'Default: the name of the user.' },
  { name: 'user', description: 'Default: the user of this process.' },
  { name: 'password', description: 'Default: none.' },
  {
    name: 'sslRootCert',
    description:
      'File of the PEM certificates that the server is checked by. With it TLS is on; a connection string may also say `sslmode=require`.',
  },
  {
    name: 'timeout',
    aliases: ['timeoutInSeconds'],
    description:
      'How long connecting and each statement may take before the connection is given up. At least `1s`; default `20s`.',
  },
  { name: 'maxConns', description: 'Connections at most. Default `10`.' },
  {
    name: 'connectionMaxIdleTime',
    description: 'How long an unused connection is kept. Default `5m`.',
  },
];

export interface ConnectionSettings {
  readonly connection: {
    readonly host?: string;
    readonly port?: number;
    readonly database?: string;
    readonly user?: string;
    readonly password?: string;
    readonly connectionString?: string;
    readonly ssl?: { readonly ca?: string; readonly rejectUnauthorized: boolean };
  };
  readonly timeoutMs: number;
  readonly maxConnections: number;
  readonly maxIdleMs: number;
}

/** Names of pairs, as libpq has them. */
const PAIRS: Readonly<Record<string, string>> = {
  host: 'host',
  hostaddr: 'host',
  port: 'port',
  dbname: 'database',
  database: 'database',
  user: 'user',
  password: 'password',
  sslmode: 'sslmode',
  connect_timeout: '',
  application_name: '',
};

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readConnection(options: ComponentOptions): ConnectionSettings {
  const metadata = readMetadata(options, connectionFields);
  const refuse = (problem: string) => metadata.refuse('connectionString', problem);
  const written = metadata.text('connectionString')?.trim() ?? '';
  const isUrl = /^postgres(?:ql)?:\/\//.test(written);
  const pairs = isUrl || written === '' ? {} : pairsOf(written, refuse);
  for (const name of ['host', 'port', 'database', 'user', 'password']) {
    const value = metadata.text(name);
    if (value !== undefined) pairs[name] = value;
  }
  if (!isUrl && pairs['host'] === undefined)
    throw refuse('is missing; write it like "postgres://user@localhost:5432/db", or give "host"');
  const { sslmode, port, ...rest } = pairs;
  const timeoutMs = metadata.duration('timeout') ?? 20_000;
  if (timeoutMs < 1_000) throw metadata.refuse('timeout', 'must be at least 1s');
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw metadata.refuse('port', 'is no port');
  const ca = metadata.text('sslRootCert');
  return {
    connection: {
      ...rest,
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(isUrl ? { connectionString: urlWith(written, refuse) } : {}),
      ...sslOf(sslmode, ca, metadata.refuse, refuse),
    },
    timeoutMs,
    maxConnections: metadata.count('maxConns', 0) || 10,
    maxIdleMs: metadata.duration('connectionMaxIdleTime') ?? 300_000,
  };
}

type Refuse = (problem: string) => Error;

function urlWith(url: string, refuse: Refuse): string {
  if (!URL.canParse(url)) throw refuse('is no URL; write it like "postgres://user@localhost/db"');
  return url;
}

/** `name=value` divided by spaces; a value may be in single quotes, with a backslash before quotes. */
function pairsOf(text: string, refuse: Refuse): Record<string, string> {
  const pairs: Record<string, string> = {};
  const pattern = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s']*))(?=\s|$)/gy;
  for (let at = 0; at < text.trimEnd().length; at = pattern.lastIndex) {
    const match = pattern.exec(text);
    if (!match) throw refuse('is neither a URL nor pairs like "host=localhost user=me"');
    const [, name = '', quoted, plain = ''] = match;
    const known = PAIRS[name];
    if (known === undefined) throw refuse(`has a pair "${name}" that is not supported`);
    if (known !== '') pairs[known] = quoted?.replace(/\\(.)/g, '$1') ?? plain;
  }
  return pairs;
}

function sslOf(
  mode: string | undefined,
  caFile: string | undefined,
  refuseField: (name: string, problem: string) => Error,
  refuse: Refuse,
): { ssl?: { ca?: string; rejectUnauthorized: boolean } } {
  if (caFile !== undefined) {
    try {
      return { ssl: { ca: readFileSync(caFile, 'utf8'), rejectUnauthorized: true } };
    } catch (cause) {
      throw refuseField('sslRootCert', `cannot be read: ${(cause as Error).message}`);
    }
  }
  switch (mode) {
    case undefined:
    case 'disable':
    case 'allow':
    case 'prefer':
      return {};
    case 'require':
      return { ssl: { rejectUnauthorized: false } };
    case 'verify-ca':
    case 'verify-full':
      return { ssl: { rejectUnauthorized: true } };
    default:
      throw refuse(`has sslmode "${mode}", which is not known`);
  }
}

/** A table name, with its schema or without. @throws ComponentError INVALID_ARGUMENT */
export function tableName(name: string, refuse: Refuse): string {
  if (!/^(?:[A-Za-z_]\w{0,62}\.)?[A-Za-z_]\w{0,62}$/.test(name))
    throw refuse('must be a name such as "state" or "schema.state"');
  return name;
}
