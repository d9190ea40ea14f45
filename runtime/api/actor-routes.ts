/** HTTP rows of the actor block, by Dapr's actors API reference. */
import { isTroupeError, type ActorAddress } from '../core/errors.ts';
import type { EntryOperation, ReminderSpec, TimerSpec } from '../core/ports.ts';
import { IDEMPOTENCY_HEADER, onceOf, type ActorsApi } from './actors.ts';
import { ApiError } from './api-error.ts';
import { reminderFacts } from './actor-reminder.ts';
import type { ApiErrorName } from './error-map.ts';
import { policyOf } from './job-routes.ts';
import {
  empty,
  headerOf,
  isObject,
  json,
  jsonOf,
  malformed,
  rfc3339,
  textOf,
  textsOf,
  traceOf,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from './route.ts';

const EMPTY_REPLY: HttpResponse = Object.freeze({ status: 200, body: '' });
export const TIMEOUT_HEADER = 'troupe-timeout-ms';
const LONGEST_TIMEOUT_MS = 24 * 3_600_000;

function addressOf({ params }: HttpRequest): ActorAddress {
  return { type: params[0]!, id: params[1]! };
}

function deadlineOf(text: string | undefined, now: () => number): number | undefined {
  if (text === undefined) return undefined;
  const ms = Number(text);
  if (!/^\d+$/.test(text) || ms === 0 || ms > LONGEST_TIMEOUT_MS) {
    throw new ApiError(
      'BAD_REQUEST',
      `invalid request: header ${TIMEOUT_HEADER} must be whole milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`,
    );
  }
  return now() + ms;
}

function explain(code: string, { params }: HttpRequest): string | undefined {
  switch (code) {
    case 'NOT_FOUND':
      return `did not find address for actor '${params[0]}||${params[1]}'`;
    case 'METHOD_NOT_FOUND':
      return 'error invoke actor method: actor method not found';
    case 'STACK_DEPTH':
      return 'maximum stack depth exceeded';
    case 'COMPONENT':
    case 'INTERNAL':
      return 'error invoke actor method';
    default:
      return undefined;
  }
}

/** What an app answered in place of 200 is told in daprd's words, which are all there is to tell. */
async function callAsDapr(
  api: ActorsApi,
  request: Parameters<ActorsApi['call']>[0],
): ReturnType<ActorsApi['call']> {
  try {
    return await api.call(request);
  } catch (cause) {
    if (!isTroupeError(cause) || cause.code !== 'COMPONENT' || !isObject(cause.details))
      throw cause;
    const { status, rpc } = cause.details;
    if (status === undefined && rpc === undefined) throw cause;
    const text = `error invoke actor method: ${cause.message}`;
    const far = `error invoke actor method: rpc error: code = ${String(rpc)} desc = ${text}`;
    throw new ApiError('ACTOR_INVOKE_METHOD', rpc === undefined ? text : far, { cause });
  }
}

async function call(
  api: ActorsApi,
  now: () => number,
  request: HttpRequest,
): Promise<HttpResponse> {
  const { params, headers } = request;
  const {
    data,
    binary,
    headers: answered,
  } = await callAsDapr(api, {
    type: params[0]!,
    id: params[1]!,
    method: params[2]!,
    payload: request.body,
    deadline: deadlineOf(headerOf(headers, TIMEOUT_HEADER), now),
    chainId: headerOf(headers, 'dapr-reentrancy-id'),
    once: onceOf(headerOf(headers, IDEMPOTENCY_HEADER)),
    headers: traceOf(headers),
    wire: request,
    signal: request.signal,
  });
  if (answered) {
    const { 'content-type': type, ...others } = answered;
    return {
      status: 200,
      body: data,
      headers: others,
      ...(typeof type === 'string' ? { contentType: type } : {}),
    };
  }
  if (data.length === 0) return EMPTY_REPLY;
  return binary
    ? { status: 200, body: data, contentType: 'application/octet-stream' }
    : { status: 200, body: data };
}

async function getState(api: ActorsApi, request: HttpRequest): Promise<HttpResponse> {
  const entry = await api.getState(addressOf(request), request.params[2]!);
  if (!entry) return empty();
  return {
    status: 200,
    body: entry.json,
    ...(entry.expiresAt === undefined
      ? {}
      : { headers: { 'metadata.ttlExpireTime': rfc3339(entry.expiresAt) } }),
  };
}

function ttlSecondsOf(metadata: Record<string, string> | undefined): number | undefined {
  const text = metadata?.['ttlInSeconds'];
  if (text === undefined || text === '-1') return undefined;
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds > 0) return seconds;
  throw malformed('request.metadata.ttlInSeconds must be a whole number above zero, or -1');
}

