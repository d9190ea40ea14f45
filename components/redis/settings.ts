/**
 * The metadata that every Redis component has: Dapr's fields, checked and turned
 * into what a connection needs. What Dapr can and these drivers cannot is
 * refused by name.
 */
import type { ComponentOptions, MetadataField } from '../component.ts';
import { readMetadata, type MetadataReader } from '../metadata.ts';

export const connectionFields: readonly MetadataField[] = [
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
    description: '`node`; `cluster` is refused. Default `node`.',
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
];

export interface ConnectionSettings {
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
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readConnection(options: ComponentOptions): ConnectionSettings {
  const metadata = readMetadata(options, connectionFields);

  const type = metadata.text('redisType')?.trim().toLowerCase() ?? 'node';
  if (type !== 'node')
    throw metadata.refuse(
      'redisType',
      type === 'cluster'
        ? 'is cluster, which is not supported: its keys would span nodes; name one server with redisType "node"'
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
  };
}

function tlsOf(metadata: MetadataReader): ConnectionSettings['tls'] {
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
  refuse: MetadataReader['refuse'],
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
