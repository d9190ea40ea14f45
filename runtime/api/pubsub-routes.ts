/** HTTP rows of the pub/sub block, by Dapr's pub/sub API reference. */
import { isBinaryType, mediaType } from './cloudevents.ts';
import type { BulkEntry, PubSubApi } from './pubsub.ts';
import { bulkError } from './pubsub-errors.ts';
import {
  empty,
  headerOf,
  isObject,
  membersOf,
  metadataOf,
  textsOf,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from './route.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const ENTRY = ['entryId', 'event', 'contentType', 'metadata'];
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

async function publish(api: PubSubApi, request: HttpRequest): Promise<HttpResponse> {
  const { params, headers, query, body } = request;
  await api.publish({
    pubsub: params[0]!,
    topic: params[1]!,
    data: body,
    contentType: headerOf(headers, 'content-type'),
    metadata: metadataOf(query),
    traceparent: headerOf(headers, 'traceparent'),
    tracestate: headerOf(headers, 'tracestate'),
    signal: request.signal,
    wire: 'http',
  });
  return empty();
}

/** The bytes of one entry's event; undefined when the event does not fit its content type. */
function eventBytes(event: unknown, contentType: string): Uint8Array | undefined {
  const media = mediaType(contentType);
  if (isBinaryType(contentType)) {
    return typeof event === 'string' && BASE64.test(event)
      ? Buffer.from(event, 'base64')
      : undefined;
  }
  if (media.startsWith('text/') || media === 'application/xml') {
    return typeof event === 'string' ? encoder.encode(event) : undefined;
  }
  if (media === 'application/json' || media === 'application/cloudevents+json') {
    return encoder.encode(JSON.stringify(event ?? null));
  }
  return undefined;
}

/** A text that ends too soon in daprd's words. */
function syntaxText(cause: unknown): string {
  const { message } = cause as Error;
  return /^(?:Unterminated|Unexpected end)/.test(message) ? 'unexpected EOF' : message;
}

/** What a JSON value that is no list of objects is called, by its first member where it is a list. */
function kindOf(value: unknown): string {
  const [one] = Array.isArray(value) ? value.filter((item) => !isObject(item)) : [value];
  if (Array.isArray(one)) return 'array';
  const type = typeof one;
  return type === 'boolean' ? 'bool' : type;
}

function bulkEntries(
  body: Uint8Array,
  api: PubSubApi,
  names: readonly [string, string],
): BulkEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(body));
  } catch (cause) {
    throw bulkError('PUBSUB_UNMARSHAL_EVENTS', api, names, syntaxText(cause));
  }
  if (!Array.isArray(parsed) || !parsed.every(isObject)) {
    const why = `json: cannot unmarshal ${kindOf(parsed)} into Go value of type []http.bulkPublishMessageEntry`;
    throw bulkError('PUBSUB_UNMARSHAL_EVENTS', api, names, why);
  }
  return parsed.map((entry, index) => {
    const { entryId = '', event, contentType = '', metadata } = membersOf(entry, ENTRY);
    if (typeof entryId !== 'string') {
      const why = `[${index}].entryId must be a string`;
      throw bulkError('PUBSUB_UNMARSHAL_EVENTS', api, names, why);
    }
    const data = typeof contentType === 'string' ? eventBytes(event, contentType) : undefined;
    if (!data) {
      const why = 'error: mismatch between contentType and event';
      throw bulkError('PUBSUB_MARSHAL_ENVELOPE', api, names, why);
    }
    return {
      entryId,
      data,
      contentType: contentType as string,
      metadata: textsOf(metadata, `[${index}].metadata`),
    };
  });
}

async function bulkPublish(api: PubSubApi, request: HttpRequest): Promise<HttpResponse> {
  const { headers, query, body, signal } = request;
  const [pubsub, topic] = request.params as [string, string];
  const metadata = metadataOf(query);
  api.require(pubsub, metadata);
  const failed = await api.bulkPublish({
    pubsub,
    topic,
    entries: bulkEntries(body, api, [pubsub, topic]),
    metadata,
    traceparent: headerOf(headers, 'traceparent'),
    tracestate: headerOf(headers, 'tracestate'),
    signal,
    wire: 'http',
  });
  if (failed.length === 0) return empty();
  const answer = { failedEntries: failed, errorCode: 'ERR_PUBSUB_PUBLISH_MESSAGE' };
  return { status: 500, body: JSON.stringify(answer) };
}

export function pubsubRoutes(api: PubSubApi): HttpRoute[] {
  const methods = ['POST', 'PUT'];
  return [
    ...['v1.0', 'v1.0-alpha1'].map((version) => ({
      methods,
      pattern: `${version}/publish/bulk/{pubsub}/*`,
      handle: (r: HttpRequest) => bulkPublish(api, r),
    })),
    { methods, pattern: 'v1.0/publish/{pubsub}/*', handle: (r) => publish(api, r) },
  ];
}
