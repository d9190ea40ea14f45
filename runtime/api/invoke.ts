/**
 * Service invocation: to this app (handlers in the process, or its channel), to
 * other apps through their sidecars, and to addresses outside. Bodies are
 * streams both ways.
 */
import { bytesOf, type ArrivingBody } from '../core/bytes.ts';
import { isTroupeError, TroupeError } from '../core/errors.ts';
import type { Resiliency } from '../core/resiliency.ts';
import { ApiError } from './api-error.ts';
import { discard, isPolicyError, policyWords, underPolicy } from './invoke-policy.ts';
import type { AppEvents } from './app-port.ts';
import {
  known,
  outsideHeaders,
  requestHeaders,
  responseHeaders,
  type Values,
} from './invoke-headers.ts';
import { cleanMethod, failure, needUrl } from './invoke-method.ts';
import type { HeaderValues } from './route.ts';

export interface AppRequest {
  readonly method: string;
  /** Percent-encoded, with a leading slash. */
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderValues;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  /** Name of the protobuf type of the body, which apps over gRPC are told. */
  readonly typeUrl?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AppResponse extends ArrivingBody {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Name of the protobuf type of the body, from an app over gRPC. */
  readonly typeUrl?: string | undefined;
  /** What came behind the body, once it was read to its end. */
  readonly trailers?: (() => Readonly<Record<string, string>>) | undefined;
  /** How an app over gRPC ended the call, of which `status` is a translation. */
  readonly grpc?: AppGrpcOutcome | undefined;
}

export interface AppGrpcOutcome {
  readonly status: {
    readonly code: number;
    readonly message: string;
    /** Bytes of google.rpc.Status. */
    readonly details?: Uint8Array | undefined;
  };
  readonly trailers: Readonly<Record<string, string | readonly string[]>>;
}

/** Sidecars of other apps: finds the one of an app and has it deliver. */
export interface Peers {
  /**
   * A body of bytes may be sent again when the peer was not reached. Errors:
   * NOT_FOUND when nobody knows the app, UNAVAILABLE, FORBIDDEN.
   */
  invoke(
    callee: { readonly appId: string; readonly namespace: string },
    request: AppRequest,
  ): Promise<AppResponse>;
}

/** Addresses outside, by the name of an HTTPEndpoint or by URL. */
export interface HttpEndpoints {
  /** Undefined: there is no endpoint of the name. */
  find(name: string): Pick<AppChannel, 'invoke'> | undefined;
  at(baseUrl: string): Pick<AppChannel, 'invoke'>;
}

/** The app beside this host, as the API needs it; runtime/targets/app-http.ts is one. */
export interface AppChannel {
  readonly host: string;
  readonly port: number;
  invoke(request: AppRequest): Promise<AppResponse>;
  /** Present: events go to the app this way and not by requests of HTTP. */
  readonly events?: AppEvents | undefined;
}

/** Answers an invocation of a method path of this app, as the fetch standard has it. */
export type InvocationHandler = (request: Request) => Promise<Response> | Response;

export interface InvokeOptions {
  readonly appId: string;
  readonly namespace?: string | undefined;
  readonly app?: AppChannel | undefined;
  /** Absent: only this app is known. */
  readonly peers?: Peers | undefined;
  /** Absent: nothing outside is called. */
  readonly endpoints?: HttpEndpoints | undefined;
  /** Absent: a call is made once. */
  readonly resiliency?: Resiliency | undefined;
  /** Handlers in this process by method path, for example `orders/list`. They go before the app channel. */
  readonly invocations?: Readonly<Record<string, InvocationHandler>> | undefined;
}

export interface InvokeRequest {
  readonly target: string;
  /** Decoded method path without a leading slash. */
  readonly path: string;
  readonly method: string;
  readonly query: string;
  readonly headers: HeaderValues;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  readonly typeUrl?: string | undefined;
  readonly signal: AbortSignal;
}

export interface InvokeApi {
  invoke(request: InvokeRequest): Promise<AppResponse>;
  /** To this app, for a sidecar that has said who calls. Errors: UNAVAILABLE, METHOD_NOT_FOUND. */
  deliver(request: AppRequest): Promise<AppResponse>;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

const streamOf = (body: AsyncIterable<Uint8Array> | Uint8Array): ReadableStream =>
  ReadableStream.from(body instanceof Uint8Array ? [body] : body);

async function callHandler(
  handler: InvocationHandler,
  request: InvokeRequest,
  headers: Values,
): Promise<AppResponse> {
  const list = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === 'string' ? [value] : value) list.append(name, one);
  }
  const query = request.query === '' ? '' : `?${request.query}`;
  const bodiless = request.method === 'GET' || request.method === 'HEAD';
  const response = await handler(
    new Request(`http://${request.target}/${encodeURI(request.path)}${query}`, {
      method: request.method,
      headers: list,
      signal: request.signal,
      ...(bodiless || !request.body ? {} : { body: streamOf(request.body), duplex: 'half' }),
    } as RequestInit),
  );
  const answer: Values = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) answer['set-cookie'] = cookies;
  return {
    status: response.status,
    headers: answer,
    body: (response.body as AsyncIterable<Uint8Array> | null) ?? nothing(),
  };
}

