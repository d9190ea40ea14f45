/**
 * Dapr's HTTP API on a socket: raw node:http, the router over the API's route
 * rows, and the rules that hold for every route (limits, token, CORS, trace
 * context, closing). It knows no building block. The hot path is one actor
 * call: no URL object, no copy of headers, no controller of its own, one write.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, toHttpError } from '../api/api-error.ts';
import type { HttpResponse, HttpRoute } from '../api/route.ts';
import type { EngineLogger } from '../core/ports.ts';
import { createCors } from './cors.ts';
import { collectBody, hasBody, refuseConnection, ServerRequest } from './http-request.ts';
import { sendError, sendResponse } from './http-response.ts';
import { listen } from './listen.ts';
import { BadEscape, cleanPath, createRouter, type Match } from './router.ts';
import { createTokenCheck } from './token.ts';

export interface HttpServerOptions {
  readonly routes: readonly HttpRoute[];
  /** Takes what no route takes: daprd's service invocation. */
  readonly fallback: HttpRoute;
  /** Default 0: a free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  readonly logger: EngineLogger;
  /** Default 4 MiB; 0 or less: no limit. Streamed bodies have none. */
  readonly maxBodyBytes?: number;
  /** Default 8 KiB. */
  readonly maxHeaderBytes?: number;
  /** Longest time a request may take to arrive, in milliseconds. Default 300,000. */
  readonly requestTimeoutMs?: number;
  /** Connections beyond it are closed at once. Default: no bound. */
  readonly maxConnections?: number;
  /** Every request but health checks must carry it as `dapr-api-token`. */
  readonly apiToken?: string | undefined;
  /** `*`, or origins divided by commas. Default: no CORS headers. */
  readonly allowedOrigins?: string | undefined;
  /** How long running requests may still take when the server closes, in milliseconds. Default 800. */
  readonly closeGraceMs?: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Takes no more requests, lets running ones finish within the grace, then cuts them. Idempotent. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_HEADER_BYTES = 8 * 1024;
const KEEP_ALIVE_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;

/** Starts to listen; resolves when the port is open. Errors: UNAVAILABLE naming address and what to do. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { logger, fallback } = options;
  const limit = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const maxBody = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  const find = createRouter(options.routes);
  const cors = createCors(options.allowedOrigins);
  const mayEnter = createTokenCheck(options.apiToken);
  const other: Match = { route: fallback, params: [] };
  let closing = false;

  function send(message: IncomingMessage, response: ServerResponse, answer: HttpResponse): void {
    if (closing) response.shouldKeepAlive = false;
    sendResponse(message, response, answer, (error) =>
      logger.warn({ error: String(error) }, 'http response broke off'),
    );
  }

  function fail(
    message: IncomingMessage,
    response: ServerResponse,
    error: unknown,
    request?: ServerRequest,
    route?: HttpRoute,
  ): void {
    const explain = request && route?.explain;
    const wire = toHttpError(error, route?.failure, explain && ((code) => explain(code, request)));
    if (wire.cause !== undefined) {
      logger.error({ err: wire.cause, route: route?.pattern }, 'http request failed');
    }
    if (closing) response.shouldKeepAlive = false;
    sendError(message, response, wire);
  }

  function run(
    message: IncomingMessage,
    response: ServerResponse,
    { route }: Match,
    request: ServerRequest,
  ): void {
    let answer: HttpResponse | Promise<HttpResponse>;
    try {
      answer = route.handle(request);
    } catch (error) {
      fail(message, response, error, request, route);
      return;
    }
    if (!(answer instanceof Promise)) {
      send(message, response, answer);
      return;
    }
    answer.then(
      (known) => send(message, response, known),
      (error: unknown) => fail(message, response, error, request, route),
    );
  }

  function onRequest(message: IncomingMessage, response: ServerResponse): void {
    const target = message.url!;
    const path = cleanPath(target);
    const method = message.method!;
    if (cors?.(message, response)) return;
    let match: Match;
    try {
      if (path === undefined) throw new BadEscape(`"${target}" is not a path`);
      match = find(method, path) ?? other;
    } catch (error) {
      if (!(error instanceof BadEscape)) throw error;
      send(message, response, { status: 400, contentType: 'text/plain', body: error.message });
      return;
    }
    if (!mayEnter(message, match.route)) {
      const body = 'invalid api token';
      send(message, response, { status: 401, contentType: 'text/plain; charset=utf-8', body });
      return;
    }
    const request = new ServerRequest(message, path, match.params);
    if (match.route.streaming) {
      if (hasBody(message)) request.stream = message;
      run(message, response, match, request);
    } else if (!hasBody(message)) {
      run(message, response, match, request);
    } else {
      collectBody(message, maxBody, (body, overflow) => {
        if (body) {
          request.body = body;
          run(message, response, match, request);
        } else if (overflow) {
          response.shouldKeepAlive = false;
          fail(
            message,
            response,
            new ApiError(
              'BODY_TOO_LARGE',
              `failed to read request body: it is larger than the limit of ${maxBody} bytes; raise maxBodyBytes or send less`,
            ),
          );
        }
      });
    }
  }

  const server = createServer(
    {
      maxHeaderSize: options.maxHeaderBytes ?? MAX_HEADER_BYTES,
      requestTimeout: options.requestTimeoutMs ?? 300_000,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.requestTimeoutMs ?? HEADERS_TIMEOUT_MS),
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1000,
    },
    onRequest,
  );
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  server.on('clientError', refuseConnection);

  const { host = '127.0.0.1', port = 0 } = options;
  await listen(server, { host, port });
  server.on('error', (error) => logger.error({ err: error }, 'http server failed'));

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => {
      closing = true;
      const cut = setTimeout(() => server.closeAllConnections(), options.closeGraceMs ?? 800);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      server.closeIdleConnections();
    });
    return closed;
  };
  const bound = server.address() as AddressInfo;
  return { host: bound.address, port: bound.port, close, [Symbol.asyncDispose]: close };
}
