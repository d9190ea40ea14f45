/**
 * Consume, process, produce: what a handler publishes through its component is
 * stored together with the position behind its event, or not at all. Each
 * partition has a transactional producer of its own, by a name that is the same
 * in every process: whoever gets the partition next ends, with its first step,
 * what an owner before it had begun.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Admin, KafkaMessage, Message, Producer, Transaction } from 'kafkajs';
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import { COMPRESSION, typedError, type KafkaClient } from './client.ts';
import type { Place } from './partition.ts';
import { createPartitioner } from './partitioner.ts';
import type { KafkaSettings } from './settings.ts';

export interface TransactionsParts {
  readonly options: ComponentOptions;
  readonly settings: KafkaSettings;
  readonly client: KafkaClient;
  readonly admin: () => Promise<Admin>;
}

interface Open {
  readonly transaction: Transaction;
  readonly sends: Promise<unknown>[];
  isOver: boolean;
}

export class Transactions {
  readonly #parts: TransactionsParts;
  readonly #current = new AsyncLocalStorage<Open>();
  /** By tenure of a partition; the object is another when the partition comes again. */
  readonly #producers = new Map<Place, Producer>();

  constructor(parts: TransactionsParts) {
    this.#parts = parts;
  }

  /**
   * Sends within the transaction of the handler that calls; undefined when there
   * is none. Resolves when the brokers have it; it is seen once the event is done.
   */
  send(topic: string, message: Message): Promise<void> | undefined {
    const open = this.#current.getStore();
    if (!open || open.isOver) return undefined;
    const { options, settings } = this.#parts;
    const compression = COMPRESSION[settings.compression];
    const sending = open.transaction.send({ topic, messages: [message], compression }).then(
      () => {},
      (cause: unknown) => {
        throw typedError(options, settings, `cannot publish to topic "${topic}"`, cause);
      },
    );
    sending.catch(() => {});
    open.sends.push(sending);
    return sending;
  }

  /** Runs the handler of an event. Rejects when nothing of it is stored, and it is to be handled again. */
  async run(place: Place, { offset }: KafkaMessage, handle: () => Promise<void>): Promise<void> {
    const { options, settings } = this.#parts;
    const next = String(BigInt(offset) + 1n);
    const isFresh = !this.#producers.has(place);
    let open: Open | undefined;
    try {
      const transaction = await (await this.#producer(place)).transaction();
      open = { transaction, sends: [], isOver: false };
      // An owner before this one, or a commit whose answer was lost, may have done it.
      if (isFresh && (await this.#isDone(place, offset))) {
        await transaction.abort();
        return;
      }
      await this.#current.run(open, handle);
      open.isOver = true;
      await Promise.all(open.sends);
      const { topic, partition } = place;
      await transaction.sendOffsets({
        consumerGroupId: settings.group,
        topics: [{ topic, partitions: [{ partition, offset: next }] }],
      });
      await transaction.commit();
    } catch (cause) {
      await this.#fail(place, open);
      const isLibrary = cause instanceof Error && cause.name.startsWith('KafkaJS');
      if (!isLibrary) throw cause;
      throw typedError(options, settings, 'the transaction of an event failed', cause);
    }
  }

  /** The partition belongs to another tenure. */
  release(place: Place): void {
    const producer = this.#producers.get(place);
    this.#producers.delete(place);
    producer?.disconnect().catch(() => {});
  }

  /** Once no handler runs any more. */
  async close(): Promise<void> {
    const producers = [...this.#producers.values()];
    this.#producers.clear();
    await Promise.allSettled(producers.map((producer) => producer.disconnect()));
  }

  /** A transaction that cannot be ended in order is ended by the next producer of its name. */
  async #fail(place: Place, open: Open | undefined): Promise<void> {
    if (open) {
      open.isOver = true;
      await Promise.allSettled(open.sends);
      try {
        if (open.transaction.isActive()) return await open.transaction.abort();
      } catch {
        // The producer goes, whatever became of it.
      }
    }
    this.release(place);
  }

  async #producer(place: Place): Promise<Producer> {
    const found = this.#producers.get(place);
    if (found) return found;
    const { client, settings } = this.#parts;
    const producer = client.kafka.producer({
      createPartitioner,
      transactionalId: `troupe-${settings.group}-${place.topic}-${place.partition}`,
      idempotent: true,
      maxInFlightRequests: 1,
      metadataMaxAge: settings.metadataAgeMs,
    });
    this.#producers.set(place, producer);
    await producer.connect();
    return producer;
  }

  async #isDone({ topic, partition }: Place, offset: string): Promise<boolean> {
    const { options, settings, admin } = this.#parts;
    const asked = await admin();
    const [found] = await asked.fetchOffsets({ groupId: settings.group, topics: [topic] });
    const position = found?.partitions.find((one) => one.partition === partition)?.offset;
    if (position === undefined)
      throw new ComponentError(options, `the group does not say its position in "${topic}"`);
    return BigInt(position) > BigInt(offset);
  }
}
