/**
 * One membership of the consumer group, for a fixed set of topics, from joining
 * until it is left or lost. The library fetches and keeps the membership alive;
 * handlers run beside it, so that a long one neither delays the heartbeat nor
 * holds up other partitions, and positions are written by hand.
 *
 * Whenever the group is joined anew all partitions are given up first: nothing
 * of them is started any more, what runs may end, and only then does another
 * member get them. What ends later is not written down.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { ComponentOptions } from '../component.ts';
import { createAssigner } from './assigners.ts';
import { rootOf, type KafkaClient } from './client.ts';
import { Commits, type SendOffsets } from './commits.ts';
import { Partition, type Place } from './partition.ts';
import type { Positions } from './positions.ts';
import type { KafkaSettings } from './settings.ts';

/** How long handlers may run on when their partitions are given up. */
const GRACE_MS = 5_000;
/** How long a broker may hold a request for events: the delay of a partition that is read again after a pause. */
const FETCH_WAIT_MS = 100;

export interface SessionParts {
  readonly options: ComponentOptions;
  readonly settings: KafkaSettings;
  readonly client: KafkaClient;
  readonly positions: Positions;
  /** Rejects when the event is to be given again. */
  deliver(place: Place, message: KafkaMessage, signal: AbortSignal): Promise<void>;
  /** How many events of a topic its subscriber takes together; 1: none. */
  together(topic: string): number;
  /** False: positions are written with what the handler did. */
  readonly writesPositions: boolean;
  /** Nothing of the partition is handled any more; if it comes again its place is another object. */
  released(place: Place): void;
  /** The membership ended by itself. */
  lost(session: Session, cause: unknown): void;
}

/** What one generation of the group gave to this member. */
interface Tenure {
  readonly partitions: Map<string, Partition>;
  readonly commits: Commits;
  /** Resolves when the first positions are known to the group. */
  readonly opened: PromiseWithResolvers<void>;
}

export class Session {
  readonly topics: readonly string[];
  readonly #parts: SessionParts;
  readonly #consumer: Consumer;
  readonly #ready = Promise.withResolvers<void>();
  #tenure: Tenure;
  #number = 0;
  #commit: SendOffsets | undefined;
  /** By broker, the tenure in which the fetch that runs was begun. */
  readonly #fetches = new Map<string, { readonly number: number; readonly at: number }>();
  /** Handlers of partitions that were given up, by place. */
  readonly #old = new Map<string, Promise<unknown>>();
  #isEnding = false;

  #memberId: string | undefined;

  private constructor(parts: SessionParts, topics: readonly string[], former: string | undefined) {
    this.#parts = parts;
    this.topics = topics;
    const { settings, client } = parts;
    this.#tenure = this.#newTenure();
    this.#consumer = client.kafka.consumer({
      groupId: settings.group,
      partitionAssigners: [createAssigner(settings.strategy, () => this.#giveUp(), former)],
      metadataMaxAge: settings.metadataAgeMs,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: settings.heartbeatMs,
      maxBytesPerPartition: settings.fetchBytes,
      minBytes: settings.fetchMinBytes,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      // What the library gives up for good is begun anew here, with a fresh connection.
      retry: { retries: 5, restartOnFailure: async () => false },
    });
    this.#listen();
  }

  /**
   * Resolves when the topics are read from. Rejects with the library's error.
   * @param former the member of a session that was lost.
   */
  static async start(
    parts: SessionParts,
    topics: readonly string[],
    former: string | undefined,
  ): Promise<Session> {
    const session = new Session(parts, topics, former);
    try {
      await session.#start();
      return session;
    } catch (error) {
      session.#isEnding = true;
      session.#consumer.disconnect().catch(() => {});
      throw error;
    }
  }

  /** Undefined until the group was joined. */
  get memberId(): string | undefined {
    return this.#memberId;
  }

