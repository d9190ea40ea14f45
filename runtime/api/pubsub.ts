/**
 * Publishing: who may publish where, the envelope around what is published,
 * and the publisher that outboxes use. Receiving is subscriptions.ts.
 */
import { toJson } from '../core/codec.ts';
import type { Publisher } from '../core/ports.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { BrokerMessage, PubSub } from '../../components/pubsub/contract.ts';
import { countAndTime, EGRESS, EGRESS_BULK, timed } from './block-telemetry.ts';
import { toEventBytes } from './cloudevents.ts';
import { assertEntryIds, topicError } from './pubsub-errors.ts';
import { ApiError, reasonOf } from './api-error.ts';
import { createSender, type PublishWire } from './pubsub-send.ts';

type Metadata = Readonly<Record<string, string>>;

export interface PubSubEntry {
  readonly pubsub: PubSub;
  /** Goes before every topic in the broker, so that namespaces do not share topics. Absent: nothing. */
  readonly topicPrefix?: string | undefined;
  /** Which topics this app may use. Absent: all. */
  readonly topics?: {
    mayPublish(topic: string): boolean;
    maySubscribe(topic: string): boolean;
  };
}

export interface PubSubOptions {
  readonly appId: string;
  readonly pubsubs: ReadonlyMap<string, PubSubEntry>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Absent: a publish is tried once. */
  readonly resiliency?: Resiliency | undefined;
  /** Absent: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  readonly namespace?: string | undefined;
}

export interface PublishRequest {
  readonly pubsub: string;
  readonly topic: string;
  readonly data: Uint8Array;
  readonly contentType?: string | undefined;
  readonly metadata?: Metadata | undefined;
  /** Where a broker has partitions, the events of one key are in one, unless metadata say otherwise. */
  readonly key?: string | undefined;
  /** Id of the event. Default: a fresh UUID. */
  readonly id?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The API that it came through. Default `grpc`, as for what the runtime publishes itself. */
  readonly wire?: PublishWire | undefined;
  /** A broker in memory resolves only when its subscribers are done with the event. */
  readonly untilHandled?: boolean | undefined;
}

export interface BulkEntry {
  readonly entryId: string;
  readonly data: Uint8Array;
  readonly contentType: string;
  readonly metadata?: Metadata | undefined;
}

export interface BulkPublishRequest extends Omit<PublishRequest, 'data' | 'contentType' | 'id'> {
  readonly entries: readonly BulkEntry[];
}

export interface PubSubApi {
  readonly appId: string;
  publish(request: PublishRequest): Promise<void>;
  /** Resolves to the entries that failed, none when all went well. */
  bulkPublish(request: BulkPublishRequest): Promise<{ entryId: string; error: string }[]>;
  /** Publishes a message of a broker as it is to another topic of the same component. */
  forward(pubsub: string, topic: string, message: BrokerMessage): Promise<void>;
  /** True when the component is there; without a name, when any is. */
  has(pubsub?: string): boolean;
  /** The component. Throws ERR_PUBSUB_NOT_FOUND. */
  require(pubsub: string, metadata?: Metadata): PubSubEntry;
}

const BOOLEANS = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

/** Metadata `rawPayload`. Errors: ERR_PUBSUB_REQUEST_METADATA. */
export function isRaw(pubsub: string, metadata: Metadata): boolean {
  const text = metadata['rawPayload'];
  if (text === undefined || text === '') return false;
  const raw = BOOLEANS.get(text);
  if (raw !== undefined) return raw;
  const message = `failed deserializing metadata. Error: rawPayload value must be a valid boolean: actual is '${text}'`;
  throw new ApiError('PUBSUB_METADATA', message, {
    rich: { metadata, resource: { type: 'pubsub', name: pubsub, description: message } },
  });
}

/** Metadata of one entry of a bulk publish; an event id for all entries would make them one event. */
function entryMetadata(request: Metadata, entry: Metadata | undefined): Metadata {
  const shared = Object.entries(request).filter(([name]) => name.toLowerCase() !== 'cloudevent.id');
  return { ...Object.fromEntries(shared), ...entry };
}

