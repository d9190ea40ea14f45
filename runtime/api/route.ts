/**
 * What an HTTP route of the API is, without a server: the rows that each block
 * exports and that transport/http-server mounts. A handler is given decoded
 * path parameters and collected bytes; it answers with bytes, or with a stream
 * where the route says so.
 */
import { ApiError } from './api-error.ts';
import type { ApiErrorName } from './error-map.ts';

export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request as a route handler sees it. Header names are in lower case. */
export interface HttpRequest {
  readonly method: string;
  /** Cleaned path, still percent-encoded, starting with a slash. */
  readonly path: string;
  /** Query without the question mark; empty when there is none. */
  readonly query: string;
  /** Decoded path parameters in the order of the pattern. */
  readonly params: readonly string[];
  readonly headers: HeaderValues;
  /** The whole body; empty on a route with `streaming`. */
  readonly body: Uint8Array;
  /** The body as it arrives, only on a route with `streaming`. */
  readonly stream: AsyncIterable<Uint8Array> | undefined;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default `application/json` when there is a body. */
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
  /** Sent chunk by chunk instead of `body`; its headers are sent as they are. */
  readonly stream?: AsyncIterable<Uint8Array>;
  /** What goes behind a stream, asked for at its end; its header `trailer` announces the names. */
  readonly trailers?: (() => Readonly<Record<string, string>>) | undefined;
}

export interface HttpRoute {
  readonly methods: readonly string[];
  /** Segments: literal text, `{name}` for one decoded parameter, `*` at the end for the rest of the path. */
  readonly pattern: string;
  readonly handle: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
  /** Row of the error table for failures that have none of their own. */
  readonly failure?: ApiErrorName;
  /** daprd's words for an error code of the runtime, put before its message. */
  readonly explain?: (code: string, request: HttpRequest) => string | undefined;
  /** The handler reads `stream`; bodies are not limited and not collected. */
  readonly streaming?: boolean;
  /** Answers without an API token. */
  readonly open?: boolean;
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

/** Values of the query parameters `metadata.<key>`; the first of each counts. */
export function metadataOf(query: string): Readonly<Record<string, string>> {
  if (!query.includes('metadata.')) return NO_METADATA;
  const metadata: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (!name.startsWith('metadata.')) continue;
    const key = name.slice('metadata.'.length);
    if (!Object.hasOwn(metadata, key)) metadata[key] = value;
  }
  return metadata;
}

export function queryOf(query: string, name: string): string | undefined {
  return query === '' ? undefined : (new URLSearchParams(query).get(name) ?? undefined);
}

export function headerOf(headers: HeaderValues, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

/** Trace context of a request, in the form that calls and events carry on; undefined when there is none. */
export function traceOf(headers: HeaderValues): Record<string, string> | undefined {
  const traceparent = headerOf(headers, 'traceparent');
  const baggage = headerOf(headers, 'baggage');
  if (traceparent === undefined && baggage === undefined) return undefined;
  const tracestate = headerOf(headers, 'tracestate');
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
    ...(baggage === undefined ? {} : { baggage }),
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Objects and arrays inside each other, at most; writing deeper ones as JSON again takes more stack than there is. */
const MAX_JSON_DEPTH = 1000;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether JSON opens more brackets inside each other than are allowed. */
function isTooDeep(body: Uint8Array): boolean {
  // What opens and closes so many is longer than this.
  if (body.byteLength <= 2 * MAX_JSON_DEPTH) return false;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < body.byteLength; at++) {
    const byte = body[at]!;
    if (inText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if ((byte & 0xdf) === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return true;
    } else if ((byte & 0xdf) === 0x5d) depth--;
  }
  return false;
}

/** The body as JSON. Errors: ERR_MALFORMED_REQUEST. */
export function jsonOf(body: Uint8Array): unknown {
  try {
    if (body.byteLength === 0) throw new Error('the body is empty');
    if (isTooDeep(body)) throw new Error(`it is nested deeper than ${MAX_JSON_DEPTH}`);
    return JSON.parse(decoder.decode(body));
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

export function malformed(why: string, cause?: unknown): ApiError {
  return new ApiError('MALFORMED_REQUEST', `failed deserializing HTTP body: ${why}`, { cause });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The members under these names, matched in any case, as Go's JSON reads what
 * daprd is sent: Dapr's JavaScript SDK has `entryID` for `entryId`. An exact name
 * goes before another writing of it.
 */
export function membersOf(
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  const others = Object.keys(value).filter((key) => !names.includes(key));
  if (others.length === 0) return value;
  const members = { ...value };
  for (const key of others) {
    const name = names.find((one) => one.toLowerCase() === key.toLowerCase());
    if (name !== undefined && !(name in value)) members[name] = value[key];
  }
  return members;
}

/** A record of texts, as metadata is. Numbers and booleans become text. Errors: ERR_MALFORMED_REQUEST. */
export function textsOf(value: unknown, what: string): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw malformed(`${what} must be an object of strings`);
  const texts: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string' && typeof text !== 'number' && typeof text !== 'boolean') {
      throw malformed(`${what}.${key} must be a string`);
    }
    texts[key] = String(text);
  }
  return texts;
}

/** A member that is text when it is there. Errors: ERR_MALFORMED_REQUEST. */
export function textOf(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw malformed(`${what} must be a string`);
  return value;
}

/** RFC 3339 in UTC without fractions, as Dapr prints times. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

const EMPTY_RESPONSE: HttpResponse = Object.freeze({ status: 204 });

export function empty(): HttpResponse {
  return EMPTY_RESPONSE;
}

export function json(value: unknown, status = 200): HttpResponse {
  return { status, body: JSON.stringify(value) };
}
