/** What an app says it subscribes to: the JSON answer to `GET /dapr/subscribe`. */
import { TroupeError } from '../core/errors.ts';
import { isObject } from './route.ts';
import type { RouteRule } from './subscriptions-routes.ts';
import type { SubscribeRequest } from './subscriptions.ts';

/** A subscription of the app, whoever declared it. */
export interface AppSubscription extends SubscribeRequest {
  readonly pubsub: string;
  readonly rules: readonly RouteRule[];
}

function refuse(why: string): never {
  throw new TroupeError('INVALID_ARGUMENT', `the app's answer to GET /dapr/subscribe: ${why}`);
}

function text(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : refuse(`${what} must be a string`);
}

function rulesOf({ route, routes }: Record<string, unknown>, what: string): RouteRule[] {
  const single = text(route, `${what}.route`);
  if (routes === undefined || routes === null) {
    return single === undefined ? [] : [{ path: single }];
  }
  if (!isObject(routes)) return refuse(`${what}.routes must be an object`);
  const rules = routes['rules'] ?? [];
  if (!Array.isArray(rules)) return refuse(`${what}.routes.rules must be an array`);
  const read = rules.map((rule: unknown, index): RouteRule => {
    const where = `${what}.routes.rules[${index}]`;
    if (!isObject(rule)) return refuse(`${where} must be an object`);
    const match = text(rule['match'], `${where}.match`)?.trim() || undefined;
    const path = text(rule['path'], `${where}.path`) ?? '';
    return match === undefined ? { path } : { match, path };
  });
  const last = text(routes['default'], `${what}.routes.default`) ?? single;
  return last === undefined ? read : [...read, { path: last }];
}

function bulkOf(bulk: unknown, what: string): Pick<SubscribeRequest, 'bulk'> {
  if (bulk === undefined || bulk === null) return {};
  if (!isObject(bulk)) return refuse(`${what} must be an object`);
  if (bulk['enabled'] !== true) return {};
  const count = (name: string): number | undefined => {
    const value = bulk[name] ?? undefined;
    if (value === undefined || (Number.isInteger(value) && Number(value) >= 0))
      return value as number | undefined;
    return refuse(`${what}.${name} must be a whole number`);
  };
  return {
    bulk: {
      maxMessagesCount: count('maxMessagesCount'),
      maxAwaitDurationMs: count('maxAwaitDurationMs'),
    },
  };
}

/** Throws INVALID_ARGUMENT naming what is wrong. An entry without any route is left out, as Dapr does. */
export function parseAppSubscriptions(body: string): AppSubscription[] {
  let parsed: unknown;
  try {
    parsed = body.trim() === '' ? [] : JSON.parse(body);
  } catch (cause) {
    return refuse(`not JSON: ${(cause as Error).message}`);
  }
  if (parsed === null) return [];
  if (!Array.isArray(parsed)) return refuse('must be an array');
  return parsed.flatMap((entry: unknown, index) => {
    const what = `[${index}]`;
    if (!isObject(entry)) return refuse(`${what} must be an object`);
    const metadata = entry['metadata'] ?? {};
    if (!isObject(metadata)) return refuse(`${what}.metadata must be an object`);
    const rules = rulesOf(entry, what);
    const subscription: AppSubscription = {
      pubsub: text(entry['pubsubname'], `${what}.pubsubname`) ?? refuse(`${what} lacks pubsubname`),
      topic: text(entry['topic'], `${what}.topic`) ?? refuse(`${what} lacks topic`),
      rules,
      deadLetterTopic: text(entry['deadLetterTopic'], `${what}.deadLetterTopic`),
      metadata: Object.fromEntries(
        Object.entries(metadata).map(([name, value]) => [name, String(value)]),
      ),
      ...bulkOf(entry['bulkSubscribe'], `${what}.bulkSubscribe`),
      type: 'PROGRAMMATIC',
    };
    return rules.length === 0 ? [] : [subscription];
  });
}
