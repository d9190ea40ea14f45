/** An invocation as `dapr.proto.internals.v1` carries it between sidecars, and back. */
import type { AppRequest, AppResponse } from '../../api/invoke.ts';
import type { HeaderValues } from '../../api/route.ts';
import { typeOfAny, type AnyBytes } from '../grpc/any.ts';
import { HOP_BY_HOP, methodOfVerb, verbOf } from '../grpc/crossing.ts';
import { decodeDetails, encodeStatus } from '../grpc/status-details.ts';
import { CODES, httpOfCode } from '../grpc/status.ts';

export interface ValuesMessage {
  readonly values: readonly string[];
}

export type MetadataMessage = Readonly<Record<string, ValuesMessage>>;

export interface InvokeMessage {
  readonly method: string;
  readonly data?: AnyBytes | null;
  readonly contentType: string;
  readonly httpExtension?: { readonly verb: number; readonly querystring: string } | null;
}

export interface InternalRequest {
  readonly ver?: number;
  readonly metadata: MetadataMessage;
  readonly message?: InvokeMessage | null;
  readonly actor?: { readonly actorType: string; readonly actorId: string } | null;
}

interface StatusMessage {
  readonly code: number;
  readonly message: string;
  readonly details: readonly AnyBytes[];
}

export interface InternalResponse {
  readonly status?: StatusMessage | null;
  readonly headers: MetadataMessage;
  readonly trailers: MetadataMessage;
  readonly message?: { readonly data?: AnyBytes | null; readonly contentType: string } | null;
}

export interface Payload {
  readonly data: Uint8Array;
  readonly seq: unknown;
}

export interface RequestChunk {
  readonly request?: InternalRequest | null;
  readonly payload?: Payload | null | undefined;
}

export interface ResponseChunk {
  readonly response?: InternalResponse | null;
  readonly payload?: Payload | null | undefined;
}

export const SERVICE = 'dapr.proto.internals.v1.ServiceInvocation';
const V1 = 1;
const NO_BYTES = new Uint8Array(0);
/** Codes from here on are HTTP's, those below are gRPC's. */
const FIRST_HTTP = 100;

/** True for what belongs to a connection, or has a field of its own. */
const isDropped = (name: string): boolean =>
  HOP_BY_HOP.has(name) || name === 'content-length' || name === 'destination-app-id';

export function metadataMessage(headers: HeaderValues): Record<string, ValuesMessage> {
  const metadata: Record<string, ValuesMessage> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || isDropped(name.toLowerCase())) continue;
    metadata[name] = { values: typeof value === 'string' ? [value] : [...value] };
  }
  return metadata;
}

export function headersOf(metadata: MetadataMessage): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [key, { values }] of Object.entries(metadata)) {
    const name = key.toLowerCase();
    if (isDropped(name) || values.length === 0) continue;
    headers[name] = values.length === 1 ? values[0]! : values;
  }
  return headers;
}

const textOf = (value: string | readonly string[] | undefined): string =>
  typeof value === 'string' ? value : (value?.[0] ?? '');

/** The type of a body whose bytes travel apart. */
const typed = (typeUrl: string | undefined): { readonly data?: AnyBytes } =>
  typeUrl === undefined ? {} : { data: { type_url: typeUrl, value: new Uint8Array(0) } };

/** The request without its body, which goes in payloads. */
export function requestMessage(
  { method, path, query, headers, typeUrl }: AppRequest,
  more: Readonly<Record<string, readonly string[]>>,
): InternalRequest {
  const metadata = metadataMessage(headers);
  for (const [name, values] of Object.entries(more)) {
    metadata[name] = { values: [...(metadata[name]?.values ?? []), ...values] };
  }
  return {
    ver: V1,
    metadata,
    message: {
      method: decodeURIComponent(path).replace(/^\/+/, ''),
      contentType: textOf(headers['content-type']),
      ...typed(typeUrl),
      httpExtension: { verb: verbOf(method), querystring: query },
    },
  };
}

