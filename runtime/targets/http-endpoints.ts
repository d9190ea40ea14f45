/** Addresses outside that are invoked by the name of an HTTPEndpoint, or by their URL. */
import type { OutgoingHttpHeaders } from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { TroupeError } from '../core/errors.ts';
import { Agent, request as httpRequest } from '../transport/node-http.ts';
import { answerOf } from './app-http.ts';
import type { AppHttpRequest, AppHttpResponse } from './app-wire.ts';

/** PEM texts. */
export interface EndpointTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface HttpEndpoint {
  /** With a scheme; a path in it goes before the method. */
  readonly baseUrl: string;
  /** Sent with every request, in place of the caller's of the same name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: EndpointTls | undefined;
}

export interface EndpointChannel {
  /** Errors: INVALID_ARGUMENT for an address that is no URL, UNAVAILABLE when nobody answers, CANCELLED. */
  invoke(request: AppHttpRequest): Promise<AppHttpResponse>;
}

export interface OpenHttpEndpoints extends AsyncDisposable {
  find(name: string): EndpointChannel | undefined;
  at(baseUrl: string): EndpointChannel;
  close(): Promise<void>;
}

/** The map may change; each call looks again. */
export function createHttpEndpoints(
  endpoints: ReadonlyMap<string, HttpEndpoint>,
): OpenHttpEndpoints {
  const plain = new Agent({ keepAlive: true });
  const secure = new SecureAgent({ keepAlive: true });

  function channel({ baseUrl, headers: own, tls = {} }: HttpEndpoint): EndpointChannel {
    return {
      invoke({ method, path, query, headers, body, signal }) {
        const text = `${baseUrl.replace(/\/+$/, '')}${path}${query ? `?${query}` : ''}`;
        if (!URL.canParse(text)) {
          throw new TroupeError('INVALID_ARGUMENT', `"${baseUrl}" is not a URL`);
        }
        const url = new URL(text);
        const isSecure = url.protocol === 'https:';
        const outgoing = { ...headers } as OutgoingHttpHeaders;
        for (const [name, value] of Object.entries(own)) outgoing[name.toLowerCase()] = value;
        return new Promise<AppHttpResponse>((resolve, reject) => {
          const send = isSecure ? httpsRequest : httpRequest;
          const request = send(
            url,
            {
              method,
              headers: outgoing,
              agent: isSecure ? secure : plain,
              ...(isSecure ? tls : {}),
              ...(signal ? { signal } : {}),
            },
            (response) => resolve(answerOf(response)),
          );
          request.removeHeader('connection');
          request.once('error', (cause) =>
            reject(
              signal?.aborted
                ? new TroupeError('CANCELLED', 'the caller went away', { cause })
                : new TroupeError(
                    'UNAVAILABLE',
                    `${url.origin} does not answer: ${cause.message}`,
                    {
                      cause,
                    },
                  ),
            ),
          );
          if (body === undefined || body instanceof Uint8Array) request.end(body);
          else pipeline(Readable.from(body, { objectMode: false }), request, () => {});
        });
      },
    };
  }

  const close = (): Promise<void> => {
    plain.destroy();
    secure.destroy();
    return Promise.resolve();
  };
  return {
    find(name) {
      const endpoint = endpoints.get(name);
      return endpoint && channel(endpoint);
    },
    at: (baseUrl) => channel({ baseUrl, headers: {} }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
