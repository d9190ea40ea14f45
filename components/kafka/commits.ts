/**
 * Writes down up to where the partitions of one membership are done. One
 * request is under way at a time and carries all that has come up meanwhile.
 * What the group refuses, because the partitions have another owner, is dropped.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OffsetsByTopicPartition } from 'kafkajs';
import type { ComponentOptions } from '../component.ts';
import { rootOf } from './client.ts';
import type { Place } from './partition.ts';

const REFUSALS = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS']);
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export type SendOffsets = (offsets: OffsetsByTopicPartition) => Promise<void>;

export class Commits {
  readonly #options: ComponentOptions;
  readonly #send: SendOffsets;
  readonly #stop = new AbortController();
  #waiting = new Map<Place, string>();
  #writing: Promise<void> | undefined;
  #isEnded = false;

  constructor(options: ComponentOptions, send: SendOffsets) {
    this.#options = options;
    this.#send = send;
  }

  /** @param place the same object each time. */
  add(place: Place, offset: string): void {
    if (this.#isEnded) return;
    this.#waiting.set(place, offset);
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves when all has been written, refused or given up. Never rejects. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** From here on nothing is written: the partitions are somebody else's. */
  end(): void {
    this.#isEnded = true;
    this.#stop.abort();
  }

  async #write(): Promise<void> {
    // Handlers that end in the same turn of the event loop are written together.
    await Promise.resolve();
    let pause = FIRST_PAUSE_MS;
    while (this.#waiting.size > 0 && !this.#isEnded) {
      const taken = this.#waiting;
      this.#waiting = new Map();
      try {
        await this.#send(offsetsOf(taken));
        pause = FIRST_PAUSE_MS;
      } catch (cause) {
        const { type, name, message } = rootOf(cause);
        const fields = { component: this.#options.name, error: `${type ?? name}: ${message}` };
        if (type !== undefined && REFUSALS.has(type)) {
          this.#options.logger.info(fields, 'positions were refused: the group is rebalancing');
          continue;
        }
        this.#options.logger.debug(fields, 'positions could not be written; will retry');
        this.#waiting = new Map([...taken, ...this.#waiting]);
        await sleep(pause, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  }
}

function offsetsOf(places: ReadonlyMap<Place, string>): OffsetsByTopicPartition {
  const topics = new Map<string, { partition: number; offset: string }[]>();
  for (const [{ topic, partition }, offset] of places) {
    const partitions = topics.get(topic) ?? [];
    partitions.push({ partition, offset });
    topics.set(topic, partitions);
  }
  return { topics: Array.from(topics, ([topic, partitions]) => ({ topic, partitions })) };
}
