/** daprd's calls to this process over HTTP: the paths of an app that hosts actors. */
import type { HttpRequest, HttpResponse, HttpRoute } from '../api/route.ts';
import { toWireError } from '../core/errors.ts';
import { ERROR_HEADER } from '../placement/daprd.ts';
import { MAX_STACK_DEPTH, type DaprCallbacks, type DaprFiring } from './dapr-callbacks.ts';

const OK: HttpResponse = Object.freeze({ status: 200, body: '' });
const NOT_FOUND: HttpResponse = Object.freeze({ status: 404, body: '' });

const json = (status: number, value: unknown): HttpResponse => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify(value),
});

/** What `GET /dapr/config` answers. */
function configOf({ entities }: DaprCallbacks): object {
  return {
    entities: entities.map(({ type }) => type),
    drainRebalancedActors: true,
    entitiesConfig: entities.map(({ type, idleMs, reentrancyDepth }) => ({
      entities: [type],
      actorIdleTimeout: `${idleMs}ms`,
      drainRebalancedActors: true,
      reentrancy: { enabled: reentrancyDepth > 0, maxStackDepth: MAX_STACK_DEPTH },
    })),
  };
}

async function invoke(
  callbacks: DaprCallbacks,
  [type, id, method]: [string, string, string],
  { headers, body, signal }: HttpRequest,
): Promise<HttpResponse> {
  const reply = await callbacks.invoke({ type, id, method, headers, body, signal });
  return {
    status: reply.kind === 'failure' ? 500 : 200,
    body: reply.body,
    ...(reply.contentType === undefined ? {} : { contentType: reply.contentType }),
    ...(reply.kind === 'error' ? { headers: { [ERROR_HEADER]: 'true' } } : {}),
  };
}

async function fire(
  run: (firing: DaprFiring) => Promise<void>,
  [type, id, name]: [string, string, string],
  { headers, body, signal }: HttpRequest,
): Promise<HttpResponse> {
  const text = new TextDecoder().decode(body);
  const { data, callback } = (text === '' ? {} : JSON.parse(text)) as {
    data?: unknown;
    callback?: string;
  };
  try {
    await run({ type, id, name, data, callback: callback ?? '', headers, signal });
    return OK;
  } catch (error) {
    const { code: errorCode, message } = toWireError(error);
    return json(500, { errorCode, message });
  }
}

async function answer(callbacks: DaprCallbacks, request: HttpRequest): Promise<HttpResponse> {
  const { method: verb, path } = request;
  const parts = path.slice(1).split('/').map(decodeURIComponent);
  const [what = '', type = '', id = '', kind, method = '', name = ''] = parts;
  if (verb === 'GET') {
    if (path === '/healthz') return OK;
    if (path === '/dapr/subscribe') return json(200, []);
    if (path !== '/dapr/config') return NOT_FOUND;
    await callbacks.begin();
    return json(200, configOf(callbacks));
  }
  if (what !== 'actors') return NOT_FOUND;
  if (verb === 'DELETE' && parts.length === 3) {
    await callbacks.deactivate({ type, id });
    return OK;
  }
  if (verb !== 'PUT' || kind !== 'method') return NOT_FOUND;
  if (parts.length === 5) return invoke(callbacks, [type, id, method], request);
  if (parts.length !== 6) return NOT_FOUND;
  if (method === 'remind') return fire(callbacks.remind, [type, id, name], request);
  if (method === 'timer') return fire(callbacks.fireTimer, [type, id, name], request);
  return NOT_FOUND;
}

/** Takes every request: `+` in a path is no space here, as it is in the API's own routes. */
export function daprAppRoute(callbacks: DaprCallbacks): HttpRoute {
  return { methods: ['*'], pattern: '*', handle: (request) => answer(callbacks, request) };
}