export function createPubSubApi(options: PubSubOptions): PubSubApi {
  const { appId, pubsubs, now, telemetry, namespace = '' } = options;
  const sender = createSender(options.resiliency);

  function require(name: string, metadata: Metadata = {}): PubSubEntry {
    const entry = pubsubs.get(name);
    if (entry) return entry;
    if (name === '') {
      const message = 'pubsub name is empty';
      throw new ApiError('PUBSUB_NAME_EMPTY', message, {
        rich: { metadata, resource: { type: 'pubsub', name, description: message } },
      });
    }
    throw new ApiError('PUBSUB_NOT_FOUND', `pubsub ${name} is not found`, { rich: { metadata } });
  }

  function open(request: Omit<PublishRequest, 'data'>): PubSubEntry {
    const { pubsub, topic, metadata = {} } = request;
    const entry = require(pubsub, metadata);
    if (topic === '') {
      const message = `topic is empty in pubsub ${pubsub}`;
      throw new ApiError('PUBSUB_TOPIC_EMPTY', message, {
        rich: { metadata, resource: { type: 'pubsub', name: pubsub, description: message } },
      });
    }
    if (entry.topics && !entry.topics.mayPublish(topic)) {
      const message = `topic ${topic} is not allowed for app id ${appId}`;
      throw topicError('PUBSUB_FORBIDDEN', request, message, message);
    }
    return entry;
  }

  function messageFor(
    request: PublishRequest,
    { pubsub, topicPrefix = '' }: PubSubEntry,
  ): BrokerMessage {
    const { data, contentType, metadata = {} } = request;
    const topic = `${topicPrefix}${request.topic}`;
    const rest = {
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      ...(request.key === undefined ? {} : { key: request.key }),
    };
    if (isRaw(request.pubsub, metadata)) {
      const { traceparent, tracestate } = request;
      const beside = {
        ...metadata,
        ...(traceparent === undefined ? {} : { traceid: traceparent }),
        ...(tracestate === undefined ? {} : { tracestate }),
      };
      return { ...rest, topic, data, ...(contentType ? { contentType } : {}), metadata: beside };
    }
    const bytes = toEventBytes({
      id: request.id,
      source: appId,
      topic: request.topic,
      pubsubname: request.pubsub,
      contentType,
      data,
      metadata,
      traceparent: request.traceparent,
      tracestate: request.tracestate,
      now: now(),
      brokerHasTtl: pubsub.features.includes('MESSAGE_TTL'),
    });
    if (!bytes) {
      const message = 'cannot create cloudevent';
      throw new ApiError('PUBSUB_CLOUD_EVENT', message, {
        rich: {
          metadata: { appID: appId, error: 'the body is not a JSON object' },
          resource: { type: 'pubsub', name: request.pubsub, description: message },
        },
      });
    }
    return { topic, data: bytes, contentType: 'application/cloudevents+json', ...rest };
  }

  function publishError(request: { pubsub: string; topic: string }, cause: unknown): ApiError {
    const why = reasonOf(cause);
    const message = `error when publishing to topic ${request.topic} in pubsub ${request.pubsub}: ${why}`;
    return topicError('PUBSUB_PUBLISH', request, message, why, cause);
  }

  function egress(
    families: typeof EGRESS | typeof EGRESS_BULK,
    { pubsub, topic }: { pubsub: string; topic: string },
    success: boolean,
    elapsedMs: number,
  ): void {
    if (!telemetry) return;
    const labels = { component: pubsub, namespace, success: String(success), topic };
    countAndTime(telemetry, families, labels, elapsedMs);
  }

  return {
    appId,
    has: (name) => (name === undefined ? pubsubs.size > 0 : pubsubs.has(name)),
    require,

    async forward(name, topic, message) {
      const entry = open({ pubsub: name, topic });
      const renamed = { ...message, topic: `${entry.topicPrefix ?? ''}${topic}` };
      await sender.send(name, entry.pubsub, renamed, { wire: 'grpc' });
    },

    async publish(request) {
      const entry = open(request);
      const message = messageFor(request, entry);
      try {
        const { signal, untilHandled = false, wire = 'grpc' } = request;
        const options = { ...(signal ? { signal } : {}), untilHandled, wire };
        const send = (): Promise<void> =>
          sender.send(request.pubsub, entry.pubsub, message, options);
        await (telemetry
          ? timed(send, (success, ms) => egress(EGRESS, request, success, ms))
          : send());
      } catch (cause) {
        throw publishError(request, cause);
      }
    },

    async bulkPublish(request) {
      const entry = open(request);
      const { metadata = {}, entries, signal, wire = 'grpc' } = request;
      assertEntryIds(request, entries, appId);
      const messages = entries.map((one) =>
        messageFor(
          {
            ...request,
            id: undefined,
            data: one.data,
            contentType: one.contentType,
            metadata: entryMetadata(metadata, one.metadata),
          },
          entry,
        ),
      );
      const startedAt = performance.now();
      const errors = await sender.sendBulk(request.pubsub, entry.pubsub, messages, {
        signal,
        wire,
      });
      egress(EGRESS_BULK, request, errors.size === 0, performance.now() - startedAt);
      return [...errors].map(([index, error]) => ({
        entryId: entries[index]!.entryId,
        error: reasonOf(error),
      }));
    },
  };
}

const encoder = new TextEncoder();

/** Publishes what outboxes hold. The event keeps the given id at every repetition, so that receivers can drop copies. */
export function createPublisher(api: PubSubApi): Publisher {
  return {
    knows: (pubsub) => api.has(pubsub),
    publish({ id, pubsub, topic, data, key, metadata, headers }) {
      const bytes = data instanceof Uint8Array;
      return api.publish({
        id,
        pubsub,
        topic,
        untilHandled: true,
        key,
        data: bytes ? data : encoder.encode(toJson(data) ?? 'null'),
        contentType: bytes ? 'application/octet-stream' : 'application/json',
        ...(metadata ? { metadata } : {}),
        traceparent: headers?.['traceparent'],
        tracestate: headers?.['tracestate'],
      });
    },
  };
}