/** The namespace of an app that was given none, as in Dapr. */
const DEFAULT_NAMESPACE = 'default';

export function createInvokeApi(options: InvokeOptions): InvokeApi {
  const { appId, app, invocations = {}, peers, endpoints, resiliency } = options;
  const namespace = options.namespace ?? DEFAULT_NAMESPACE;
  const handlers = new Map(
    Object.entries(invocations).map(([path, handler]) => [cleanMethod(path), handler]),
  );

  /** The app and namespace of `app` or `app.ns`. */
  function appOf(target: string): { appId: string; namespace: string } {
    const [name = '', ns, ...more] = target.split('.');
    if (name === '' || more.length > 0) throw failure(target, `invalid app id ${target}`);
    return { appId: name, namespace: ns ?? namespace };
  }

  async function toSelf(request: InvokeRequest, path: string): Promise<AppResponse> {
    const { target } = request;
    const headers = requestHeaders(request.headers, {
      caller: appId,
      namespace: options.namespace,
      callee: appId,
    });
    const handler = handlers.get(path);
    if (handler) return callHandler(handler, { ...request, path }, headers);
    if (app) {
      needUrl(path, app, target);
      return app.invoke(outgoing(request, path, headers));
    }
    if (handlers.size > 0) {
      throw new ApiError('DIRECT_INVOKE_METHOD', `method "${path}" is not found`);
    }
    throw failure(target, 'cannot invoke local endpoint: app channel not initialized');
  }

  async function toPeer(request: InvokeRequest, path: string): Promise<AppResponse> {
    const { target } = request;
    const callee = appOf(target);
    if (!peers) throw failure(target, `couldn't find service: ${callee.appId}`);
    const headers = requestHeaders(request.headers, {
      caller: appId,
      namespace,
      callee: callee.appId,
    });
    const sent = outgoing(request, path, headers);
    const isWhole = request.headers['content-length'] !== undefined;
    const body = isWhole && request.body ? await bytesOf(request.body) : request.body;
    const call = (signal = request.signal): Promise<AppResponse> =>
      peers.invoke(callee, { ...sent, body, signal });
    if (!resiliency || resiliency.has('apps', callee.appId)) return call();
    return resiliency.builtIn('DaprBuiltInServiceRetries').run(({ signal }) => call(signal), {
      signal: request.signal,
      once: body !== undefined && !(body instanceof Uint8Array),
      isFinal: (error) => !isTroupeError(error) || error.code !== 'UNAVAILABLE',
      discard,
    });
  }

  function route(request: InvokeRequest, path: string): Promise<AppResponse> {
    const { target } = request;
    const outside = /^https?:\/\//i.test(target) ? endpoints?.at(target) : endpoints?.find(target);
    if (outside) return outside.invoke(outgoing(request, path, outsideHeaders(request.headers)));
    const callee = appOf(target);
    return callee.appId === appId && callee.namespace === namespace
      ? toSelf(request, path)
      : toPeer(request, path);
  }

  async function deliver(request: AppRequest): Promise<AppResponse> {
    const path = cleanMethod(decodeURI(request.path));
    const handler = handlers.get(path);
    if (handler) {
      const { body, signal = new AbortController().signal } = request;
      const asked = { ...request, target: appId, path, signal, body };
      return callHandler(handler, asked, known(request.headers));
    }
    if (app) {
      needUrl(path, app, appId);
      return app.invoke({ ...request, path: `/${encodeURI(path)}` });
    }
    throw new TroupeError('UNAVAILABLE', 'app channel is not initialized');
  }

  return {
    deliver,
    async invoke(request) {
      const path = cleanMethod(request.path, request.target);
      try {
        const answer = await underPolicy(resiliency, request, path, (attempt) =>
          route(attempt, path),
        );
        return { ...answer, headers: responseHeaders(answer.headers) };
      } catch (cause) {
        // What a handler of this process throws unexpectedly is for the log and not for the caller.
        if (cause instanceof ApiError || !isTroupeError(cause)) throw cause;
        if (isPolicyError(cause))
          throw new ApiError('DIRECT_INVOKE', policyWords(cause), { cause });
        const isForbidden = cause.code === 'FORBIDDEN';
        throw failure(
          request.target,
          cause.message,
          cause,
          isForbidden ? 'DIRECT_INVOKE_FORBIDDEN' : 'DIRECT_INVOKE',
        );
      }
    },
  };
}

const outgoing = (request: InvokeRequest, path: string, headers: Values): AppRequest => ({
  method: request.method,
  path: `/${encodeURI(path)}`,
  query: request.query,
  headers,
  body: request.body,
  ...(request.typeUrl ? { typeUrl: request.typeUrl } : {}),
  signal: request.signal,
});
