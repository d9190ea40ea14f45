/**
 * Topics through daprd: publishing over its HTTP API, and subscriptions as
 * streams over gRPC, which need no port of this process and can be opened at any
 * time. Subscribers of one topic share a stream, because daprd would divide the
 * events between two. A stream that breaks is opened again until it is closed.
 */
import type { CloudEvent } from '../actor/actor.ts';
import type { PubSubApi, PublishRequest } from '../api/pubsub.ts';
import type { DeliveryStatus, Subscriptions } from '../api/subscriptions.ts';
import { toJson } from '../core/codec.ts';
import { TroupeError } from '../core/errors.ts';
import type { Clock, EngineLogger, Publisher } from '../core/ports.ts';
import { askDaprd, daprdError, type DaprdHttp } from '../stores/daprd.ts';
import type { DaprdGrpc } from '../stores/dapr-reminders.ts';
import type { OutgoingCall } from '../transport/grpc/client-call.ts';
import { jsonOfStruct, type PlainStruct } from '../transport/grpc/struct.ts';

const SERVICE = 'dapr.proto.runtime.v1.Dapr';
const METHOD = 'SubscribeTopicEventsAlpha1';
const STATUSES: readonly DeliveryStatus[] = ['SUCCESS', 'RETRY', 'DROP'];
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const encoder = new TextEncoder();

type Subscribe = Subscriptions['subscribe'];
type Handler = Parameters<Subscribe>[1];

interface TopicEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly specVersion: string;
  readonly dataContentType: string;
  readonly data: Uint8Array;
  readonly topic: string;
  readonly pubsubName: string;
  readonly extensions?: PlainStruct | null;
}

interface EventsAnswer {
  readonly initialResponse?: object | null;
  readonly eventMessage?: TopicEvent | null;
}

export interface DaprTopicsOptions {
  readonly http: DaprdHttp;
  readonly grpc: DaprdGrpc;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  /** Names of daprd's pub/sub components. */
  readonly pubsubs: () => ReadonlySet<string>;
}

export interface DaprTopics extends AsyncDisposable {
  readonly pubsub: Pick<PubSubApi, 'publish'>;
  readonly subscriptions: Pick<Subscriptions, 'subscribe'>;
  readonly publisher: Publisher;
  /** Ends all subscriptions once the deliveries that run have ended. */
  close(): Promise<void>;
}

function eventOf(message: TopicEvent): CloudEvent {
  const { dataContentType, data, extensions } = message;
  const isJson = /[/+]json\s*(?:;|$)/i.test(dataContentType);
  const isText = /^text\//i.test(dataContentType);
  const text = new TextDecoder().decode(data);
  const value: unknown = isJson ? JSON.parse(text) : isText ? text : new Uint8Array(data);
  const more = (extensions ? jsonOfStruct(extensions) : {}) as { [name: string]: unknown };
  return {
    ...more,
    id: message.id,
    source: message.source,
    type: message.type,
    specversion: message.specVersion,
    ...(dataContentType === '' ? {} : { datacontenttype: dataContentType }),
    topic: message.topic,
    pubsubname: message.pubsubName,
    data: value,
  } as CloudEvent;
}

