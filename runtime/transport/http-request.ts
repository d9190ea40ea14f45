/**
 * A request from the socket: the object that route handlers see, its body
 * within bounds, and what a connection is told whose bytes are no request.
 */
import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { ApiError, toHttpError } from '../api/api-error.ts';
import type { ApiErrorName } from '../api/error-map.ts';
import type { HeaderValues, HttpRequest } from '../api/route.ts';

const NO_BODY = new Uint8Array(0);

/** Bytes beyond the limit that are still read, so that the client gets to see the answer. */
const DRAIN_BYTES = 16 * 1024 * 1024;

const signals = new WeakMap<object, AbortSignal>();

/** The stream of a request over HTTP/2, where a connection carries many at a time. */
function streamOf(message: IncomingMessage): ServerHttp2Stream | undefined {
  return (message as { stream?: ServerHttp2Stream }).stream;
}

/**
 * Aborts when the client goes away. One a connection, because a connection
 * carries one request at a time and a controller for each costs more than the
 * rest of the request's bookkeeping.
 */
function signalOf(message: IncomingMessage): AbortSignal {
  const socket = streamOf(message) ?? message.socket;
  let signal = signals.get(socket);
  if (!signal) {
    const controller = new AbortController();
    const leave = (): void => controller.abort(new Error('the client closed the connection'));
    if (socket.destroyed) leave();
    else socket.once('close', leave);
    ({ signal } = controller);
    signals.set(socket, signal);
  }
  return signal;
}

export class ServerRequest implements HttpRequest {
  readonly path: string;
  readonly params: readonly string[];
  body: Uint8Array = NO_BODY;
  stream: AsyncIterable<Uint8Array> | undefined = undefined;
  readonly #message: IncomingMessage;

  constructor(message: IncomingMessage, path: string, params: readonly string[]) {
    this.#message = message;
    this.path = path;
    this.params = params;
  }

  get method(): string {
    return this.#message.method!;
  }

  get query(): string {
    const target = this.#message.url!;
    const at = target.indexOf('?');
    return at < 0 ? '' : target.slice(at + 1);
  }

  get headers(): HeaderValues {
    const { headers } = this.#message;
    return this.#message.httpVersionMajor === 2 ? withoutPseudo(headers) : headers;
  }

  get signal(): AbortSignal {
    return signalOf(this.#message);
  }
}

/** HTTP/2 has the request line among its headers. */
function withoutPseudo(headers: IncomingMessage['headers']): HeaderValues {
  const kept: Record<string, string | string[] | undefined> = {
    host: headers[':authority'] as string,
  };
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':')) kept[name] = value;
  }
  return kept;
}

export function hasBody(message: IncomingMessage): boolean {
  const stream = streamOf(message);
  if (stream) return !stream.endAfterHeaders;
  const { headers } = message;
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}

/** A body up to this length is read before a route that could take it as a stream is asked. */
export const SHORT_BYTES = 64 * 1024;

export async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export function isShort({ headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length'] ?? 0);
  return length > 0 && length <= SHORT_BYTES;
}

/**
 * Reads the body and calls `done` once: with the bytes, with overflow, or, when
 * the client went away, with neither.
 */
export function collectBody(
  message: IncomingMessage,
  maxBytes: number,
  done: (body: Uint8Array | undefined, overflow: boolean) => void,
): void {
  const declared = Number(message.headers['content-length'] ?? 0);
  if (declared > maxBytes + DRAIN_BYTES) {
    done(undefined, true);
    return;
  }
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let size = 0;
  let settled = false;
  const settle = (body: Uint8Array | undefined, overflow: boolean): void => {
    if (settled) return;
    settled = true;
    done(body, overflow);
  };
  message.on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size > maxBytes) {
      first = rest = undefined;
      if (size > maxBytes + DRAIN_BYTES) {
        message.pause();
        settle(undefined, true);
      }
    } else if (!first) first = chunk;
    else if (rest) rest.push(chunk);
    else rest = [first, chunk];
  });
  message.once('end', () => {
    if (size > maxBytes) settle(undefined, true);
    else settle(rest ? Buffer.concat(rest, size) : (first ?? NO_BODY), false);
  });
  message.once('error', () => settle(undefined, false));
}

const REFUSALS: Readonly<Record<string, readonly [ApiErrorName, string]>> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', 'the request headers are larger than the limit'],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', 'the request took too long to arrive'],
};
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** Answers bytes that are no request, and ends the connection. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [name, text] = REFUSALS[error.code ?? ''] ?? ['BAD_REQUEST', 'this is not HTTP/1.1'];
  const { status, body } = toHttpError(new ApiError(name, `invalid request: ${text}`));
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
