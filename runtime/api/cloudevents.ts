/**
 * The CloudEvents 1.0 envelope: how published bytes become an event, and how
 * the bytes of a broker become one again, by Dapr's pub/sub reference. JSON payloads travel
 * as the text they came as, so that no number loses a digit on the way.
 */
import { randomUUID } from 'node:crypto';
import type { CloudEvent } from '../actor/actor.ts';
import { isObject, rfc3339 } from './route.ts';

type Metadata = Readonly<Record<string, string>>;

export const CLOUD_EVENT_TYPE = 'application/cloudevents+json';
const EVENT_TYPE = 'com.dapr.event.sent';
const SOURCE = 'Dapr';
const BINARY = new Set([
  'application/octet-stream',
  'application/protobuf',
  'application/x-protobuf',
  'application/cloudevents+protobuf',
]);

export interface Envelope {
  /** Default: a fresh UUID. Metadata `cloudevent.id` goes before it. */
  readonly id?: string | undefined;
  readonly source: string;
  readonly topic: string;
  readonly pubsubname: string;
  readonly contentType: string | undefined;
  readonly data: Uint8Array;
  readonly metadata: Metadata;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** True when the broker drops expired events itself. */
  readonly brokerHasTtl: boolean;
}

/** Content type without parameters, in lower case. */
export function mediaType(contentType: string | undefined): string {
  const text = contentType ?? '';
  const end = text.indexOf(';');
  return (end < 0 ? text : text.slice(0, end)).trim().toLowerCase();
}

export function isBinaryType(contentType: string | undefined): boolean {
  return BINARY.has(mediaType(contentType));
}

const decoder = new TextDecoder('utf-8');
const encoder = new TextEncoder();

function asJsonText(data: Uint8Array): string | undefined {
  const text = decoder.decode(data);
  try {
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

/** What an event says that no trace was begun for, as in Dapr. */
const NO_TRACE = '';

const GO_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Seconds of metadata `ttlInSeconds` or `ttl` (whole seconds or a Go duration); undefined when absent or unusable. */
function ttlOf(metadata: Metadata): number | undefined {
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^ttl(?:inseconds)?$/i.test(name) || value === '') continue;
    if (/^\d+$/.test(value)) return Number(value) > 0 ? Number(value) : undefined;
    if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(value)) return undefined;
    let seconds = 0;
    for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
      seconds += Number(amount) * GO_SECONDS[unit!]!;
    }
    return seconds;
  }
  return undefined;
}

function expirationOf({ metadata, now, brokerHasTtl }: Envelope): { expiration?: string } {
  const ttl = brokerHasTtl ? undefined : ttlOf(metadata);
  return ttl === undefined ? {} : { expiration: rfc3339(now + ttl * 1000) };
}

/** `cloudevent.*` metadata, names without regard to case. */
function overridesOf(metadata: Metadata): Metadata {
  const overrides: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    const lower = name.toLowerCase();
    if (lower.startsWith('cloudevent.') && value !== '') {
      overrides[lower.slice('cloudevent.'.length)] = value;
    }
  }
  return overrides;
}

function wrap(envelope: Envelope): string {
  const { metadata, data, contentType } = envelope;
  const set = overridesOf(metadata);
  const trace = set['traceparent'] ?? set['traceid'] ?? envelope.traceparent ?? NO_TRACE;
  const fields = {
    id: set['id'] ?? envelope.id ?? randomUUID(),
    source: set['source'] ?? (envelope.source || SOURCE),
    specversion: '1.0',
    type: set['type'] ?? EVENT_TYPE,
    datacontenttype: contentType || 'text/plain',
    topic: envelope.topic,
    pubsubname: envelope.pubsubname,
    time: rfc3339(envelope.now),
    traceid: trace,
    traceparent: trace,
    tracestate: set['tracestate'] ?? envelope.tracestate ?? '',
    ...(set['subject'] === undefined ? {} : { subject: set['subject'] }),
    ...expirationOf(envelope),
  };
  const head = JSON.stringify(fields).slice(0, -1);
  if (mediaType(contentType) === 'application/json') {
    return `${head},"data":${asJsonText(data) ?? JSON.stringify(decoder.decode(data))}}`;
  }
  if (isBinaryType(contentType)) {
    return `${head},"data_base64":"${Buffer.from(data).toString('base64')}"}`;
  }
  return `${head},"data":${JSON.stringify(decoder.decode(data))}}`;
}