function operationOf(value: unknown, index: number): EntryOperation {
  const what = `[${index}]`;
  if (!isObject(value) || !isObject(value['request'])) {
    throw malformed(`${what} must be an object with "operation" and "request"`);
  }
  const { operation, request } = value as { operation: unknown; request: Record<string, unknown> };
  const name = textOf(request['key'], `${what}.request.key`);
  if (!name) throw malformed(`${what}.request.key is missing`);
  if (request['etag'] !== undefined) {
    throw malformed(
      `${what}.request.etag: actor state has no etags here, its turn is the condition`,
    );
  }
  if (operation === 'delete') return { kind: 'delete', name };
  if (operation !== 'upsert') {
    throw malformed(`${what}.operation must be "upsert" or "delete"`);
  }
  const ttlSeconds = ttlSecondsOf(textsOf(request['metadata'], `${what}.request.metadata`));
  return {
    kind: 'upsert',
    name,
    json: JSON.stringify(request['value'] ?? null),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
}

async function changeState(api: ActorsApi, request: HttpRequest): Promise<HttpResponse> {
  const body = jsonOf(request.body);
  if (!Array.isArray(body)) throw malformed('the body must be an array of operations');
  await api.changeState(addressOf(request), body.map(operationOf));
  return empty();
}

function scheduleOf(request: HttpRequest): Record<string, unknown> & TimerSpec {
  const body = jsonOf(request.body);
  if (!isObject(body)) throw malformed('the body must be an object');
  const due = textOf(body['dueTime'], 'dueTime');
  const period = textOf(body['period'], 'period');
  const ttl = textOf(body['ttl'], 'ttl');
  return {
    body,
    ...(due ? { due } : {}),
    ...(period ? { period } : {}),
    ...(ttl ? { ttl } : {}),
    ...(body['data'] === undefined ? {} : { data: body['data'] }),
  };
}

async function setTimer(api: ActorsApi, request: HttpRequest): Promise<HttpResponse> {
  const { body, ...spec } = scheduleOf(request);
  const method = textOf((body as Record<string, unknown>)['callback'], 'callback');
  await api.setTimer(addressOf(request), request.params[2]!, {
    ...spec,
    ...(method ? { method } : {}),
  });
  return empty();
}

async function setReminder(api: ActorsApi, request: HttpRequest): Promise<HttpResponse> {
  const { body, ...spec } = scheduleOf(request);
  const { overwrite, failure_policy: given } = body as Record<string, unknown>;
  if (overwrite !== undefined && typeof overwrite !== 'boolean') {
    throw malformed('overwrite must be true or false');
  }
  const failurePolicy = given === null ? undefined : policyOf(given);
  await api.setReminder(addressOf(request), request.params[2]!, {
    ...(spec as ReminderSpec),
    ...(overwrite === undefined ? {} : { overwrite }),
    ...(failurePolicy === undefined ? {} : { failurePolicy }),
  });
  return empty();
}

async function getReminder(api: ActorsApi, request: HttpRequest): Promise<HttpResponse> {
  const actor = addressOf(request);
  return json(reminderFacts(actor, await api.getReminder(actor, request.params[2]!)));
}

export function actorRoutes(api: ActorsApi, now: () => number): HttpRoute[] {
  const base = 'v1.0/actors/{type}/{id}';
  const write = ['POST', 'PUT'];
  const row = (
    methods: readonly string[],
    path: string,
    failure: ApiErrorName,
    handle: HttpRoute['handle'],
  ): HttpRoute => ({ methods, pattern: `${base}/${path}`, failure, handle });
  return [
    {
      ...row(['PUT', 'POST', 'GET', 'DELETE'], 'method/{method}', 'ACTOR_INVOKE_METHOD', (r) =>
        call(api, now, r),
      ),
      explain,
    },
    row(write, 'state', 'ACTOR_STATE_TRANSACTION', (r) => changeState(api, r)),
    row(['GET'], 'state/{key}', 'ACTOR_STATE_GET', (r) => getState(api, r)),
    row(write, 'timers/{name}', 'ACTOR_TIMER_CREATE', (r) => setTimer(api, r)),
    row(['DELETE'], 'timers/{name}', 'ACTOR_INVOKE_METHOD', async (r) => {
      await api.deleteTimer(addressOf(r), r.params[2]!);
      return empty();
    }),
    row(write, 'reminders/{name}', 'ACTOR_REMINDER_CREATE', (r) => setReminder(api, r)),
    row(['GET'], 'reminders/{name}', 'ACTOR_REMINDER_GET', (r) => getReminder(api, r)),
    row(['DELETE'], 'reminders/{name}', 'ACTOR_REMINDER_DELETE', async (r) => {
      await api.deleteReminder(addressOf(r), r.params[2]!);
      return empty();
    }),
  ];
}
