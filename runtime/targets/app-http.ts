/**
 * The app beside this host, over HTTP/1.1 with or without TLS, or HTTP/2 without
 * TLS (app-h2c.ts): requests to its port with
 * connections that are kept, bodies passed on as they arrive, statuses as they
 * are, redirects left to the caller.
 */
import type { HttpAnswer } from '../transport/http1/exchange.ts';
import { createHttpOrigin } from '../transport/http1/origin.ts';
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

export function createAppHttp(options: AppHttpOptions): AppHttp {
  const { port, host = '127.0.0.1', token, protocol = 'http', maxConnections } = options;
  if (protocol === 'h2c') return createAppH2c({ port, host, token });
  // An app behind its own sidecar has a certificate of its own making, so daprd does not check it either.
  const tls = protocol === 'https' ? { rejectUnauthorized: false } : undefined;
  const origin = createHttpOrigin({ host, port, tls, maxConnections });

  async function invoke(request: AppHttpRequest): Promise<AppHttpResponse> {
    const { method, path, query, body, signal } = request;
    const headers =
      token === undefined ? request.headers : { ...request.headers, 'dapr-api-token': token };
    const target = query ? `${path}?${query}` : path;
    try {
      return announced(await origin.send({ method, path: target, headers, body, signal }));
    } catch (error) {
      throw error instanceof TypeError ? error : noAnswer(host, port, error as Error, signal);
    }
  }

  const close = (): Promise<void> => origin.close();
  return { host, port, invoke, close, [Symbol.asyncDispose]: close };
}

/** Only an answer that announces trailers has them, and is no whole without. */
export function announced(answer: HttpAnswer): AppHttpResponse {
  const { status, headers, body, whole, trailers } = answer;
  return headers['trailer'] === undefined
    ? { status, headers, body, whole }
    : { status, headers, body, trailers };
}
