/**
 * One topic as one consumer of its group: reads ahead, hands events to the
 * subscriptions, acknowledges what they are done with, and takes over what any
 * consumer of the group has had in handling for too long.
 * Waiting for a lost server is real time, like every socket; the other delays
 * go by the component's clock.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ComponentOptions } from '../../../component.ts';
import type { Connection } from '../../../redis/connection.ts';
import type { MessageHandler, Subscription } from '../../contract.ts';
import { FanOut } from '../../fan-out.ts';
import type { Entry } from './entry.ts';
import { Group, replyOf } from './group.ts';
import type { StreamSettings } from './settings.ts';

/** How long a closing stream leaves its handlers alone before their signal aborts. */
const CLOSE_GRACE_MS = 5_000;
const LONGEST_BLOCK_MS = 1_000;
/** Failed events that are told from lost ones; the oldest are forgotten. */
const REMEMBERED = 10_000;

export interface StreamParts {
  readonly options: ComponentOptions;
  readonly settings: StreamSettings;
  readonly connection: Connection;
  /** A connection of its own, since reading blocks it. */
  openReader(): Promise<Connection>;
}

export class Stream {
  readonly #parts: StreamParts;
  readonly #topic: string;
  readonly #reader: Connection;
  readonly #group: Group;
  readonly #fanOut = new FanOut();
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  /** Read and not started yet. */
  #queue: Entry[] = [];
  /** Entries that are queued or in handling, by id. */
  readonly #held = new Set<string>();
  /** Failed; they come again with the next look for them. */
  readonly #failed = new Set<string>();
  /** Handled, but the acknowledgement has not been answered. */
  readonly #unacknowledged = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #room = Promise.withResolvers<void>();
  #loop: Promise<void> = Promise.resolve();
  #look: { cancel(): void } | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(parts: StreamParts, topic: string, reader: Connection) {
    this.#parts = parts;
    this.#topic = topic;
    this.#reader = reader;
    this.#group = new Group(parts.connection, reader, topic, parts.settings.group);
  }

  /** Resolves when the group exists: what is published from then on will be seen. */
  static async open(parts: StreamParts, topic: string): Promise<Stream> {
    const reader = await parts.openReader();
    const stream = new Stream(parts, topic, reader);
    try {
      await stream.#group.create();
    } catch (error) {
      await reader.close();
      throw error;
    }
    stream.#loop = stream.#read();
    stream.#lookForLeft();
    return stream;
  }

  /** @param last called when the last subscription of the topic ends. */
  add(handler: MessageHandler, last: () => void): Subscription {
    return this.#fanOut.add(handler, async () => {
      if (this.#fanOut.size > 0) return;
      last();
      await this.close();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    this.#stop.abort();
    this.#look?.cancel();
    this.#room.resolve();
    // What was read and not started stays pending, for another consumer.
    for (const { id } of this.#queue.splice(0)) this.#held.delete(id);
    await this.#group.unblock();
    const { options } = this.#parts;
    const grace = options.timer(CLOSE_GRACE_MS, () => this.#abort.abort());
    await Promise.all([this.#loop, this.#looking, ...this.#running]);
    grace.cancel();
    await this.#group.leave().catch(() => {});
    await this.#reader.close();
  }

  async #read(): Promise<void> {
    const { settings, options } = this.#parts;
    let pause = settings.minRetryMs;
    let isFresh = true;
    while (!this.#stop.signal.aborted) {
      try {
        if (isFresh) await this.#recover();
        isFresh = false;
        pause = settings.minRetryMs;
        await this.#hasRoom();
        if (this.#stop.signal.aborted) return;
        for (const entry of await this.#readNew()) this.#accept(entry);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        isFresh = true;
        const fields = { component: options.name, topic: this.#topic, error: replyOf(error) };
        if (replyOf(error).startsWith('NOGROUP')) {
          options.logger.warn(fields, 'redis stream or group is gone and is made anew');
          await this.#group.create().catch(() => {});
        } else if (pause === settings.minRetryMs) {
          options.logger.warn(fields, 'reading a redis stream failed; will retry');
        }
        await sleep(pause, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
        pause = Math.min(pause * 2, settings.maxRetryMs);
      }
    }
  }

  #readNew(): Promise<Entry[]> {
    const { queueDepth, readTimeoutMs } = this.#parts.settings;
    const blockMs = Math.max(1, Math.min(LONGEST_BLOCK_MS, Math.floor(readTimeoutMs / 2)));
    return this.#group.readNew(queueDepth - this.#queue.length, blockMs);
  }

  /** After a start or a loss: acknowledges again what was, and takes what was sent to us and got lost. */
  async #recover(): Promise<void> {
    await this.#group.identify();
    await Promise.all([...this.#unacknowledged].map((id) => this.#acknowledge(id)));
    for (const entry of await this.#group.readPending()) {
      if (!this.#failed.has(entry.id)) this.#accept(entry);
    }
  }

  async #hasRoom(): Promise<void> {
    while (this.#queue.length >= this.#parts.settings.queueDepth && !this.#stop.signal.aborted) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
  }

  #accept(entry: Entry): void {
    if (this.#stop.signal.aborted) return;
    if (this.#held.has(entry.id) || this.#unacknowledged.has(entry.id)) return;
    this.#held.add(entry.id);
    this.#failed.delete(entry.id);
    this.#queue.push(entry);
    this.#pump();
  }

  #pump(): void {
    const { concurrency } = this.#parts.settings;
    while (this.#running.size < concurrency && this.#queue.length > 0) {
      const delivery = this.#deliver(this.#queue.shift()!).then(() => {
        this.#running.delete(delivery);
        this.#pump();
      });
      this.#running.add(delivery);
      this.#room.resolve();
    }
  }

  /** Never rejects. */
  async #deliver({ id, message }: Entry): Promise<void> {
    const { options, settings } = this.#parts;
    const late = new AbortController();
    const limit =
      settings.processingMs > 0
        ? options.timer(settings.processingMs, () => late.abort())
        : undefined;
    try {
      const signal = AbortSignal.any([this.#abort.signal, late.signal]);
      await this.#fanOut.deliver(id, message, signal);
      this.#unacknowledged.add(id);
      this.#held.delete(id);
      await this.#acknowledge(id);
    } catch (error) {
      this.#held.delete(id);
      this.#failed.add(id);
      if (this.#failed.size > REMEMBERED) this.#failed.delete(this.#failed.values().next().value!);
      if (this.#stop.signal.aborted) return;
      const fields = { component: options.name, topic: this.#topic, error: textOf(error) };
      const again = settings.redeliverMs > 0 && settings.processingMs > 0;
      options.logger.warn(
        fields,
        again
          ? 'event handler failed; the event will be delivered again'
          : 'event handler failed; the event stays pending, since redelivery is off',
      );
    } finally {
      limit?.cancel();
    }
  }

  /** Never rejects: what could not be acknowledged is tried again after the next connection. */
  async #acknowledge(id: string): Promise<void> {
    try {
      await this.#group.acknowledge(id);
      this.#unacknowledged.delete(id);
    } catch (error) {
      const { name } = this.#parts.options;
      const fields = { component: name, topic: this.#topic, error: textOf(error) };
      this.#parts.options.logger.warn(fields, 'event could not be acknowledged; will retry');
    }
  }

  /** Looks for events that failed here, or that another consumer took and did not finish; again and again. */
  #lookForLeft(): void {
    const { options, settings } = this.#parts;
    if (settings.redeliverMs === 0 || settings.processingMs === 0) return;
    this.#looking = (async () => {
      await this.#claim();
      if (this.#stop.signal.aborted) return;
      this.#look = options.timer(settings.redeliverMs, () => this.#lookForLeft());
    })();
  }

  /** Never rejects. */
  async #claim(): Promise<void> {
    const { options, settings } = this.#parts;
    const { processingMs, queueDepth } = settings;
    let from = '0-0';
    try {
      do {
        await this.#hasRoom();
        if (this.#stop.signal.aborted) return;
        const { next, entries } = await this.#group.claim(from, processingMs, queueDepth);
        for (const entry of entries) this.#accept(entry);
        from = next;
      } while (from !== '0-0');
    } catch (error) {
      const fields = { component: options.name, topic: this.#topic, error: textOf(error) };
      options.logger.warn(fields, 'looking for unfinished events failed; will retry');
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
