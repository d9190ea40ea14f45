/** The metadata of `bindings.http`: Dapr's fields, checked and turned into what requests need. */
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { ComponentOptions, MetadataField } from '../../component.ts';
import { readMetadata, type MetadataReader } from '../../metadata.ts';

export const fields: readonly MetadataField[] = [
  { name: 'url', required: true, description: 'Address that requests go to: `http` or `https`.' },
  {
    name: 'responseTimeout',
    description: 'How long an answer may take. Default: without end.',
  },
  {
    name: 'maxResponseBodySize',
    description:
      'How much of an answer is read, in bytes or with a unit (`10Mi`); the rest is left out. 0 or less: all. Default `100Mi`.',
  },
  {
    name: 'MTLSRootCA',
    description: 'Certificate authority of the server: PEM text, or the path of a file.',
  },
  {
    name: 'MTLSClientCert',
    description: 'Certificate shown to the server: PEM text, or the path of a file.',
  },
  { name: 'MTLSClientKey', description: 'The key of `MTLSClientCert`, written likewise.' },
  {
    name: 'MTLSRenegotiation',
    description: '`RenegotiateNever`; the other modes are refused. Default `RenegotiateNever`.',
  },
  { name: 'securityToken', description: 'Sent with each request in `securityTokenHeader`.' },
  { name: 'securityTokenHeader', description: 'Name of the header for `securityToken`.' },
  {
    name: 'errorIfNot2XX',
    description: 'Whether an answer that is no 2xx is an error. Default `true`.',
  },
];

export interface HttpSettings {
  readonly url: string;
  readonly timeoutMs: number | undefined;
  /** Infinity: no limit. */
  readonly maxBodyBytes: number;
  readonly tls: SecureContextOptions;
  readonly securityToken: string | undefined;
  readonly securityTokenHeader: string | undefined;
  readonly errorIfNot2xx: boolean;
}

/** What Dapr takes for true in the metadata of a request. */
export const isTruthy = (text: string): boolean =>
  ['y', 'yes', 'true', 't', 'on', '1'].includes(text.trim().toLowerCase());

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

function sizeOf(metadata: MetadataReader): number {
  const text = metadata.text('maxResponseBodySize')?.trim() ?? '100Mi';
  const match = /^(-?\d+(?:\.\d+)?)([kMG]|[KMG]i)?$/.exec(text);
  if (!match) throw metadata.refuse('maxResponseBodySize', 'is not a size; write it like "10Mi"');
  const bytes = Number(match[1]) * UNITS[match[2] ?? '']!;
  return bytes <= 0 ? Number.POSITIVE_INFINITY : bytes;
}

function pemOf(metadata: MetadataReader, name: string): string | undefined {
  const text = metadata.text(name);
  if (text === undefined || text.includes('-----BEGIN ')) return text;
  try {
    return readFileSync(text, 'utf8');
  } catch {
    throw metadata.refuse(name, 'is neither PEM text nor a file that can be read');
  }
}

function tlsOf(metadata: MetadataReader): SecureContextOptions {
  const [ca, cert, key] = ['MTLSRootCA', 'MTLSClientCert', 'MTLSClientKey'].map((name) =>
    pemOf(metadata, name),
  );
  if ((cert === undefined) !== (key === undefined))
    throw metadata.refuse(cert === undefined ? 'MTLSClientCert' : 'MTLSClientKey', 'is missing');
  const mode = metadata.text('MTLSRenegotiation') ?? 'RenegotiateNever';
  if (mode !== 'RenegotiateNever')
    throw metadata.refuse('MTLSRenegotiation', 'must be "RenegotiateNever" or left out');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSettings(options: ComponentOptions): HttpSettings {
  const metadata = readMetadata(options, fields);
  const url = metadata.text('url');
  if (url === undefined || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw metadata.refuse('url', 'is not an address; write it like "https://example.com/hook"');
  return {
    url,
    timeoutMs: metadata.duration('responseTimeout'),
    maxBodyBytes: sizeOf(metadata),
    tls: tlsOf(metadata),
    securityToken: metadata.text('securityToken'),
    securityTokenHeader: metadata.text('securityTokenHeader'),
    errorIfNot2xx: metadata.boolean('errorIfNot2XX') ?? true,
  };
}