/** Keeps a number that a double cannot hold as the text that it was. */
function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  const { rawJSON } = JSON as unknown as { rawJSON?: (text: string) => unknown };
  return String(value) === context.source || !rawJSON ? value : rawJSON(context.source);
}

const LONG_NUMBER = /\d{16}|\d[eE.]\d/;

function passThrough(envelope: Envelope): string | undefined {
  let event: unknown;
  try {
    const text = decoder.decode(envelope.data);
    event = LONG_NUMBER.test(text) ? JSON.parse(text, exact) : JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(event)) return undefined;
  const trace = envelope.traceparent ?? NO_TRACE;
  return JSON.stringify({
    ...event,
    ...('time' in event ? {} : { time: rfc3339(envelope.now) }),
    ...('traceid' in event ? {} : { traceid: trace, traceparent: event['traceparent'] ?? trace }),
    ...('tracestate' in event ? {} : { tracestate: envelope.tracestate ?? '' }),
    topic: envelope.topic,
    pubsubname: envelope.pubsubname,
    source: event['source'] ?? SOURCE,
    type: event['type'] ?? EVENT_TYPE,
    specversion: event['specversion'] ?? '1.0',
    ...expirationOf(envelope),
  });
}

/** The event's bytes; undefined when the body claims to be a CloudEvent and is not a JSON object. */
export function toEventBytes(envelope: Envelope): Uint8Array | undefined {
  const text =
    mediaType(envelope.contentType) === CLOUD_EVENT_TYPE ? passThrough(envelope) : wrap(envelope);
  return text === undefined ? undefined : encoder.encode(text);
}

export interface Received {
  readonly event: CloudEvent;
  /** What an app behind HTTP is sent. */
  readonly bytes: Uint8Array;
}

/** The event of a subscription without envelope: the bytes as they are, as `data_base64`. */
export function fromRaw(data: Uint8Array, topic: string, pubsubname: string): Received {
  const event = {
    id: randomUUID(),
    specversion: '1.0',
    datacontenttype: 'application/octet-stream',
    source: SOURCE,
    type: EVENT_TYPE,
    topic,
    pubsubname,
    data_base64: Buffer.from(data).toString('base64'),
  };
  return {
    event: { ...event, data: event.data_base64 },
    bytes: encoder.encode(JSON.stringify(event)),
  };
}

/**
 * The event that came out of a broker's bytes. Binary data stays base64 text,
 * in `data` as in `data_base64`. Throws when the bytes are no JSON object.
 */
export function fromEventBytes(bytes: Uint8Array, topic: string, pubsubname: string): Received {
  const parsed: unknown = JSON.parse(decoder.decode(bytes));
  if (!isObject(parsed)) throw new Error('the message is not a CloudEvent: no JSON object');
  const event = parsed as unknown as CloudEvent & { data_base64?: string };
  const known: CloudEvent = {
    ...event,
    topic: event.topic ?? topic,
    pubsubname: event.pubsubname ?? pubsubname,
    data: event.data_base64 === undefined ? event.data : event.data_base64,
  };
  return { event: known, bytes };
}

export function hasExpired(event: CloudEvent, now: number): boolean {
  const { expiration } = event as CloudEvent & { expiration?: unknown };
  if (typeof expiration !== 'string' || expiration === '') return false;
  const at = Date.parse(expiration);
  return !Number.isNaN(at) && at < now;
}
