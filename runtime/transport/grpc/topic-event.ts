/** An event of a topic as the messages that apps get over gRPC, and what their answers mean. */
import type {
  BulkDelivery,
  BulkEntryDelivery,
  BulkResult,
  Delivery,
  DeliveryStatus,
} from '../../api/subscriptions.ts';

type CloudEvent = Delivery['event'];

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

/** Attributes that have a field of their own in the message, or are none of the app's business. */
const FIELDS = new Set([
  'id',
  'source',
  'type',
  'specversion',
  'datacontenttype',
  'data',
  'data_base64',
  'topic',
  'pubsubname',
]);

/** By the number of TopicEventResponseStatus. */
const STATUSES: readonly DeliveryStatus[] = ['SUCCESS', 'RETRY', 'DROP'];

export function statusOf(number: number): DeliveryStatus {
  return STATUSES[number] ?? 'RETRY';
}

/** A JSON value as google.protobuf.Value. */
export function structValue(value: unknown): object {
  if (value === null || value === undefined) return { nullValue: 0 };
  switch (typeof value) {
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return { numberValue: value };
    case 'string':
      return { stringValue: value };
    default:
      return Array.isArray(value)
        ? { listValue: { values: value.map(structValue) } }
        : { structValue: struct(value as Record<string, unknown>) };
  }
}

export function struct(value: Readonly<Record<string, unknown>>): object {
  return {
    fields: Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, structValue(member)]),
    ),
  };
}

function dataOf(event: CloudEvent): Uint8Array {
  const { data } = event;
  const { data_base64: base64 } = event as { data_base64?: unknown };
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  if (data instanceof Uint8Array) return data;
  if (data === undefined) return NO_BYTES;
  const type = event.datacontenttype ?? 'application/json';
  if (/[/+]json\s*(?:;|$)/i.test(type)) return encoder.encode(JSON.stringify(data));
  // Data that is neither text nor JSON by its type does not reach an app over gRPC, as in daprd.
  if (!/^(?:text\/|application\/xml\s*(?:;|$))/i.test(type)) return NO_BYTES;
  return encoder.encode(typeof data === 'string' ? data : JSON.stringify(data));
}

function cloudEvent(event: CloudEvent): Record<string, unknown> {
  const extensions = Object.entries(event).filter(([name]) => !FIELDS.has(name));
  return {
    id: event.id,
    source: event.source,
    type: event.type,
    specVersion: event.specversion,
    dataContentType: event.datacontenttype ?? '',
    data: dataOf(event),
    extensions: struct(Object.fromEntries(extensions)),
  };
}

/** TopicEventRequest. */
export function topicEvent({
  event,
  path,
  topic = event.topic,
}: Pick<Delivery, 'event' | 'path' | 'topic'>): object {
  return {
    ...cloudEvent(event),
    topic,
    pubsubName: event.pubsubname,
    path,
  };
}

function bulkEntry({ entryId, contentType, metadata, raw, message, event }: BulkEntryDelivery) {
  return {
    entryId,
    contentType,
    metadata,
    ...(raw ? { bytes: message.data } : { cloudEvent: cloudEvent(event) }),
  };
}

/** TopicEventBulkRequest. */
export function bulkEvent(delivery: BulkDelivery): object {
  return {
    id: delivery.id,
    entries: delivery.entries.map(bulkEntry),
    metadata: delivery.metadata,
    topic: delivery.topic,
    pubsubName: delivery.pubsub,
    type: 'com.dapr.event.sent.bulk',
    path: delivery.path,
  };
}

export function bulkResult(
  statuses: readonly { readonly entryId: string; readonly status: number }[],
): BulkResult {
  return { statuses: new Map(statuses.map(({ entryId, status }) => [entryId, statusOf(status)])) };
}
