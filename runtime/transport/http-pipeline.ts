/**
 * A request that takes a pipeline of middleware before it is routed: the
 * pipeline may change its path, so the route is found at the end of it.
 */
import type { IncomingMessage } from 'node:http';
import type {
  MiddlewareRequest,
  MiddlewareResponse,
  Next,
} from '../../components/middleware/contract.ts';
import { ApiError, toHttpError, type WireResponse } from '../api/api-error.ts';
import type { HttpRequest, HttpResponse, HttpRoute } from '../api/route.ts';
import type { EngineLogger } from '../core/ports.ts';
import { hasBody, type ServerRequest } from './http-request.ts';
import { BadEscape, type Match } from './router.ts';

/** Steps around what answers at the end. */
export interface HttpPipeline {
  run(request: MiddlewareRequest, last: Next): Promise<MiddlewareResponse>;
}

export interface PipedOptions {
  readonly pipeline: HttpPipeline;
  /** Throws BadEscape for a path that cannot be read. */
  readonly find: (method: string, path: string) => Match;
  readonly maxBody: number;
  readonly logger: EngineLogger;
}

/** Never rejects: what goes wrong is an answer as well. */
export async function answerThrough(
  { pipeline, find, maxBody, logger }: PipedOptions,
  message: IncomingMessage,
  request: ServerRequest,
): Promise<HttpResponse> {
  const failed = (error: unknown, route?: HttpRoute, at?: HttpRequest): HttpResponse => {
    const explain = at && route?.explain;
    const wire = toHttpError(error, route?.failure, explain && ((code) => explain(code, at)));
    if (wire.cause !== undefined)
      logger.error({ err: wire.cause, route: route?.pattern }, 'http request failed');
    return responseOf(wire);
  };
  const sent = hasBody(message) ? message : undefined;
  const last: Next = async (changed) => {
    let match: Match;
    try {
      match = find(changed.method, changed.path);
    } catch (error) {
      if (!(error instanceof BadEscape)) return failed(error);
      return { status: 400, contentType: 'text/plain', body: error.message };
    }
    const { route, params } = match;
    const { method, path, query, body } = changed;
    const { 'content-length': _length, ...others } = changed.headers;
    const headers = body === sent ? changed.headers : others;
    const given = { method, path, query, params, headers, signal: request.signal };
    const none = new Uint8Array(0);
    let routed: HttpRequest = { ...given, body: none, stream: route.streaming ? body : undefined };
    try {
      if (!route.streaming && body) routed = { ...routed, body: await collect(body, maxBody) };
      return await route.handle(routed);
    } catch (error) {
      return failed(error, route, routed);
    }
  };
  try {
    return await pipeline.run(
      {
        method: request.method,
        path: request.path,
        query: request.query,
        headers: request.headers,
        remoteAddress: message.socket.remoteAddress,
        body: sent,
      },
      last,
    );
  } catch (error) {
    return failed(error);
  }
}

function responseOf({ status, body, retryAfter }: WireResponse): HttpResponse {
  return { status, body, ...(retryAfter ? { headers: { 'retry-after': '1' } } : {}) };
}

async function collect(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > most) {
      throw new ApiError(
        'BODY_TOO_LARGE',
        `failed to read request body: it is larger than the limit of ${most} bytes; raise maxBodyBytes or send less`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
