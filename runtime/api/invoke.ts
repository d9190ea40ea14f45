/**
 * Service invocation: which app and method a request means, and delivery to
 * this app, either to handlers in the process or to its HTTP port. Bodies are
 * streams both ways. Other apps, HTTP endpoints and URLs are refused: this
 * host knows no way to them.
 */
import { ApiError } from './api-error.ts';
import type { AppEvents } from './app-port.ts';
import { headerOf, type HeaderValues, type HttpResponse, type HttpRoute } from './route.ts';

export interface AppRequest {
  readonly method: string;
  /** Percent-encoded, with a leading slash. */
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderValues;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AppResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: AsyncIterable<Uint8Array>;
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
  readonly body?: AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
}

export interface InvokeApi {
  invoke(request: InvokeRequest): Promise<AppResponse>;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const NOT_FORWARDED = new Set([
  'host',
  'dapr-app-id',
  'dapr-api-token',
  'dapr-caller-app-id',
  'dapr-caller-namespace',
  'dapr-callee-app-id',
]);

type Values = Record<string, string | readonly string[]>;

function endToEnd(headers: HeaderValues): Values {
  const named =
    headerOf(headers, 'connection')
      ?.toLowerCase()
      .split(/\s*,\s*/) ?? [];
  const kept: Values = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || named.includes(name)) continue;
    if (name.endsWith('-bin')) continue;
    kept[name] = value;
  }
  return kept;
}

function requestHeaders(headers: HeaderValues, { appId, namespace }: InvokeOptions): Values {
  const kept = endToEnd(headers);
  for (const name of NOT_FORWARDED) delete kept[name];
  kept['dapr-caller-app-id'] = appId;
  kept['dapr-callee-app-id'] = appId;
  if (namespace) kept['dapr-caller-namespace'] = namespace;
  return kept;
}

function responseHeaders(headers: HeaderValues): Values {
  const kept = endToEnd(headers);
  delete kept['content-length'];
  return kept;
}

// oxlint-disable-next-line no-control-regex -- Control characters are what the method is checked for.
const FORBIDDEN = /[#?\x00-\x1f\x7f]/;

/** The method path without steps to elsewhere. Errors: ERR_BAD_REQUEST. */
function cleanMethod(path: string): string {
  if (FORBIDDEN.test(path)) {
    throw new ApiError(
      'BAD_REQUEST',
      `invalid request: invalid method ${JSON.stringify(path)}: it must not hold # ? or control characters`,
    );
  }
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps.join('/');
}

function failure(target: string, why: string, cause?: unknown): ApiError {
  const text = `failed to invoke, id: ${target}, err: ${why}`;
  return new ApiError('DIRECT_INVOKE', text, { cause });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

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
      ...(bodiless || !request.body
        ? {}
        : { body: ReadableStream.from(request.body), duplex: 'half' }),
    } as RequestInit),
  );
  const answer: Values = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) answer['set-cookie'] = cookies;
  return {
    status: response.status,
    headers: responseHeaders(answer),
    body: (response.body as AsyncIterable<Uint8Array> | null) ?? nothing(),
  };
}

export function createInvokeApi(options: InvokeOptions): InvokeApi {
  const { appId, app, invocations = {} } = options;
  const handlers = new Map(
    Object.entries(invocations).map(([path, handler]) => [cleanMethod(path), handler]),
  );
  return {
    async invoke(request) {
      const { target } = request;
      if (target !== appId) {
        throw failure(
          target,
          `couldn't find service: ${target}; this host reaches only its own app "${appId}"`,
        );
      }
      const path = cleanMethod(request.path);
      const headers = requestHeaders(request.headers, options);
      const handler = handlers.get(path);
      if (handler) return callHandler(handler, { ...request, path }, headers);
      if (!app) {
        if (handlers.size === 0) throw failure(target, 'app channel is not initialized');
        throw new ApiError('DIRECT_INVOKE_METHOD', `method "${path}" is not found`);
      }
      try {
        const answer = await app.invoke({
          method: request.method,
          path: `/${encodeURI(path)}`,
          query: request.query,
          headers,
          body: request.body,
          signal: request.signal,
        });
        return { ...answer, headers: responseHeaders(answer.headers) };
      } catch (cause) {
        throw failure(target, cause instanceof Error ? cause.message : String(cause), cause);
      }
    },
  };
}

interface Target {
  readonly target: string;
  readonly path: string;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new ApiError('BAD_REQUEST', 'invalid request: the path has a broken percent escape');
  }
}

/** The app and method that a request names: header, basic auth, or `/v1.0/invoke/<app>/method/<path>`. */
export function targetOf(path: string, headers: HeaderValues): Target | undefined {
  const named = headerOf(headers, 'dapr-app-id');
  if (named) return { target: named, path: decodePath(path).slice(1) };
  const authorization = headerOf(headers, 'authorization');
  if (authorization?.startsWith('Basic ')) {
    const pair = Buffer.from(authorization.slice('Basic '.length), 'base64').toString().split(':');
    if (pair.length === 2 && pair[0]!.toLowerCase() === 'dapr-app-id') {
      return { target: pair[1]!, path: decodePath(path).slice(1) };
    }
  }
  const prefix = '/v1.0/invoke/';
  if (!path.startsWith(prefix)) return undefined;
  const rest = decodePath(path.slice(prefix.length));
  const end = rest.indexOf('/method/');
  if (end > 0) return { target: rest.slice(0, end), path: rest.slice(end + '/method/'.length) };
  if (rest.endsWith('/method')) return { target: rest.slice(0, -'/method'.length), path: '' };
  return undefined;
}

/** The row for everything that no other row takes. */
export function invokeRoute(api: InvokeApi): HttpRoute {
  return {
    methods: ['*'],
    pattern: '*',
    streaming: true,
    failure: 'DIRECT_INVOKE',
    async handle(request): Promise<HttpResponse> {
      const { method, path, query, headers, stream, signal } = request;
      const found = targetOf(path, headers);
      if (!found || found.target === '') {
        throw new ApiError(
          'DIRECT_INVOKE_NO_APP_ID',
          'failed getting app id either from the URL path or the header dapr-app-id',
        );
      }
      const answer = await api.invoke({ ...found, method, query, headers, body: stream, signal });
      return { status: answer.status, headers: answer.headers, stream: answer.body };
    },
  };
}
