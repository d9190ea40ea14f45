/**
 * The metadata that every etcd component has: the fields of Dapr's
 * `state.etcd`, and Troupe's own for user auth and time limits, checked and
 * turned into what a connection needs.
 */
import type { ComponentOptions, MetadataField } from '../component.ts';
import { readMetadata, type MetadataReader } from '../metadata.ts';

export const connectionFields: readonly MetadataField[] = [
  {
    name: 'endpoints',
    required: true,
    description: 'Members of the cluster, divided by commas: `localhost:2379`.',
  },
  {
    name: 'keyPrefixPath',
    description:
      'Put before every key, with a `/` between: `troupe` keeps all under `troupe/`. Default: none; rows of state then begin with `/`, other keys are as they are.',
  },
  { name: 'tlsEnable', description: '`true` to connect with TLS; needs `ca`. Default `false`.' },
  { name: 'ca', description: 'PEM text of the certificates that the server is checked by.' },
  { name: 'cert', description: 'PEM text of the certificate shown to the server; needs TLS.' },
  { name: 'key', description: 'PEM text of the key of `cert`.' },
  { name: 'username', description: "User of etcd's own auth. Troupe's own field. Default: none." },
  { name: 'password', description: "Its password. Troupe's own field. Default: none." },
  {
    name: 'timeout',
    description:
      "How long connecting and each request may take. Troupe's own field. At least `100ms`; default `5s`, as in Dapr.",
  },
];

export interface ConnectionSettings {
  readonly endpoints: readonly string[];
  /** Ends with `/`. */
  readonly root: string;
  readonly tls:
    | { readonly ca: Buffer; readonly cert: Buffer | undefined; readonly key: Buffer | undefined }
    | undefined;
  readonly auth: { readonly username: string; readonly password: string } | undefined;
  readonly timeoutMs: number;
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readConnection(options: ComponentOptions): ConnectionSettings {
  const metadata = readMetadata(options, connectionFields);
  const endpoints = (metadata.text('endpoints') ?? '')
    .split(',')
    .map((one) => one.trim().replace(/^https?:\/\//, ''))
    .filter((one) => one !== '');
  if (endpoints.length === 0)
    throw metadata.refuse('endpoints', 'is missing; write it like "localhost:2379"');
  if (!endpoints.every((one) => /^(\[[^\]]+\]|[^:[\]/]+):\d{1,5}$/.test(one)))
    throw metadata.refuse('endpoints', 'must be addresses like "localhost:2379,other:2379"');
  const username = metadata.text('username');
  const password = metadata.text('password');
  if ((username === undefined) !== (password === undefined))
    throw metadata.refuse(
      username === undefined ? 'username' : 'password',
      'is missing beside the other',
    );
  const timeoutMs = metadata.duration('timeout') ?? 5_000;
  if (timeoutMs < 100) throw metadata.refuse('timeout', 'must be at least 100ms');
  return {
    endpoints,
    root: `${metadata.text('keyPrefixPath') ?? ''}/`,
    tls: tlsOf(metadata),
    auth: username === undefined || password === undefined ? undefined : { username, password },
    timeoutMs,
  };
}

function tlsOf(metadata: MetadataReader): ConnectionSettings['tls'] {
  const read = (name: string): Buffer | undefined => {
    const text = metadata.text(name);
    return text === undefined ? undefined : Buffer.from(text);
  };
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')];
  if (!metadata.boolean('tlsEnable')) {
    const given = Object.entries({ ca, cert, key }).find(([, value]) => value !== undefined);
    if (given) throw metadata.refuse(given[0], 'needs "tlsEnable" to be "true"');
    return undefined;
  }
  if (ca === undefined) throw metadata.refuse('ca', 'is missing, but "tlsEnable" is "true"');
  if ((cert === undefined) !== (key === undefined))
    throw metadata.refuse(cert === undefined ? 'cert' : 'key', 'is missing beside the other');
  return { ca, cert, key };
}

/** What stands before the keys of a component that shares them with others: nothing unless `keyPrefixPath` says so. */
export function prefixOf({ root }: ConnectionSettings): string {
  return root === '/' ? '' : root;
}
