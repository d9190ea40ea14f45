/**
 * `bindings.http`: requests to one address, the method being the operation.
 * The answer's status and headers come back as metadata; one that is no 2xx is
 * a failure unless `errorIfNot2XX` says otherwise.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { Driver } from '../../component.ts';
import type { Binding, BindingRequest, BindingResponse } from '../contract.ts';
import { closedError, noOperation, notAnInput } from '../refusals.ts';
import { fields, isTruthy, readSettings } from './http-settings.ts';

const OPERATIONS = ['create', 'get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 10;
const JSON_TYPE = 'application/json; charset=utf-8';
const TRACE_HEADERS = ['traceparent', 'tracestate', 'baggage'];

/** Names as Go writes them, since the metadata of an answer is looked up by exact name. */
const canonical = (name: string): string =>
  name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

interface Sent {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

function metadataOf(response: IncomingMessage): Record<string, string> {
  const status = response.statusCode ?? 0;
  const metadata: Record<string, string> = {
    statusCode: String(status),
    status: `${status} ${response.statusMessage ?? ''}`.trim(),
  };
  const { rawHeaders } = response;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = canonical(rawHeaders[i]!);
    // How the bytes came over this connection is not for whoever asked; Go's client takes it out too.
    if (name === 'Transfer-Encoding') continue;
    const value = rawHeaders[i + 1]!;
    metadata[name] = metadata[name] === undefined ? value : `${metadata[name]}, ${value}`;
  }
  return metadata;
}

export const driver: Driver<Binding> = {
  fields,
  async create(options, { signal: opening }) {
    if (opening.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const settings = readSettings(options);
    const agents = {
      'http:': new HttpAgent({ keepAlive: true }),
      'https:': new HttpsAgent({ keepAlive: true, ...settings.tls }),
    };
    let closed = false;

    function requireOpen(): void {
      if (closed) throw closedError(options);
    }

    function sentOf({ operation, data, metadata }: BindingRequest): Sent {
      const method = operation === 'create' ? 'POST' : operation.toUpperCase();
      const path = metadata['path'];
      const address = path
        ? `${settings.url.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
        : settings.url;
      const body = WITH_BODY.has(method) ? data : undefined;
      const headers: Record<string, string> = { Accept: JSON_TYPE };
      if (body) headers['Content-Type'] = JSON_TYPE;
      const { securityToken, securityTokenHeader } = settings;
      if (securityToken && securityTokenHeader) headers[securityTokenHeader] = securityToken;
      for (const [name, value] of Object.entries(metadata)) {
        if (/^[A-Z]/.test(name)) headers[canonical(name)] = value;
        if (TRACE_HEADERS.includes(name) && value !== '') headers[canonical(name)] = value;
      }
      return { url: new URL(address), method, headers, body };
    }

    function send({ url, method, headers, body }: Sent, signal?: AbortSignal) {
      return new Promise<IncomingMessage>((resolve, reject) => {
        const isTls = url.protocol === 'https:';
        const request = (isTls ? httpsRequest : httpRequest)(
          url,
          {
            method,
            agent: agents[isTls ? 'https:' : 'http:'],
            headers: body ? { ...headers, 'Content-Length': body.byteLength } : headers,
            ...(signal ? { signal } : {}),
          },
          resolve,
        );
        request.once('error', reject);
        request.end(body);
      });
    }

    /** Redirects as Go follows them: a POST that is sent elsewhere becomes a GET, except by 307 and 308. */
    async function follow(first: Sent, signal?: AbortSignal): Promise<IncomingMessage> {
      let sent = first;
      for (let hops = 0; ; hops++) {
        const response = await send(sent, signal);
        const { statusCode = 0, headers } = response;
        if (!REDIRECTS.has(statusCode) || headers.location === undefined) return response;
        response.resume();
        if (hops === MOST_REDIRECTS) throw new Error(`stopped after ${MOST_REDIRECTS} redirects`);
        const url = new URL(headers.location, sent.url);
        const keeps = statusCode >= 307 || sent.method === 'GET' || sent.method === 'HEAD';
        // What proves who we are is for the host that was configured.
        const kept =
          url.host === sent.url.host
            ? sent.headers
            : Object.fromEntries(
                Object.entries(sent.headers).filter(
                  ([name]) =>
                    !/^(authorization|cookie)$/i.test(name) &&
                    name !== settings.securityTokenHeader,
                ),
              );
        sent = keeps
          ? { ...sent, url, headers: kept }
          : { url, method: 'GET', headers: kept, body: undefined };
      }
    }

    /** At most `maxResponseBodySize` of it, as in Dapr; what is beyond is not read. */
    async function bodyOf(response: IncomingMessage): Promise<Uint8Array> {
      const chunks: Uint8Array[] = [];
      let left = settings.maxBodyBytes;
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        chunks.push(chunk.subarray(0, left));
        left -= chunk.byteLength;
        if (left <= 0) break;
      }
      return Buffer.concat(chunks);
    }

    async function close(): Promise<void> {
      closed = true;
      for (const agent of Object.values(agents)) agent.destroy();
    }

    return {
      features: ['OUTPUT_BINDING'],
      operations: OPERATIONS,
      async invoke(request, { signal } = {}): Promise<BindingResponse> {
        requireOpen();
        if (!OPERATIONS.includes(request.operation))
          throw noOperation(options, request.operation, OPERATIONS);
        const late = new AbortController();
        const limit = settings.timeoutMs;
        const timer = limit === undefined ? undefined : options.timer(limit, () => late.abort());
        const until = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
        try {
          const response = await follow(sentOf(request), until);
          const metadata = metadataOf(response);
          const data = await bodyOf(response);
          const status = response.statusCode ?? 0;
          const strict = request.metadata['errorIfNot2XX'];
          const isRefused = strict ? isTruthy(strict) : settings.errorIfNot2xx;
          const failed = isRefused && (status < 200 || status > 299);
          return {
            data,
            metadata,
            ...(failed ? { failure: `received status code ${status}` } : {}),
          };
        } catch (cause) {
          const why = late.signal.aborted
            ? `no answer within ${limit} ms (responseTimeout)`
            : (cause as Error).message;
          const code = signal?.aborted ? 'CANCELLED' : 'UNAVAILABLE';
          throw new ComponentError(options, `the request failed: ${why}`, {
            code,
            cause,
            retryable: false,
          });
        } finally {
          timer?.cancel();
        }
      },
      async read() {
        requireOpen();
        throw notAnInput(options);
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