/** The request for the app here. */
export function appRequest(
  { metadata, message }: InternalRequest,
  body: AppRequest['body'],
  signal: AbortSignal,
): AppRequest {
  const { method = '', contentType = '', httpExtension } = message ?? {};
  const headers = headersOf(metadata);
  if (contentType !== '') headers['content-type'] = contentType;
  return {
    method: methodOfVerb(httpExtension?.verb),
    path: `/${encodeURI(method.replace(/^\/+/, ''))}`,
    query: httpExtension?.querystring ?? '',
    headers,
    body,
    typeUrl: typeOfAny(message?.data),
    signal,
  };
}

/** The app's answer without its body. A gRPC app's status is its own code. */
export function responseMessage({ status, headers, grpc, typeUrl }: AppResponse): InternalResponse {
  return {
    status: grpc
      ? {
          code: grpc.status.code,
          message: grpc.status.message,
          details: grpc.status.details
            ? decodeDetails(grpc.status.details).map(({ typeUrl, value }) => ({
                type_url: typeUrl,
                value,
              }))
            : [],
        }
      : { code: status, message: '', details: [] },
    headers: metadataMessage(headers),
    trailers: grpc ? metadataMessage(grpc.trailers) : {},
    message: { contentType: textOf(headers['content-type']), ...typed(typeUrl) },
  };
}

/** What a peer answered, for the caller here. */
export function appResponse(
  { status, headers, trailers, message }: InternalResponse,
  carried: Pick<AppResponse, 'body' | 'whole'>,
): AppResponse {
  const code = status?.code ?? 0;
  const received = headersOf(headers);
  if (message?.contentType) received['content-type'] = message.contentType;
  if (code >= FIRST_HTTP) return { status: code, headers: received, ...carried };
  const text = status?.message ?? '';
  const details = status?.details.map(({ type_url: typeUrl, value }) => ({ typeUrl, value })) ?? [];
  return {
    status: httpOfCode(code),
    headers: received,
    ...carried,
    typeUrl: typeOfAny(message?.data),
    grpc: {
      status: {
        code,
        message: text,
        ...(code === CODES.OK || details.length === 0
          ? {}
          : { details: encodeStatus(code, text, details) }),
      },
      trailers: headersOf(trailers),
    },
  };
}

/** The body of a stream that its first payload ends; undefined when it cannot be one. */
export function wholeBody(payload: Payload | null | undefined): Uint8Array | undefined {
  if (!payload) return NO_BYTES;
  return Number(payload.seq) === 0 ? payload.data : undefined;
}

/**
 * Metadata of an answer of one message, which a Troupe sidecar need not hold back
 * until the end of the call: node:http2 sends trailers a turn of the loop after
 * the message. daprd reads no metadata here.
 */
export const WHOLE = { 'troupe-whole': '1' } as const;

/** Payloads of a stream as a body, held to their order. Throws an Error for a gap. */
export async function* bodyOf(
  payloads: AsyncIterable<Payload | null | undefined>,
): AsyncGenerator<Uint8Array> {
  let expected = 0;
  for await (const payload of payloads) {
    if (!payload) continue;
    const seq = Number(payload.seq);
    if (seq !== expected) {
      throw new Error(`invalid sequence number received: ${seq} (expected: ${expected})`);
    }
    expected++;
    yield payload.data;
  }
}

/** Bytes that fit into one message. */
export const payloadOf = (bytes: Uint8Array | undefined): Payload | undefined =>
  bytes && bytes.byteLength > 0 ? { data: bytes, seq: 0 } : undefined;

/** Bytes of a body in payloads that fit into a message. */
export async function* payloadsOf(
  body: AppRequest['body'],
  maxBytes: number,
): AsyncGenerator<Payload> {
  const chunks = body instanceof Uint8Array ? [body] : (body ?? []);
  let seq = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += maxBytes) {
      yield { data: chunk.subarray(at, at + maxBytes), seq: seq++ };
    }
  }
}