export function createDaprTopics(options: DaprTopicsOptions): DaprTopics {
  const { http, grpc, clock, logger, pubsubs } = options;
  const open = new Map<string, Topic>();

  async function publish(request: PublishRequest): Promise<void> {
    const { pubsub, topic, data, contentType = 'application/json', metadata = {} } = request;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(metadata)) query.set(`metadata.${name}`, value);
    if (request.id !== undefined) query.set('metadata.cloudevent.id', request.id);
    const { traceparent, tracestate, signal } = request;
    const path = `/v1.0/publish/${[pubsub, topic].map(encodeURIComponent).join('/')}`;
    const answer = await askDaprd(http, {
      method: 'POST',
      path,
      query: query.toString(),
      headers: {
        'content-type': contentType,
        ...(traceparent === undefined ? {} : { traceparent }),
        ...(tracestate === undefined ? {} : { tracestate }),
      },
      body: data,
      signal,
    });
    if (answer.status !== 204) throw daprdError(answer, `an event of topic "${topic}"`);
  }

  const subscribe: Subscribe = async ({ pubsub = 'pubsub', topic, deadLetterTopic }, handler) => {
    const key = JSON.stringify([pubsub, topic, deadLetterTopic]);
    let one = open.get(key);
    if (!one) {
      one = new Topic({ grpc, clock, logger, pubsub, topic, deadLetterTopic });
      open.set(key, one);
    }
    const { handlers } = one;
    handlers.add(handler);
    const shared = one;
    const close = async (): Promise<void> => {
      handlers.delete(handler);
      if (handlers.size > 0 || open.get(key) !== shared) return;
      open.delete(key);
      await shared.close();
    };
    try {
      await one.start();
    } catch (error) {
      await close();
      throw error;
    }
    return { close, [Symbol.asyncDispose]: close };
  };

  const close = async (): Promise<void> => {
    await Promise.all([...open.values()].map((one) => one.close()));
    open.clear();
  };
  return {
    pubsub: { publish },
    subscriptions: { subscribe },
    publisher: {
      knows: (pubsub) => pubsubs().has(pubsub),
      publish: ({ id, pubsub, topic, data, metadata, headers }) =>
        publish({
          id,
          pubsub,
          topic,
          data: encoder.encode(toJson(data) ?? 'null'),
          contentType: 'application/json',
          metadata,
          traceparent: headers?.['traceparent'],
          tracestate: headers?.['tracestate'],
        }),
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface TopicOptions extends Pick<DaprTopicsOptions, 'grpc' | 'clock' | 'logger'> {
  readonly pubsub: string;
  readonly topic: string;
  readonly deadLetterTopic: string | undefined;
}

/** One subscription for all its handlers, over one stream after another. */
class Topic {
  readonly handlers = new Set<Handler>();
  readonly #options: TopicOptions;
  readonly #ending = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #call: OutgoingCall | undefined;
  #starting: Promise<void> | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: TopicOptions) {
    this.#options = options;
  }

  /** Resolves when daprd has the subscription. Errors: NOT_FOUND, UNAVAILABLE. */
  start(): Promise<void> {
    this.#starting ??= this.#open().then((messages) => {
      this.#reading = this.#readOn(messages);
    });
    return this.#starting;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
    this.#call?.cancel();
    await this.#reading;
  }

  async #open(): Promise<AsyncGenerator<Buffer>> {
    const { grpc, pubsub, topic, deadLetterTopic } = this.#options;
    const codec = grpc.protos.method<object, EventsAnswer>(SERVICE, METHOD);
    const metadata = grpc.apiToken === undefined ? {} : { 'dapr-api-token': grpc.apiToken };
    const call = grpc.client.call(`/${SERVICE}/${METHOD}`, { metadata });
    this.#call = call;
    const initialRequest = {
      pubsubName: pubsub,
      topic,
      ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    };
    await call.write(codec.request.encode({ initialRequest }));
    const messages = call.messages();
    const { value } = await messages.next();
    if (value && codec.response.decode(value).initialResponse) return messages;
    call.cancel();
    const { status } = await call.ended;
    const isUnknown = /not found/i.test(status.message);
    throw new TroupeError(
      isUnknown ? 'NOT_FOUND' : 'UNAVAILABLE',
      `daprd refused the subscription to "${topic}" of ${pubsub}: ${status.message}`,
    );
  }

  async #readOn(first: AsyncGenerator<Buffer>): Promise<void> {
    const { logger, topic } = this.#options;
    let messages: AsyncGenerator<Buffer> | undefined = first;
    let pause = FIRST_PAUSE_MS;
    while (!this.#ending.signal.aborted) {
      try {
        messages ??= await this.#open();
        pause = FIRST_PAUSE_MS;
        for await (const message of messages) this.#take(message);
      } catch (error) {
        logger.warn({ topic, err: error }, 'subscription broke off, it is made again');
      }
      messages = undefined;
      await this.#wait(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  #wait(ms: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#ending;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = clock.timer(clock.now() + ms, resolve, { background: true });
      const end = (): void => {
        timer.cancel();
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
    });
  }

  #take(message: Buffer): void {
    const codec = this.#options.grpc.protos.method<object, EventsAnswer>(SERVICE, METHOD);
    const { eventMessage } = codec.response.decode(message);
    const call = this.#call;
    if (!eventMessage || !call) return;
    const run = this.#handle(eventMessage).then(async (status) => {
      const eventProcessed = {
        id: eventMessage.id,
        status: { status: STATUSES.indexOf(status) },
      };
      await call.write(codec.request.encode({ eventProcessed }));
    });
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  /** It comes again when one of the handlers needs it again. */
  async #handle(message: TopicEvent): Promise<DeliveryStatus> {
    const { logger, topic } = this.#options;
    const outcomes = await Promise.all(
      [...this.handlers].map(async (handler) => {
        try {
          const event = eventOf(message);
          const { signal } = this.#ending;
          return await handler(event, { signal, traceparent: event.traceparent });
        } catch (error) {
          const fields = { topic, event: message.id, err: error };
          logger.warn(fields, 'event not handled, it comes again');
          return 'RETRY';
        }
      }),
    );
    if (outcomes.includes('RETRY')) return 'RETRY';
    return outcomes.includes('DROP') ? 'DROP' : 'SUCCESS';
  }
}
