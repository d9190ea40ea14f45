/**
 * The metadata of `state.redis`: Dapr's fields, checked and turned into what a
 * connection needs. What Dapr can and this driver cannot is refused by name.
 */
import type { ComponentOptions, MetadataField } from '../../../component.ts';
import { readMetadata } from '../../../metadata.ts';

export const fields: readonly MetadataField[] = [
  {
    name: 'redisHost',
    required: true,
    description: 'The server: `host:port` or `host`. One server; a list of hosts is refused.',
  },
  {
    name: 'redisPort',
    description: 'The port, where redisHost has none. Default `6379`.',
  },
  { name: 'redisUsername', description: 'User of an access control list. Default: none.' },
  { name: 'redisPassword', description: 'Password. Default: none.' },
  { name: 'redisDB', description: 'Number of the database. Default `0`.' },
  {
    name: 'redisType',
    description: '`node`; `cluster` is refused, since a transaction spans keys. Default `node`.',
  },
  { name: 'failover', description: '`true` (Sentinel) is refused. Default `false`.' },
  { name: 'enableTLS', description: '`true` to connect with TLS. Default `false`.' },
  {
    name: 'insecureSkipTLSVerify',
    description: '`true` to take any certificate, for tests. Default `false`.',
  },
  {
    name: 'clientCert',
    description: 'PEM text of the certificate shown to the server; needs TLS.',
  },
  { name: 'clientKey', description: 'PEM text of the key of `clientCert`.' },
  {
    name: 'dialTimeout',
    description: 'How long connecting may take. A bare number is milliseconds. Default `5s`.',
  },
  {
    name: 'readTimeout',
    description:
      'How long an answer may take before the connection is given up and made anew. A bare number is milliseconds. Default `3s`.',
  },
  {
    name: 'redisMinRetryInterval',
    description:
      'First pause between attempts to connect again; doubled each time. A bare number is milliseconds. Default `8ms`.',
  },
  {
    name: 'redisMaxRetryInterval',
    description: 'Longest such pause. A bare number is milliseconds. Default `512ms`.',
  },
  {
    name: 'ttlInSeconds',
    description:
      'Time to live of rows that are written without one; refused for a store of actors. Default: none.',
  },
];

export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls:
    | { readonly verify: boolean; readonly cert?: string; readonly key?: string }
    | undefined;
  readonly dialTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly minRetryMs: number;
  readonly maxRetryMs: number;
  readonly ttlSeconds: number | undefined;
  /** The store keeps the state of actors. */
  readonly actors: boolean;
}

const ACTORS: MetadataField = { name: 'actorStateStore', description: '' };

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSettings(options: ComponentOptions): RedisSettings {
  const metadata = readMetadata(options, [...fields, ACTORS]);

  const type = metadata.text('redisType')?.trim().toLowerCase() ?? 'node';
  if (type !== 'node')
    throw metadata.refuse(
      'redisType',
      type === 'cluster'
        ? 'is cluster, which is not supported: a transaction would span nodes; name one server with redisType "node"'
        : 'must be "node"',
    );
  if (metadata.boolean('failover'))
    throw metadata.refuse('failover', 'is true, but Sentinel is not supported; name one server');

  /** Durations of Dapr's Redis components: a bare number is milliseconds. */
  function interval(name: string, fallback: number, least: number): number {
    const value = metadata.text(name)?.trim();
    const ms = /^\d+$/.test(value ?? '') ? Number(value) : metadata.duration(name);
    if (ms !== undefined && !(ms >= least))
      throw metadata.refuse(name, `must be at least ${least}ms`);
    return ms ?? fallback;
  }

  const ttlSeconds = metadata.count('ttlInSeconds', 1);
  const actors = metadata.boolean('actorStateStore') ?? false;
  if (ttlSeconds !== undefined && actors)
    throw metadata.refuse(
      'ttlInSeconds',
      'would let the state of actors disappear; remove it or keep actors in another component',
    );
  const minRetryMs = interval('redisMinRetryInterval', 8, 1);
  return {
    ...addressOf(metadata.text('redisHost'), metadata.count('redisPort', 1), metadata.refuse),
    username: metadata.text('redisUsername'),
    password: metadata.text('redisPassword'),
    database: metadata.count('redisDB', 0) ?? 0,
    tls: tlsOf(metadata),
    dialTimeoutMs: interval('dialTimeout', 5_000, 1),
    readTimeoutMs: interval('readTimeout', 3_000, 1),
    minRetryMs,
    maxRetryMs: Math.max(minRetryMs, interval('redisMaxRetryInterval', 512, 1)),
    ttlSeconds,
    actors,
  };
}

type Metadata = ReturnType<typeof readMetadata>;

function tlsOf(metadata: Metadata): RedisSettings['tls'] {
  const cert = metadata.text('clientCert');
  const key = metadata.text('clientKey');
  if ((cert === undefined) !== (key === undefined))
    throw metadata.refuse(
      cert === undefined ? 'clientCert' : 'clientKey',
      'is missing beside the other',
    );
  if (!metadata.boolean('enableTLS')) {
    if (cert !== undefined) throw metadata.refuse('clientCert', 'needs "enableTLS" to be "true"');
    return undefined;
  }
  const verify = !(metadata.boolean('insecureSkipTLSVerify') ?? false);
  return cert === undefined || key === undefined ? { verify } : { verify, cert, key };
}

function addressOf(
  written: string | undefined,
  separate: number | undefined,
  refuse: Metadata['refuse'],
): { host: string; port: number } {
  const address = written?.trim();
  if (!address) throw refuse('redisHost', 'is missing; write it like "localhost:6379"');
  if (address.includes(','))
    throw refuse('redisHost', 'names several hosts, but clusters and Sentinel are not supported');
  const match = /^(\[[^\]]+\]|[^:[\]/]+)(?::(\d{1,5}))?$/.exec(address);
  const port = match?.[2] === undefined ? (separate ?? 6379) : Number(match[2]);
  if (!match || port < 1 || port > 65_535)
    throw refuse('redisHost', 'is not an address; write it like "localhost:6379"');
  if (match[2] !== undefined && separate !== undefined && separate !== port)
    throw refuse('redisPort', 'contradicts the port in "redisHost"; keep one of them');
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
}
