/**
 * Sends events. What is published to a topic while a request for it is under
 * way travels together in the next one, so the order of a topic is the order
 * of publishing. A send is repeated by the library under the sequence numbers
 * that let the brokers recognise it.
 */
import type { Message, Producer as LibraryProducer } from 'kafkajs';
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import { COMPRESSION, rootOf, typedError, type KafkaClient } from './client.ts';
import { createPartitioner } from './partitioner.ts';
import { sizeOf } from './record.ts';
import type { KafkaSettings } from './settings.ts';

/** Most events of one request: the library's grouping costs the square of it. */
const BATCH = 200;
/** Events that wait for one topic; a publish beyond it is refused. */
const QUEUE_LIMIT = 10_000;

interface Waiting {
  readonly message: Message;
  readonly size: number;
  readonly deadline: number;
  readonly settle: (error?: unknown) => void;
}

interface Topic {
  readonly name: string;
  queue: Waiting[];
  isSending: boolean;
}

export class Producer {
  readonly #options: ComponentOptions;
  readonly #settings: KafkaSettings;
  readonly #client: KafkaClient;
  readonly #topics = new Map<string, Topic>();
  readonly #sends = new Set<Promise<void>>();
  #library: Promise<LibraryProducer> | undefined;

  constructor(options: ComponentOptions, settings: KafkaSettings, client: KafkaClient) {
    this.#options = options;
    this.#settings = settings;
    this.#client = client;
  }

