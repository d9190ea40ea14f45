/** Addresses outside that are invoked by the name of an HTTPEndpoint, or by their URL. */
import { TroupeError } from '../core/errors.ts';
import { createHttpOrigin, type HttpOrigin } from '../transport/http1/origin.ts';
import { announced } from './app-http.ts';
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
  /** Of each certificate apart: what one endpoint trusts or shows is not another's. */
  const origins = new Map<string, HttpOrigin>();

  function originOf(url: URL, tls: EndpointTls): HttpOrigin {
    const isSecure = url.protocol === 'https:';
    const key = isSecure ? `${url.origin} ${JSON.stringify(tls)}` : url.origin;
    const open = origins.get(key);
    if (open) return open;
    const origin = createHttpOrigin({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || (isSecure ? 443 : 80)),
      tls: isSecure ? { ...tls } : undefined,
      emptied: () => origins.delete(key),
    });
    origins.set(key, origin);
    return origin;
  }

  function channel({ baseUrl, headers: own, tls = {} }: HttpEndpoint): EndpointChannel {
    return {
      async invoke({ method, path, query, headers: given, body, signal }) {
        const text = `${baseUrl.replace(/\/+$/, '')}${path}${query ? `?${query}` : ''}`;
        const url = URL.canParse(text) ? new URL(text) : undefined;
        if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
          throw new TroupeError('INVALID_ARGUMENT', `"${baseUrl}" is not a URL`);
        }
        const headers: Record<string, string | readonly string[] | undefined> = { ...given };
        if (url.username || url.password) {
          const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
          headers['authorization'] ??= `Basic ${Buffer.from(user).toString('base64')}`;
        }
        for (const [name, value] of Object.entries(own)) headers[name.toLowerCase()] = value;
        const target = `${url.pathname}${url.search}`;
        try {
          const sent = originOf(url, tls).send({ method, path: target, headers, body, signal });
          return announced(await sent);
        } catch (cause) {
          if (cause instanceof TypeError) throw cause;
          if (signal?.aborted) {
            throw new TroupeError('CANCELLED', 'the caller went away', { cause });
          }
          const reason = (cause as Error).message;
          throw new TroupeError('UNAVAILABLE', `${url.origin} does not answer: ${reason}`, {
            cause,
          });
        }
      },
    };
  }

  const close = async (): Promise<void> => {
    await Promise.all([...origins.values()].map((origin) => origin.close()));
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
