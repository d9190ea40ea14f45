/**
 * The app beside this host, over HTTP/1.1: requests to its port with
 * connections that are kept, bodies passed on as they arrive, statuses as they
 * are, redirects left to the caller.
 */
import { Agent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { TroupeError } from '../core/errors.ts';

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
}

export interface AppHttp extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Errors: UNAVAILABLE when the app does not answer, CANCELLED when the signal aborted. */
  invoke(request: AppHttpRequest): Promise<AppHttpResponse>;
  close(): Promise<void>;
}

function failure(host: string, port: number, cause: Error, signal?: AbortSignal): TroupeError {
  if (signal?.aborted) return new TroupeError('CANCELLED', 'the caller went away', { cause });
  return new TroupeError(
    'UNAVAILABLE',
    `the app at http://${host}:${port} does not answer: ${cause.message}; is it running and on this port?`,
    { cause },
  );
}

export function createAppHttp(options: AppHttpOptions): AppHttp {
  const { port, host = '127.0.0.1', token } = options;
  const agent = new Agent({
    keepAlive: true,
    ...(options.maxConnections === undefined ? {} : { maxSockets: options.maxConnections }),
  });

  function invoke({ method, path, query, headers, body, signal }: AppHttpRequest) {
    return new Promise<AppHttpResponse>((resolve, reject) => {
      const outgoing = { ...headers } as OutgoingHttpHeaders;
      if (token !== undefined) outgoing['dapr-api-token'] = token;
      if (body instanceof Uint8Array) outgoing['content-length'] = body.byteLength;
      const request = httpRequest(
        {
          host,
          port,
          method,
          agent,
          path: query ? `${path}?${query}` : path,
          headers: outgoing,
          ...(signal ? { signal } : {}),
        },
        (response) => {
          const received: Record<string, string | readonly string[]> = {};
          for (const [name, value] of Object.entries(response.headers)) {
            if (value !== undefined) received[name] = value;
          }
          resolve({ status: response.statusCode!, headers: received, body: response });
        },
      );
      request.once('error', (cause) => reject(failure(host, port, cause, signal)));
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