  /** Events that were read and are not done. */
  get pending(): number {
    let count = 0;
    for (const partition of this.#tenure.partitions.values()) count += partition.pending;
    return count;
  }

  /** Lets running handlers end, writes their positions and leaves the group. Never rejects. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#giveUp();
    await Promise.all(this.#old.values());
    await this.#consumer.disconnect().catch(() => {});
  }

  /** Ends the handlers of a membership that is over already. */
  async drop(): Promise<void> {
    this.#isEnding = true;
    await this.#giveUp();
    await Promise.all(this.#old.values());
  }

  async #start(): Promise<void> {
    const { settings, positions } = this.#parts;
    const consumer = this.#consumer;
    await consumer.connect();
    await consumer.subscribe({
      topics: [...this.topics],
      fromBeginning: settings.fromBeginning,
    });
    await positions.note(this.topics);
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: async (batch) => this.#take(batch),
    });
    await this.#ready.promise;
  }

  #listen(): void {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      this.#memberId = payload.memberId;
      void this.#open(payload.memberAssignment);
    });
    this.#consumer.on(events.FETCH_START, ({ payload: { nodeId } }) => {
      this.#fetches.set(String(nodeId), { number: this.#number, at: performance.now() });
    });
    this.#consumer.on(events.FETCH, () => {
      const { opened } = this.#tenure;
      if (this.#number > 0) void opened.promise.then(() => this.#ready.resolve());
    });
    this.#consumer.on(events.CRASH, ({ payload: { error } }) => {
      this.#ready.reject(error);
      // Whoever starts the session hears it by the rejection.
      this.#ready.promise.catch(() => {});
      if (!this.#isEnding) this.#parts.lost(this, error);
    });
  }

  #newTenure(): Tenure {
    const tenure: Tenure = {
      partitions: new Map(),
      commits: new Commits(this.#parts.options, async (offsets) => this.#commit?.(offsets)),
      opened: Promise.withResolvers<void>(),
    };
    return tenure;
  }

  /** The group has given this member partitions. Handlers wait until the group knows where they begin. */
  async #open(assignment: Readonly<Record<string, number[]>>): Promise<void> {
    const { options, positions } = this.#parts;
    this.#number++;
    const { opened } = this.#tenure;
    try {
      await positions.keep(assignment, (offsets) => this.#consumer.commitOffsets(offsets));
    } catch (error) {
      // They are written with the first event that is done.
      const fields = { component: options.name, error: rootOf(error).message };
      options.logger.warn(fields, 'first positions of the group could not be written');
    }
    opened.resolve();
  }

  /** Resolves when no handler runs any more and all is written, or the grace is over. Never rejects. */
  async #giveUp(): Promise<void> {
    const { partitions, commits } = this.#tenure;
    const stopping = Array.from(partitions, ([name, partition]) => {
      const over = partition.stop();
      this.#old.set(name, over);
      void over.then(() => {
        this.#parts.released(partition.place);
        if (this.#old.get(name) === over) this.#old.delete(name);
      });
      return over;
    });
    const grace = Math.min(GRACE_MS, this.#parts.settings.sessionTimeoutMs / 2);
    const late = new AbortController();
    await Promise.race([
      Promise.all(stopping).then(() => commits.settled()),
      sleep(grace, undefined, { signal: late.signal, ref: false }).catch(() => {}),
    ]);
    late.abort();
    commits.end();
    for (const partition of partitions.values()) partition.abort();
    this.#tenure = this.#newTenure();
  }

  #take({ batch, resolveOffset, commitOffsetsIfNecessary, pause }: EachBatchPayload): void {
    if (this.#isEnding || this.#isStale()) return;
    this.#commit = (offsets) => commitOffsetsIfNecessary(offsets);
    const last = batch.lastOffset();
    const partition = this.#partition(batch.topic, batch.partition);
    // One answer is read ahead of the handlers: a pause costs the time of a fetch.
    const wasFull = partition.isFull;
    partition.push(batch.messages, String(BigInt(last) + 1n));
    resolveOffset(last);
    if (wasFull) partition.onRoom(pause());
  }

  /**
   * Answers that were asked for before the group was joined anew begin where
   * the last tenure had come to, not where this one begins: they are asked for again.
   */
  #isStale(): boolean {
    const oldest = performance.now() - this.#parts.settings.readTimeoutMs - 2 * FETCH_WAIT_MS;
    return [...this.#fetches.values()].some(
      ({ number, at }) => number < this.#number && at > oldest,
    );
  }

  #partition(topic: string, partition: number): Partition {
    const { options, settings, deliver, together, writesPositions } = this.#parts;
    const { partitions, commits, opened } = this.#tenure;
    const name = `${topic}/${partition}`;
    let found = partitions.get(name);
    if (found) return found;
    const place = { topic, partition };
    found = new Partition(place, {
      options,
      settings,
      deliver: (message, signal) => deliver(place, message, signal),
      done: (next) => (writesPositions ? commits.add(place, next) : undefined),
      together: () => together(topic),
      before: Promise.all([opened.promise, this.#old.get(name)]),
    });
    partitions.set(name, found);
    return found;
  }
}
