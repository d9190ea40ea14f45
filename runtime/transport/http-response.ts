/** An answer onto the socket: head and body in one write, or a stream chunk by chunk. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { WireResponse } from '../api/api-error.ts';
import type { HttpResponse } from '../api/route.ts';

const JSON_TYPE = 'application/json';

/** Bodies up to this size go out together with their head. */
export const ONE_WRITE_BYTES = 16 * 1024;

export function latin1(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
}

/** Headers that every answer to this request carries. */
function commonHeaders({ headers }: IncomingMessage, into: OutgoingHttpHeaders): void {
  const { traceparent, tracestate, baggage } = headers;
  if (traceparent !== undefined) into['traceparent'] = traceparent;
  if (tracestate !== undefined) into['tracestate'] = tracestate;
  if (baggage !== undefined) into['baggage'] = baggage;
}

function sendStream(
  response: ServerResponse,
  answer: HttpResponse,
  headers: OutgoingHttpHeaders,
  stream: AsyncIterable<Uint8Array>,
  broken: (error: unknown) => void,
): void {
  if (answer.contentType !== undefined) headers['content-type'] = answer.contentType;
  response.writeHead(answer.status, headers);
  // The head goes out before the first chunk: an event stream may be silent for long.
  response.flushHeaders();
  const { trailers } = answer;
  const source =
    stream instanceof Readable && !trailers
      ? stream
      : Readable.from(
          trailers ? followedBy(stream, () => response.addTrailers(trailers())) : stream,
          {
            objectMode: false,
          },
        );
  pipeline(source, response, (error) => {
    if (error && (error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE')
      broken(error);
  });
}

async function* followedBy(
  stream: AsyncIterable<Uint8Array>,
  then: () => void,
): AsyncGenerator<Uint8Array> {
  yield* stream;
  then();
}

/** `broken` hears of a stream that failed after its head was sent; the connection is cut then. */
export function sendResponse(
  message: IncomingMessage,
  response: ServerResponse,
  answer: HttpResponse,
  broken: (error: unknown) => void,
): void {
  if (response.destroyed || response.headersSent) return;
  const headers: OutgoingHttpHeaders = answer.headers
    ? ({ ...answer.headers } as OutgoingHttpHeaders)
    : {};
  commonHeaders(message, headers);
  if (answer.stream) {
    sendStream(response, answer, headers, answer.stream, broken);
    return;
  }
  const { body } = answer;
  if (body === undefined) {
    if (answer.status !== 204) headers['content-length'] = 0;
    response.writeHead(answer.status, headers).end();
    return;
  }
  headers['content-type'] = answer.contentType ?? JSON_TYPE;
  if (typeof body === 'string') {
    headers['content-length'] = Buffer.byteLength(body);
    response.writeHead(answer.status, headers).end(body);
    return;
  }
  headers['content-length'] = body.byteLength;
  response.writeHead(answer.status, headers);
  if (body.byteLength > ONE_WRITE_BYTES) response.end(body);
  // Node joins head and body into one write only when the body is text; latin1 keeps every byte.
  else response.end(latin1(body), 'latin1');
}

export function sendError(
  message: IncomingMessage,
  response: ServerResponse,
  { status, body, retryAfter }: WireResponse,
): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const headers: OutgoingHttpHeaders = {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(body),
  };
  if (retryAfter) headers['retry-after'] = '1';
  commonHeaders(message, headers);
  response.writeHead(status, headers).end(body);
}
