/**
 * `kind: Subscription`: a topic delivered to paths of the app, declared beside
 * the app instead of by it. Both of Dapr's versions are read into one form.
 */
import { readNamed, type Named } from './named.ts';
import type { Reader } from './reader.ts';
import {
  anyText,
  cel,
  count,
  flag,
  list,
  nonEmpty,
  object,
  record,
  text,
  type Read,
} from './shape.ts';

/** Without `match` the rule takes every event. */
export interface RouteRule {
  /** CEL over `event`, the CloudEvent. */
  readonly match?: string;
  readonly path: string;
}

export interface BulkSubscribe {
  readonly enabled: boolean;
  /** Default 100. */
  readonly maxMessagesCount?: number;
  /** Default 1000. */
  readonly maxAwaitDurationMs?: number;
}

export interface SubscriptionSpec extends Named {
  readonly pubsubname: string;
  readonly topic: string;
  /** Tried in order; the default route is the last one, without `match`. */
  readonly rules: readonly RouteRule[];
  readonly deadLetterTopic?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly bulkSubscribe?: BulkSubscribe;
}

const common = {
  pubsubname: nonEmpty,
  topic: nonEmpty,
  metadata: record(anyText),
  deadLetterTopic: text,
  bulkSubscribe: object({ enabled: flag, maxMessagesCount: count, maxAwaitDurationMs: count }),
};
/** An empty one takes every event. */
const match: Read<string> = (reader, at) => (reader.text(at)?.trim() === '' ? '' : cel(reader, at));
const rule = object({ match, path: text });
const v2 = object({ ...common, routes: object({ rules: list(rule), default: text }) }, [
  'pubsubname',
  'topic',
]);
const rawV1 = object({ ...common, route: text }, ['pubsubname', 'topic']);

/** The first version has one route. */
const v1: typeof v2 = (reader, at) => {
  const read = rawV1(reader, at);
  return read && { ...read, routes: { default: read.route ?? '' } };
};

/** The spec, or undefined when something is wrong, which the reader was told. */
export function readSubscription(
  file: string,
  reader: Reader,
  version: string,
): SubscriptionSpec | undefined {
  const document = readNamed(file, reader, version === 'dapr.io/v1alpha1' ? v1 : v2);
  if (!document) return undefined;
  const { head, spec } = document;
  const { pubsubname, topic, metadata = {}, routes = {}, deadLetterTopic, bulkSubscribe } = spec;
  const rules = (routes.rules ?? []).map(({ match, path = '' }) => ({
    ...(match ? { match } : {}),
    path,
  }));
  return {
    ...head,
    pubsubname,
    topic,
    metadata,
    rules: routes.default ? [...rules, { path: routes.default }] : rules,
    ...(deadLetterTopic ? { deadLetterTopic } : {}),
    ...(bulkSubscribe ? { bulkSubscribe: { enabled: false, ...bulkSubscribe } } : {}),
  };
}
