/** The app beside this host over HTTP/2 without TLS: one connection, opened when needed. */
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { pipeline, Readable } from 'node:stream';
import { noAnswer, type AppHttp, type AppHttpRequest, type AppHttpResponse } from './app-wire.ts';

export interface AppH2cOptions {
  readonly port: number;
  readonly host: string;
  readonly token: string | undefined;
}

/** Headers that HTTP/2 has no place for. */
const NOT_SENT = new Set([
  'connection',
  'host',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
]);

export function createAppH2c({ port, host, token }: AppH2cOptions): AppHttp {
  let session: ClientHttp2Session | undefined;

  function connected(): ClientHttp2Session {
    if (session && !session.closed && !session.destroyed) return session;
    const opened = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    // Requests hear of a broken connection themselves.
    opened.on('error', () => {});
    opened.unref();
    session = opened;
    return opened;
  }

  function headersOf({ method, path, query, headers, body }: AppHttpRequest): OutgoingHttpHeaders {
    const outgoing: OutgoingHttpHeaders = {
      ':method': method,
      ':path': query ? `${path}?${query}` : path,
    };
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (value !== undefined && !NOT_SENT.has(name)) outgoing[name] = value as string | string[];
    }
    if (token !== undefined) outgoing['dapr-api-token'] = token;
    if (body instanceof Uint8Array) outgoing['content-length'] = body.byteLength;
    return outgoing;
  }

  function invoke(request: AppHttpRequest): Promise<AppHttpResponse> {
    const { body, signal } = request;
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => reject(noAnswer(host, port, cause, signal));
      let stream: ClientHttp2Stream;
      try {
        stream = connected().request(headersOf(request), {
          endStream: body === undefined,
          ...(signal ? { signal } : {}),
        });
      } catch (cause) {
        fail(cause as Error);
        return;
      }
      stream.on('error', fail);
      stream.once('close', () => fail(new Error('the connection was closed')));
      let trailers: Record<string, string> = {};
      stream.once('trailers', (given) => {
        trailers = given as Record<string, string>;
      });
      stream.once('response', (given) => {
        const { ':status': status = 0, ...headers } = given;
        const answer = {
          status,
          headers: headers as AppHttpResponse['headers'],
          body: stream as AsyncIterable<Uint8Array>,
        };
        resolve(given['trailer'] === undefined ? answer : { ...answer, trailers: () => trailers });
      });
      if (body instanceof Uint8Array) stream.end(body);
      else if (body) pipeline(Readable.from(body, { objectMode: false }), stream, () => {});
    });
  }

  const close = (): Promise<void> => {
    session?.destroy();
    return Promise.resolve();
  };
  return { host, port, invoke, close, [Symbol.asyncDispose]: close };
}
