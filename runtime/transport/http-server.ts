/**
 * Dapr's HTTP API on sockets: raw node:http on one or more addresses or Unix
 * sockets, HTTP/2 without TLS on the same ones when asked for, limits of
 * headers and of time, and closing. What a request means is http-handler.ts.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EngineLogger } from '../core/ports.ts';
import { serveCleartextHttp2, type CleartextHttp2 } from './http-h2c.ts';
import { createHttpHandler, type HttpHandlerOptions } from './http-handler.ts';
import { refuseConnection } from './http-request.ts';
import { listen, type ListenAt } from './listen.ts';
import { createServer } from './node-http.ts';

export interface HttpServerOptions extends HttpHandlerOptions {
  /** Default 0: a free port. */
  readonly port?: number;
  /** Default `127.0.0.1`; an empty one is every address. */
  readonly host?: string;
  /** In place of host and port: everywhere the server listens. Port 0 is the same free one on all. */
  readonly at?: readonly ListenAt[];
  /** Also HTTP/2 without TLS, for clients that begin with it. Default false. */
  readonly h2c?: boolean;
  readonly logger: EngineLogger;
  /** Default 8 KiB. */
  readonly maxHeaderBytes?: number;
  /** Longest time a request may take to arrive, in milliseconds. Default 300,000. */
  readonly requestTimeoutMs?: number;
  /** Connections beyond it are closed at once. Default: no bound. */
  readonly maxConnections?: number;
  /** How long running requests may still take when the server closes, in milliseconds. Default 800. */
  readonly closeGraceMs?: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Takes no more requests, lets running ones finish within the grace, then cuts them. Idempotent. */
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 8 * 1024;
const KEEP_ALIVE_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;

/** Starts to listen; resolves when all ports are open. Errors: UNAVAILABLE naming address and what to do. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { logger, host = '127.0.0.1', port = 0, at = [{ host, port }] } = options;
  const handler = createHttpHandler(options);
  const headersTimeout = Math.min(
    HEADERS_TIMEOUT_MS,
    options.requestTimeoutMs ?? HEADERS_TIMEOUT_MS,
  );
  const onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    // HTTP/1.1 keeps connections without being told, and daprd does not tell.
    if (message.httpVersion === '1.1' && response.shouldKeepAlive) {
      response.removeHeader('connection');
    }
    handler.handle(message, response);
  };
  const servers: Server[] = [];
  const second: CleartextHttp2[] = [];
  let closed: Promise<void> | undefined;

  function closeOne(server: Server): Promise<void> {
    return new Promise((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), options.closeGraceMs ?? 800);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      server.closeIdleConnections();
    });
  }

  const close = (): Promise<void> => {
    closed ??= (async () => {
      handler.leave();
      const grace = options.closeGraceMs ?? 800;
      await Promise.all([...servers.map(closeOne), ...second.map((one) => one.close(grace))]);
    })();
    return closed;
  };

  let bound = { host, port };
  try {
    for (const place of at) {
      const server = createServer(
        {
          maxHeaderSize: options.maxHeaderBytes ?? MAX_HEADER_BYTES,
          requestTimeout: options.requestTimeoutMs ?? 300_000,
          headersTimeout,
          keepAliveTimeout: KEEP_ALIVE_MS,
          connectionsCheckingInterval: 1000,
        },
        onRequest,
      );
      if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
      server.on('clientError', refuseConnection);
      if (options.h2c) second.push(serveCleartextHttp2(server, onRequest, headersTimeout));
      const isFirst = servers.length === 0;
      await listen(server, 'path' in place || isFirst ? place : { ...place, port: bound.port });
      servers.push(server);
      server.on('error', (error) => logger.error({ err: error }, 'http server failed'));
      const address = server.address() as AddressInfo | string;
      if (isFirst) {
        bound =
          typeof address === 'string'
            ? { host: address, port: 0 }
            : { host: address.address, port: address.port };
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { ...bound, close, [Symbol.asyncDispose]: close };
}
