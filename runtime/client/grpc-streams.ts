/** The streams of the client: topics, configuration and cryptography. */
import type { DaprCalls } from './grpc-call.ts';
import { keepOpen } from './grpc-open.ts';
import type {
  ConfigurationItems,
  SubscribeOptions,
  Subscription,
  TopicEvent,
  TopicHandler,
} from './types.ts';
import type { Limits } from './wire.ts';

const STATUSES = { success: 0, retry: 1, drop: 2 } as const;
const CHUNK_BYTES = 64 * 1024;

interface EventMessage {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly dataContentType: string;
  readonly data: Buffer;
  readonly topic: string;
  readonly pubsubName: string;
}

function dataOf({ data, dataContentType: type }: EventMessage): unknown {
  const media = type.split(';')[0]!.trim().toLowerCase();
  if (media.endsWith('json')) {
    try {
      return JSON.parse(data.toString());
    } catch {
      return data.toString();
    }
  }
  return media.startsWith('text/') || media.endsWith('xml')
    ? data.toString()
    : new Uint8Array(data);
}

function eventOf(message: EventMessage): TopicEvent {
  return {
    id: message.id,
    source: message.source,
    type: message.type,
    topic: message.topic,
    pubsubname: message.pubsubName,
    datacontenttype: message.dataContentType,
    data: dataOf(message),
  };
}

export function subscribe(
  calls: DaprCalls,
  pubsub: string,
  topic: string,
  handler: TopicHandler,
  options: SubscribeOptions,
): Promise<Subscription> {
  const method = 'SubscribeTopicEventsAlpha1';
  const codec = (): ReturnType<
    typeof calls.codec<
      object,
      { initialResponse?: object | null; eventMessage?: EventMessage | null }
    >
  > => calls.codec(method);

  async function statusOf(event: TopicEvent, signal: AbortSignal): Promise<number> {
    try {
      return STATUSES[(await handler(event, { signal })) ?? 'success'];
    } catch {
      return STATUSES.retry;
    }
  }

  return keepOpen({
    open: (signal) => calls.open(method, { signal }),
    begin(call) {
      const { metadata = {}, deadLetterTopic } = options;
      const initialRequest = {
        pubsubName: pubsub,
        topic,
        metadata,
        ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
      };
      void call.write(codec().request.encode({ initialRequest }));
    },
    receive(message, call, signal) {
      const { initialResponse, eventMessage } = codec().response.decode(message);
      if (eventMessage) {
        void statusOf(eventOf(eventMessage), signal).then((status) =>
          call.write(
            codec().request.encode({ eventProcessed: { id: eventMessage.id, status: { status } } }),
          ),
        );
      }
      return Boolean(initialResponse);
    },
    failureOf: (call) => calls.failureOf(call),
    signal: options.signal,
  });
}

export interface ItemsMessage {
  readonly items: Readonly<
    Record<string, { value: string; version: string; metadata: Readonly<Record<string, string>> }>
  >;
}

export function itemsOf({ items }: ItemsMessage): ConfigurationItems {
  return Object.fromEntries(
    Object.entries(items).map(([key, { value, version, metadata }]) => [
      key,
      { value, version, metadata: { ...metadata } },
    ]),
  );
}

export function watchConfiguration(
  calls: DaprCalls,
  store: string,
  keys: readonly string[],
  changed: (items: ConfigurationItems) => void,
  { metadata = {}, signal }: SubscribeOptions,
): Promise<Subscription> {
  const method = 'SubscribeConfiguration';
  const codec = (): ReturnType<typeof calls.codec<object, ItemsMessage & { id: string }>> =>
    calls.codec(method);
  return keepOpen({
    open: (own) => calls.open(method, { signal: own }),
    begin(call) {
      void call.write(codec().request.encode({ storeName: store, keys, metadata }));
      call.end();
    },
    receive(message) {
      const update = codec().response.decode(message);
      if (Object.keys(update.items).length > 0) changed(itemsOf(update));
      return true;
    },
    failureOf: (call) => calls.failureOf(call),
    signal,
  });
}

/** `EncryptAlpha1` and `DecryptAlpha1`: bytes through a stream in both directions. */
export async function throughCrypto(
  calls: DaprCalls,
  method: 'EncryptAlpha1' | 'DecryptAlpha1',
  options: object,
  bytes: Uint8Array,
  limits: Limits,
): Promise<Uint8Array> {
  const codec = calls.codec<object, { payload?: { data: Buffer } | null }>(method);
  const { signal, timeoutMs } = limits;
  const call = calls.open(method, { signal, timeoutMs });

  async function send(): Promise<void> {
    for (let at = 0, seq = 0; at < bytes.length || seq === 0; at += CHUNK_BYTES, seq++) {
      const data = bytes.subarray(at, at + CHUNK_BYTES);
      const message = { ...(seq === 0 ? { options } : {}), payload: { data, seq } };
      await call.write(codec.request.encode(message));
    }
    call.end();
  }

  const sending = send();
  const chunks: Buffer[] = [];
  for await (const message of call.messages()) {
    const { payload } = codec.response.decode(message);
    if (payload) chunks.push(payload.data);
  }
  await sending;
  const { status } = await call.ended;
  if (status.code !== 0) throw await calls.failureOf(call, limits);
  return Buffer.concat(chunks);
}
