/** How a Kafka component proves who it is, and whom it believes: `authType` and what belongs to it. */
import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import type { MetadataReader } from '../metadata.ts';

export interface Security {
  readonly ssl: ConnectionOptions | undefined;
  readonly sasl: SASLOptions | undefined;
}

const REFUSED: Readonly<Record<string, string>> = {
  oidc: 'OpenID Connect',
  oidc_private_key_jwt: 'OpenID Connect',
  awsiam: 'AWS IAM',
};

function pemOf(metadata: MetadataReader, name: string): string | undefined {
  const text = metadata.text(name);
  if (text === undefined || /-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text;
  throw metadata.refuse(name, 'is not PEM text');
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSecurity(metadata: MetadataReader): Security {
  const type = metadata.text('authType')?.trim().toLowerCase();
  const ca = pemOf(metadata, 'caCert');
  const cert = pemOf(metadata, 'clientCert');
  const key = pemOf(metadata, 'clientKey');
  const refused = REFUSED[type ?? ''];
  if (refused !== undefined)
    throw metadata.refuse(
      'authType',
      `is ${type}: ${refused} is not supported; use "password", "mtls" or "certificate"`,
    );
  if (type === undefined || !['none', 'password', 'mtls', 'certificate'].includes(type))
    throw metadata.refuse('authType', 'must be "none", "password", "mtls" or "certificate"');
  if ((cert === undefined) !== (key === undefined))
    throw metadata.refuse(
      cert === undefined ? 'clientCert' : 'clientKey',
      'is missing beside the other',
    );
  if (cert !== undefined && type !== 'mtls')
    throw metadata.refuse('clientCert', 'needs "authType" to be "mtls"');
  if (type === 'certificate' && ca === undefined)
    throw metadata.refuse('caCert', 'is missing; "authType" is certificate');
  const isPlain = type === 'none' || metadata.boolean('disableTls') === true;
  if (isPlain && type === 'mtls')
    throw metadata.refuse('disableTls', 'cannot be "true" with "authType" mtls');
  const ssl = isPlain
    ? undefined
    : {
        rejectUnauthorized: metadata.boolean('skipVerify') !== true,
        minVersion: 'TLSv1.2' as const,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
      };
  return { ssl, sasl: type === 'password' ? saslOf(metadata) : undefined };
}

function saslOf(metadata: MetadataReader): SASLOptions {
  const username = metadata.text('saslUsername');
  const password = metadata.text('saslPassword');
  for (const [name, value] of [
    ['saslUsername', username],
    ['saslPassword', password],
  ] as const)
    if (value === undefined) throw metadata.refuse(name, 'is missing; "authType" is password');
  const given = { username: username!, password: password! };
  switch (metadata.text('saslMechanism')?.trim().toUpperCase() ?? 'PLAINTEXT') {
    case 'SHA-256':
      return { mechanism: 'scram-sha-256', ...given };
    case 'SHA-512':
      return { mechanism: 'scram-sha-512', ...given };
    case 'PLAINTEXT':
      return { mechanism: 'plain', ...given };
  }
  throw metadata.refuse('saslMechanism', 'must be "SHA-256", "SHA-512" or "PLAINTEXT"');
}
