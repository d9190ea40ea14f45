/**
 * The app beside this host, over HTTP/1.1 with or without TLS, or HTTP/2 without
 * TLS (app-h2c.ts): requests to its port with
 * connections that are kept, bodies passed on as they arrive, statuses as they
 * are, redirects left to the caller.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import { PassThrough, pipeline, Readable } from 'node:stream';
import { Agent, request as httpRequest } from '../transport/node-http.ts';
import { createAppH2c } from './app-h2c.ts';
import { noAnswer, type AppHttp, type AppHttpRequest, type AppHttpResponse } from './app-wire.ts';

export interface AppHttpOptions {
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default `http`. */
  readonly protocol?: 'http' | 'https' | 'h2c';
  /** Sent to the app as `dapr-api-token`, so that it can tell this host from others. */
  readonly token?: string | undefined;
  /** Connections that may be open at once; more requests wait. Default: no bound. */
  readonly maxConnections?: number;
}

const NO_BYTES = new Uint8Array(0);

/** What came with the head of an answer; `taken` is told when its body was handed out as a whole. */
export function answerOf(response: IncomingMessage, taken?: () => void): AppHttpResponse {
  const received: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) received[name] = value;
  }
  const answer = { status: response.statusCode!, headers: received };
  if (received['trailer'] === undefined) {
    return {
      ...answer,
      get body() {
        return bodyOf(response);
      },
      whole() {
        const bytes = wholeOf(response);
        if (bytes) taken?.();
        return bytes;
      },
    };
  }
  const trailers = (): Record<string, string> => response.trailers as Record<string, string>;
  return { ...answer, body: response, trailers };
}

/** All of the body, if it came with the head and nobody reads it yet. */
function wholeOf(response: IncomingMessage): Uint8Array | undefined {
  if (!response.complete || response.destroyed || response.readableFlowing !== null) return;
  const bytes = (response.read() as Buffer | null) ?? NO_BYTES;
  // Reading on is what ends it, and frees its connection.
  response.resume();
  return bytes;
}

/**
 * The body as far as the app sends it: one that is shorter than its length says
 * ends where it ends, as in daprd, which passes the length on to nobody. Most
 * have arrived with their head, and are passed on as they are.
 */
function bodyOf(response: IncomingMessage): Readable {
  const isOpen = response.headers['content-length'] !== undefined && !response.complete;
  if (!isOpen || response.destroyed) return response;
  const body = new PassThrough();
  response.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET' && response.readableLength === 0) body.end();
    else body.destroy(error);
  });
  body.once('close', () => response.destroy());
  return response.pipe(body);
}

export function createAppHttp(options: AppHttpOptions): AppHttp {
  const { port, host = '127.0.0.1', token, protocol = 'http' } = options;
  if (protocol === 'h2c') return createAppH2c({ port, host, token });
  const isSecure = protocol === 'https';
  const connections = {
    keepAlive: true,
    ...(options.maxConnections === undefined ? {} : { maxSockets: options.maxConnections }),
  };
  // An app behind its own sidecar has a certificate of its own making, so daprd does not check it either.
  const agent = isSecure
    ? new SecureAgent({ ...connections, rejectUnauthorized: false })
    : new Agent(connections);
  const send = isSecure ? httpsRequest : httpRequest;

  function invoke({ method, path, query, headers, body, signal }: AppHttpRequest) {
    return new Promise<AppHttpResponse>((resolve, reject) => {
      const outgoing = { ...headers } as OutgoingHttpHeaders;
      if (token !== undefined) outgoing['dapr-api-token'] = token;
      if (body instanceof Uint8Array) outgoing['content-length'] = body.byteLength;
      const request = send(
        {
          host,
          port,
          method,
          agent,
          path: query ? `${path}?${query}` : path,
          headers: outgoing,
        },
        (response) => resolve(answerOf(response, leave)),
      );
      // Not the option of node:http: that ends the connection also of an answer that was taken as a whole.
      function abort(): void {
        request.destroy(new Error('the caller went away'));
      }
      function leave(): void {
        signal?.removeEventListener('abort', abort);
      }
      // HTTP/1.1 keeps connections without being told, and the app is to see the caller's headers only.
      request.removeHeader('connection');
      request.once('error', (cause) => reject(noAnswer(host, port, cause, signal)));
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort);
      request.once('close', leave);
      if (body === undefined || body instanceof Uint8Array) {
        request.end(body);
        return;
      }
      // The app may answer before a chunked body comes, so the head goes ahead of it.
      if (outgoing['content-length'] === undefined) request.flushHeaders();
      // An error of either side ends the request, whose own error event rejects.
      pipeline(Readable.from(body, { objectMode: false }), request, () => {});
    });
  }

  const close = (): Promise<void> => {
    agent.destroy();
    return Promise.resolve();
  };
  return { host, port, invoke, close, [Symbol.asyncDispose]: close };
}
