/** gRPC methods that publish; subscriptions by stream are subscribe.ts. */
import type { PubSubApi } from '../../../api/pubsub.ts';
import type { Call } from '../call.ts';
import { EMPTY, unary, type MethodRow } from '../registry.ts';
import { traceOf } from '../trace.ts';

type Texts = Readonly<Record<string, string>>;

interface PublishMessage {
  readonly pubsubName: string;
  readonly topic: string;
  readonly data: Buffer;
  readonly dataContentType: string;
  readonly metadata: Texts;
}

interface BulkMessage {
  readonly pubsubName: string;
  readonly topic: string;
  readonly entries: readonly {
    readonly entryId: string;
    readonly event: Buffer;
    readonly contentType: string;
    readonly metadata: Texts;
  }[];
  readonly metadata: Texts;
}

async function bulkPublish(api: PubSubApi, request: BulkMessage, call: Call): Promise<object> {
  const { pubsubName: pubsub, topic, entries, metadata } = request;
  api.require(pubsub, metadata);
  const failed = await api.bulkPublish({
    pubsub,
    topic,
    metadata,
    entries: entries.map(({ entryId, event, contentType, metadata: own }) => ({
      entryId,
      data: new Uint8Array(event),
      contentType,
      metadata: own,
    })),
    ...traceOf(call),
    signal: call.signal,
  });
  return { failedEntries: failed };
}

export function pubsubMethods(api: PubSubApi): MethodRow[] {
  const bulk = (name: string): MethodRow =>
    unary<BulkMessage, object>(name, (request, call) => bulkPublish(api, request, call), {
      failure: 'PUBSUB_PUBLISH',
    });
  return [
    unary<PublishMessage, object>(
      'PublishEvent',
      async (request, call) => {
        await api.publish({
          pubsub: request.pubsubName,
          topic: request.topic,
          data: new Uint8Array(request.data),
          contentType: request.dataContentType || undefined,
          metadata: request.metadata,
          ...traceOf(call),
          signal: call.signal,
        });
        return EMPTY;
      },
      { failure: 'PUBSUB_PUBLISH' },
    ),
    bulk('BulkPublishEvent'),
    bulk('BulkPublishEventAlpha1'),
  ];
}