  /** Events that were given and not answered. */
  get pending(): number {
    let count = 0;
    for (const { queue } of this.#topics.values()) count += queue.length;
    return count;
  }

  /** Resolves when the cluster has answered. Errors: UNAVAILABLE, COMPONENT. */
  async connect(): Promise<void> {
    await this.#connected();
  }

  /**
   * Resolves when the cluster has stored the event, as `producerRequiredAcks` says.
   * Errors: INVALID_ARGUMENT for what it can never take, UNAVAILABLE when it may or
   * may not have it, OVERLOADED, CANCELLED.
   */
  async send(topic: string, message: Message, signal?: AbortSignal): Promise<void> {
    const { maxMessageBytes, writeTimeoutMs } = this.#settings;
    const size = sizeOf(message);
    if (size > maxMessageBytes)
      throw this.#error(
        'INVALID_ARGUMENT',
        `the event has ${size} bytes, more than "maxMessageBytes" (${maxMessageBytes})`,
      );
    const lane = this.#topic(topic);
    if (lane.queue.length >= QUEUE_LIMIT)
      throw this.#error('OVERLOADED', `${QUEUE_LIMIT} events wait for topic "${topic}"`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
    const waiting = { message, size, deadline: performance.now() + writeTimeoutMs, settle };
    const give = (code: 'UNAVAILABLE' | 'CANCELLED', why: string, cause?: unknown): void => {
      // What has not been sent never will be; what has been may be stored.
      lane.queue = lane.queue.filter((one) => one !== waiting);
      reject(this.#error(code, why, cause));
    };
    const late = setTimeout(
      () =>
        give(
          'UNAVAILABLE',
          `no answer to a publish within ${writeTimeoutMs} ms (writeTimeout); whether it is stored is unknown`,
        ),
      writeTimeoutMs,
    );
    const abort = (): void =>
      give(
        'CANCELLED',
        'the publish was cancelled; whether it is stored is unknown',
        signal?.reason,
      );
    signal?.addEventListener('abort', abort, { once: true });
    lane.queue.push(waiting);
    this.#pump(lane);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Waits for what was sent, at most `writeTimeout` long. Idempotent. */
  async close(): Promise<void> {
    for (const lane of this.#topics.values()) {
      for (const { settle } of lane.queue.splice(0))
        settle(this.#error('UNAVAILABLE', 'was closed before the event was sent'));
    }
    await Promise.all(this.#sends);
    const library = await this.#library?.catch(() => undefined);
    await library?.disconnect();
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (!topic) this.#topics.set(name, (topic = { name, queue: [], isSending: false }));
    return topic;
  }

  #pump(lane: Topic): void {
    if (lane.isSending || lane.queue.length === 0) return;
    lane.isSending = true;
    // What is published in the same turn of the event loop travels together.
    const sending = Promise.resolve()
      .then(() => this.#sendBatch(lane.name, take(lane, this.#settings.maxMessageBytes)))
      .then(() => {
        this.#sends.delete(sending);
        lane.isSending = false;
        this.#pump(lane);
      });
    this.#sends.add(sending);
  }

  /** Never rejects. */
  async #sendBatch(topic: string, batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    const messages = batch.map(({ message }) => message);
    const limit = Promise.withResolvers<never>();
    const late = setTimeout(
      () => limit.reject(new Error('no answer in time')),
      Math.max(1, batch.at(-1)!.deadline - performance.now()),
    );
    const library = this.#connected();
    try {
      const { acks, compression, readTimeoutMs } = this.#settings;
      const send = async (): Promise<void> => {
        const results = await (
          await library
        ).send({
          topic,
          messages,
          acks,
          timeout: readTimeoutMs,
          compression: COMPRESSION[compression],
        });
        if (acks === 0) return;
        // A leader that moved between two attempts can make the library leave a partition out.
        const stored = new Set(results.map(({ partition }) => partition));
        if (!messages.every(({ partition }) => stored.has(partition!)))
          throw new Error('the answer lacks a partition that was sent to');
      };
      const sending = send();
      sending.catch(() => {});
      await Promise.race([sending, limit.promise]);
      for (const { settle } of batch) settle();
    } catch (cause) {
      this.#renew(library);
      const error = this.#typed(topic, cause);
      for (const { settle } of batch) settle(error);
    } finally {
      clearTimeout(late);
    }
  }

  /**
   * After a send that failed the brokers may have it all the same. The library
   * would give its sequence numbers to the next events, which the brokers would
   * then take for the same and drop: so the producer ends, and its number with it.
   */
  #renew(failed: Promise<LibraryProducer>): void {
    if (this.#library === failed) this.#library = undefined;
    failed.then((library) => library.disconnect()).catch(() => {});
  }

  #connected(): Promise<LibraryProducer> {
    if (this.#library) return this.#library;
    const { acks, produceRetries, metadataAgeMs } = this.#settings;
    const library = this.#client.kafka.producer({
      createPartitioner,
      idempotent: acks === -1 && produceRetries > 0,
      maxInFlightRequests: 1,
      metadataMaxAge: metadataAgeMs,
    });
    const connected = library.connect().then(
      () => library,
      (cause: unknown) => {
        if (this.#library === connected) this.#library = undefined;
        library.disconnect().catch(() => {});
        throw typedError(this.#options, this.#settings, 'cannot connect', cause);
      },
    );
    connected.catch(() => {});
    return (this.#library = connected);
  }

  #typed(topic: string, cause: unknown): ComponentError {
    const root = rootOf(cause);
    if (root.name === 'RangeError') return this.#error('INVALID_ARGUMENT', root.message, cause);
    const what = `an event for topic "${topic}" may not be stored`;
    return typedError(this.#options, this.#settings, what, cause);
  }

  #error(
    code: 'INVALID_ARGUMENT' | 'UNAVAILABLE' | 'OVERLOADED' | 'CANCELLED',
    text: string,
    cause?: unknown,
  ): ComponentError {
    return new ComponentError(this.#options, text, { code, cause });
  }
}

/** The next request's events. One with a partition of its own goes alone, so that a wrong number fails nothing else. */
function take(lane: Topic, maxBytes: number): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { size, message } of lane.queue) {
    const isAlone = message.partition !== undefined;
    if (count > 0 && (isAlone || bytes + size > maxBytes || count === BATCH)) break;
    bytes += size;
    count++;
    if (isAlone) break;
  }
  return lane.queue.splice(0, count);
}
