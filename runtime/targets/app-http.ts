/**
 * The app beside this host, over HTTP/1.1 with or without TLS, or HTTP/2 without
 * TLS (app-h2c.ts): requests to its port with
 * connections that are kept, bodies passed on as they arrive, statuses as they
 * are, redirects left to the caller.
 */
import {
  Agent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { TroupeError } from '../core/errors.ts';
import { createAppH2c } from './app-h2c.ts';

type Values = Readonly<Record<string, string | readonly string[] | undefined>>;

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

export interface AppHttpRequest {
  readonly method: string;
  /** Percent-encoded, with a leading slash. */
  readonly path: string;
  readonly query?: string;
  readonly headers?: Values;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  /** Aborting ends the request. */
  readonly signal?: AbortSignal | undefined;
}

export interface AppHttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Must be read to its end, or ended by `return`, so that the connection is free again. */
  readonly body: AsyncIterable<Uint8Array>;
  /** What came behind the body, once it was read to its end. Absent: the app announced none. */
  readonly trailers?: (() => Readonly<Record<string, string>>) | undefined;
}

export interface AppHttp extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Errors: UNAVAILABLE when the app does not answer, CANCELLED when the signal aborted. */
  invoke(request: AppHttpRequest): Promise<AppHttpResponse>;
  close(): Promise<void>;
}

/** The error of a request that got no answer. */
export function noAnswer(
  host: string,
  port: number,
  cause: Error,
  signal?: AbortSignal,
): TroupeError {
  if (signal?.aborted) return new TroupeError('CANCELLED', 'the caller went away', { cause });
  return new TroupeError(
    'UNAVAILABLE',
    `the app at http://${host}:${port} does not answer: ${cause.message}; is it running and on this port?`,
    { cause },
  );
}

/** What came with the head of an answer. */
export function answerOf(response: IncomingMessage): AppHttpResponse {
  const received: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) received[name] = value;
  }
  const answer = { status: response.statusCode!, headers: received, body: response };
  if (received['trailer'] === undefined) return answer;
  return { ...answer, trailers: () => response.trailers as Record<string, string> };
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
          ...(signal ? { signal } : {}),
        },
        (response) => resolve(answerOf(response)),
      );
      request.once('error', (cause) => reject(noAnswer(host, port, cause, signal)));
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
