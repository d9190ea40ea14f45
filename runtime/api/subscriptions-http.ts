/** Events on their way to an app behind HTTP, and what its answers mean. */
import { bytesOfAnswer } from '../core/bytes.ts';
import { CLOUD_EVENT_TYPE } from './cloudevents.ts';
import type { AppChannel, AppResponse } from './invoke.ts';
import { isObject } from './route.ts';
import { NO_TRACE } from './trace-context.ts';
import type {
  BulkDelivery,
  BulkResult,
  Delivery,
  DeliveryResult,
  DeliveryStatus,
  EventTarget,
} from './subscriptions.ts';

const decoder = new TextDecoder();
/** What may be a header: metadata of a broker that may not is left out. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** These are set by the delivery itself. */
const OWN = new Set(['content-type', 'content-length', 'transfer-encoding', 'connection', 'host']);

export const bodyOf = async (answer: AppResponse): Promise<string> =>
  decoder.decode(await bytesOfAnswer(answer));

export function createHttpEvents(app: AppChannel): EventTarget {
  return {
    async deliver(delivery) {
      const answer = await post(
        app,
        delivery,
        CLOUD_EVENT_TYPE,
        delivery.bytes,
        headersOf(delivery),
      );
      return deliveryResult(answer.status, await bodyOf(answer));
    },
    async deliverBulk(delivery) {
      const body = JSON.stringify(bulkBody(delivery));
      const bytes = new TextEncoder().encode(body);
      const answer = await post(app, delivery, 'application/json', bytes, delivery.metadata);
      return bulkResult(delivery, answer.status, await bodyOf(answer));
    },
  };
}

function post(
  app: AppChannel,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
  contentType: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<AppResponse> {
  return app.invoke({
    method: 'POST',
    path: `/${path.replace(/^\/+/, '')}`,
    query: '',
    headers: { ...headers, 'content-type': contentType },
    body,
    signal,
  });
}

function headersOf({
  event,
  message,
  traceparent = event.traceparent,
}: Delivery): Record<string, string> {
  const headers: Record<string, string> = { pubsubname: event.pubsubname };
  for (const [name, value] of Object.entries(message.metadata ?? {})) {
    const lower = name.toLowerCase();
    if (!OWN.has(lower) && NAME.test(name) && VALUE.test(value)) headers[lower] = value;
  }
  // A raw event has no such member, and the app is told of none.
  if (traceparent !== undefined) headers['traceparent'] = traceparent || NO_TRACE;
  const { tracestate } = event as { tracestate?: unknown };
  if (typeof tracestate === 'string' && tracestate !== '') headers['tracestate'] = tracestate;
  return headers;
}

/** What the app's answer to a delivery means; a 2xx without a readable status is a success. */
function deliveryResult(code: number, body: string): DeliveryResult {
  if (code === 404) return { status: 'DROP', code };
  if (code < 200 || code > 299) {
    return { status: 'RETRY', code, why: `the app answered ${code}` };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { status: 'SUCCESS' };
  }
  const named = isObject(parsed) ? parsed['status'] : undefined;
  if (named === undefined || named === '' || typeof named !== 'string')
    return { status: 'SUCCESS' };
  if (named === 'SUCCESS' || named === 'DROP') return { status: named };
  return { status: 'RETRY', why: `the app answered with status ${named}` };
}

function bulkBody({ id, pubsub, topic, entries, metadata }: BulkDelivery): object {
  return {
    id,
    pubsubname: pubsub,
    topic,
    type: 'com.dapr.event.sent.bulk',
    metadata,
    entries: entries.map((entry) => ({
      entryId: entry.entryId,
      event: entry.raw
        ? Buffer.from(entry.message.data).toString('base64')
        : (JSON.parse(decoder.decode(entry.bytes)) as unknown),
      contentType: entry.contentType,
      // Go writes a map that was never made as null.
      metadata: Object.keys(entry.metadata).length > 0 ? entry.metadata : null,
    })),
  };
}

/** A 2xx has a status for each entry; one that is missing, empty or unknown is tried again. */
function bulkResult({ entries }: BulkDelivery, code: number, body: string): BulkResult {
  const statuses = new Map<string, DeliveryStatus>();
  if (code === 404) {
    for (const { entryId } of entries) statuses.set(entryId, 'DROP');
    return { statuses, code };
  }
  if (code < 200 || code > 299) return { statuses, code, why: `the app answered ${code}` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { statuses, why: "the app's answer to a bulk delivery is not JSON" };
  }
  const listed: unknown = isObject(parsed) ? parsed['statuses'] : undefined;
  for (const one of Array.isArray(listed) ? (listed as unknown[]) : []) {
    if (!isObject(one) || typeof one['entryId'] !== 'string') continue;
    const { status } = one;
    statuses.set(one['entryId'], status === 'SUCCESS' || status === 'DROP' ? status : 'RETRY');
  }
  return { statuses };
}
