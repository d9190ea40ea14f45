/** `kind: HTTPEndpoint`: an address outside, invoked by the name of the resource. */
import type { MetadataItem } from './component.ts';
import { readNamed, type Named } from './named.ts';
import type { Field, Reader } from './reader.ts';
import { anyText, list, nonEmpty, object, text, type Read } from './shape.ts';

export type Secretable =
  | { readonly value: string }
  | { readonly secretKeyRef: { readonly name: string; readonly key: string } };

export interface HttpEndpointSpec extends Named {
  readonly baseUrl: string;
  /** Sent with every request; references are resolved by the host. */
  readonly headers: readonly MetadataItem[];
  readonly clientTls?: {
    readonly rootCA?: Secretable;
    readonly certificate?: Secretable;
    readonly privateKey?: Secretable;
    /** As Go names it. */
    readonly renegotiation?: string;
  };
  /** Name of the secret store that `secretKeyRef` is read from. */
  readonly secretStore?: string;
}

const reference = object({ name: nonEmpty, key: text }, ['name']);
const rawHeader = object(
  { name: nonEmpty, value: anyText, secretKeyRef: reference, envRef: nonEmpty },
  ['name'],
);

const header: Read<MetadataItem> = (reader, at) => {
  const read = rawHeader(reader, at);
  if (!read) return undefined;
  const { name, value, secretKeyRef, envRef } = read;
  const given = [value, secretKeyRef, envRef].filter((one) => one !== undefined).length;
  if (given > 1) return refuse(reader, at, 'has more than one of value, secretKeyRef and envRef');
  const line = reader.line(at);
  if (secretKeyRef) {
    const { name: secret, key } = secretKeyRef;
    return { name, secretKeyRef: { name: secret, key: key || secret }, line };
  }
  return envRef === undefined ? { name, value: value ?? '', line } : { name, envRef, line };
};

const rawSecretable = object({ value: anyText, secretKeyRef: reference });

const secretable: Read<Secretable> = (reader, at) => {
  const read = rawSecretable(reader, at);
  if (!read) return undefined;
  if (read.secretKeyRef) {
    const { name, key } = read.secretKeyRef;
    return { secretKeyRef: { name, key: key || name } };
  }
  return read.value === undefined
    ? refuse(reader, at, 'has neither value nor secretKeyRef')
    : { value: read.value };
};

const url: Read<string> = (reader, at) => {
  const given = nonEmpty(reader, at);
  if (given === undefined || /^https?:\/\/[^/]/i.test(given)) return given;
  return refuse(reader, at, `"${given}" is not an address that begins with http:// or https://`);
};

function refuse(reader: Reader, at: Field, message: string): undefined {
  reader.problem(at, message);
  return undefined;
}

const spec = object(
  {
    baseUrl: url,
    headers: list(header),
    clientTLS: object({
      rootCA: secretable,
      certificate: secretable,
      privateKey: secretable,
      renegotiation: text,
    }),
  },
  ['baseUrl'],
);

/** The spec, or undefined when something is wrong, which the reader was told. */
export function readHttpEndpoint(file: string, reader: Reader): HttpEndpointSpec | undefined {
  const document = readNamed(file, reader, spec);
  if (!document) return undefined;
  const { baseUrl, headers = [], clientTLS } = document.spec;
  return {
    ...document.head,
    baseUrl,
    headers,
    ...(clientTLS ? { clientTls: clientTLS } : {}),
    ...(document.secretStore ? { secretStore: document.secretStore } : {}),
  };
}
