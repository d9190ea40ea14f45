/** The HTTP row of service invocation: which app and method a request means, and the answer as a stream. */
import { ApiError } from './api-error.ts';
import type { InvokeApi } from './invoke.ts';
import { headerOf, type HeaderValues, type HttpResponse, type HttpRoute } from './route.ts';

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
  // Cleaning the path has taken one slash of a URL's two.
  const address = (text: string): string => text.replace(/^(https?):\/(?=[^/])/i, '$1://');
  if (end > 0)
    return { target: address(rest.slice(0, end)), path: rest.slice(end + '/method/'.length) };
  if (rest.endsWith('/method')) {
    return { target: address(rest.slice(0, -'/method'.length)), path: '' };
  }
  return undefined;
}

/** Whether an answer is followed by a body at all, which a length could announce. */
const hasBody = (method: string, { status }: { readonly status: number }): boolean =>
  method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;

/** The row for everything that no other row takes. */
export function invokeRoute(api: InvokeApi): HttpRoute {
  return {
    methods: ['*'],
    pattern: '*',
    streaming: true,
    failure: 'DIRECT_INVOKE',
    async handle(request): Promise<HttpResponse> {
      const { method, path, query, headers, signal } = request;
      const body = request.body.byteLength > 0 ? request.body : request.stream;
      const found = targetOf(path, headers);
      if (!found || found.target === '') {
        throw new ApiError(
          'DIRECT_INVOKE_NO_APP_ID',
          'failed getting app id either from the URL path or the header dapr-app-id',
        );
      }
      const answer = await api.invoke({ ...found, method, query, headers, body, signal });
      const isEvents = headerOf(headers, 'accept') === 'text/event-stream';
      const isUntyped = answer.status >= 400 && answer.headers['content-type'] === undefined;
      const known = {
        status: answer.status,
        headers: {
          ...answer.headers,
          ...(isEvents ? { 'cache-control': 'no-cache' } : {}),
          // As daprd, where an app names no type of its error.
          ...(isUntyped ? { 'content-type': 'application/json' } : {}),
        },
      };
      const contentType = headerOf(known.headers, 'content-type');
      if (contentType !== undefined && hasBody(method, answer)) {
        const body = answer.whole?.();
        if (body) return { ...known, contentType, body };
      }
      return { ...known, stream: answer.body, trailers: answer.trailers };
    },
  };
}
