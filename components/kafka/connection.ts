/**
 * All that a Kafka component of any kind is made of: one client, one producer
 * that is connected from the start, one consumer group once something is
 * subscribed to, and a way to ask the cluster about itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, KafkaMessage, Message } from 'kafkajs';
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions, ComponentUsage } from '../component.ts';
import { untilAborted } from '../until-aborted.ts';
import { createClient, typedError, type KafkaClient } from './client.ts';
import { Group } from './group.ts';
import { Positions } from './positions.ts';
import { Producer } from './producer.ts';
import type { Place } from './partition.ts';
import type { KafkaSettings } from './settings.ts';
import { Transactions } from './transactions.ts';

/** How long closing waits for a cluster that does not answer. */
const CLOSE_MS = 10_000;

/** What the events of the group are for. */
export interface Reader {
  /** Rejects when the event is to be given again. */
  deliver(place: Place, message: KafkaMessage, signal: AbortSignal): Promise<void>;
  /** How many events of a topic its subscriber takes together; 1: none. */
  together(topic: string): number;
  /** What handlers send is stored with the position behind their event, or not at all. */
  readonly transactional: boolean;
}

export class Connection {
  readonly group: Group;
  readonly #producer: Producer;
  readonly #transactions: Transactions | undefined;
  readonly #options: ComponentOptions;
  readonly #settings: KafkaSettings;
  readonly #client: KafkaClient;
  #admin: Promise<Admin> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    options: ComponentOptions,
    settings: KafkaSettings,
    { deliver, together, transactional }: Reader,
  ) {
    this.#options = options;
    this.#settings = settings;
    const client = createClient(options, settings);
    this.#client = client;
    this.#producer = new Producer(options, settings, client);
    const admin = (): Promise<Admin> => this.#asked();
    const positions = new Positions(settings, admin);
    const transactions = transactional
      ? new Transactions({ options, settings, client, admin })
      : undefined;
    this.#transactions = transactions;
    this.group = new Group({
      ...{ options, settings, client, positions, together },
      deliver: transactions
        ? (place, message, signal) =>
            transactions.run(place, message, () => deliver(place, message, signal))
        : deliver,
      writesPositions: !transactional,
      released: (place) => transactions?.release(place),
    });
  }

  /** @throws ComponentError UNAVAILABLE when no broker answers, COMPONENT when it refuses, CANCELLED when `signal` aborts. */
  static async open(
    options: ComponentOptions,
    settings: KafkaSettings,
    { signal, ...reader }: Reader & { readonly signal: AbortSignal },
  ): Promise<Connection> {
    const connection = new Connection(options, settings, reader);
    try {
      await untilAborted(connection.#producer.connect(), signal, () => {
        const code = 'CANCELLED';
        return new ComponentError(options, 'was not opened: cancelled', {
          code,
          cause: signal.reason,
        });
      });
      return connection;
    } catch (error) {
      connection.#client.destroy();
      void connection.close();
      throw error;
    }
  }

  /** Resolves when the cluster has it, in the transaction of the handler that calls if there is one. */
  send(topic: string, message: Message, signal?: AbortSignal): Promise<void> {
    return this.#transactions?.send(topic, message) ?? this.#producer.send(topic, message, signal);
  }

  /** @throws ComponentError once it was closed. */
  requireOpen(): void {
    if (this.#closing)
      throw new ComponentError(this.#options, 'is closed; create it again to use it');
  }

  async ping(signal: AbortSignal | undefined): Promise<void> {
    const { readTimeoutMs } = this.#settings;
    const limit = AbortSignal.any([
      AbortSignal.timeout(readTimeoutMs),
      ...(signal ? [signal] : []),
    ]);
    const asking = this.#asked()
      .then((admin) => admin.describeCluster())
      .catch((cause: unknown) => {
        this.#admin = undefined;
        throw typedError(this.#options, this.#settings, 'does not answer', cause);
      });
    await untilAborted(asking, limit, () => {
      const code = signal?.aborted ? 'CANCELLED' : 'UNAVAILABLE';
      return new ComponentError(this.#options, 'the brokers did not answer a ping in time', {
        code,
      });
    });
  }

  /** Events that wait to be sent, and those that were read and are not done. */
  usage(): ComponentUsage {
    const inFlight = this.#producer.pending + this.group.pending;
    return { connections: this.#client.connections(), inFlight };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const leaving = (async () => {
      await this.group.close();
      await this.#transactions?.close();
      await this.#producer.close();
      const admin = await this.#admin?.catch(() => undefined);
      await admin?.disconnect().catch(() => {});
    })();
    const late = new AbortController();
    const { signal } = late;
    await Promise.race([leaving, sleep(CLOSE_MS, undefined, { signal }).catch(() => {})]);
    late.abort();
    leaving.catch(() => {});
    this.#client.destroy();
  }

  #asked(): Promise<Admin> {
    if (this.#admin) return this.#admin;
    const admin = this.#client.kafka.admin();
    const connected = admin.connect().then(
      () => admin,
      (cause: unknown) => {
        if (this.#admin === connected) this.#admin = undefined;
        throw cause;
      },
    );
    return (this.#admin = connected);
  }
}
