/**
 * The events of one partition while this process owns it: which wait, which
 * are handled, and up to where all are done. Events of one key are handled one
 * after the other; with one handler at a time, all are.
 */
import type { KafkaMessage } from 'kafkajs';
import { Fifo } from '../../runtime/core/fifo.ts';
import type { ComponentOptions } from '../component.ts';
import type { BackOff, KafkaSettings } from './settings.ts';

/** Entries that are done and still kept, so that advancing moves nothing. */
const COMPACT = 1_000;

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionParts {
  readonly options: ComponentOptions;
  readonly settings: KafkaSettings;
  /** Rejects when the event is to be given again. */
  deliver(message: KafkaMessage, signal: AbortSignal): Promise<void>;
  /** Everything before this offset is done with. */
  done(next: string): void;
  /** How many events the subscriber takes together, which then are not kept apart by key; 1: none. */
  together(): number;
  /** Resolves when whoever had the partition before in this process is done. */
  readonly before: Promise<unknown>;
}

interface Entry {
  readonly message: KafkaMessage;
  readonly lane: string;
  isDone: boolean;
}

export class Partition {
  readonly place: Place;
  readonly #parts: PartitionParts;
  readonly #abort = new AbortController();
  /** In the order of the partition; those before `#first` are done. */
  #entries: Entry[] = [];
  #first = 0;
  readonly #ready = new Fifo<Entry>();
  /** Those that wait for one before them, by lane; a lane is there while it is busy. */
  readonly #lanes = new Map<string, Fifo<Entry>>();
  /** Loops that handle one event after another. */
  #workers = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  /** Handlers that failed and wait to be tried again. */
  #failing = 0;
  #next = '0';
  #isOpen = false;
  #isStopped = false;
  /** Ends the pauses of handlers that wait to be tried again. */
  readonly #pauses = new Set<() => void>();
  #onRoom: (() => void) | undefined;

  constructor(place: Place, parts: PartitionParts) {
    this.place = place;
    this.#parts = parts;
    void parts.before.then(() => {
      this.#isOpen = true;
      this.#pump();
    });
  }

  /** @param next the offset after all of them. */
  push(messages: readonly KafkaMessage[], next: string): void {
    if (this.#isStopped) return;
    this.#next = next;
    const isOne = this.#parts.settings.concurrency === 1;
    for (const message of messages) {
      const entry = { message, lane: isOne ? '' : laneOf(message), isDone: false };
      this.#entries.push(entry);
      const lane = this.#parts.together() > 1 ? undefined : this.#lanes.get(entry.lane);
      if (lane) lane.push(entry);
      else {
        this.#lanes.set(entry.lane, new Fifo());
        this.#ready.push(entry);
      }
    }
    this.#pump();
  }

  /** Events that were pushed and are not done. */
  get pending(): number {
    return this.#entries.length - this.#first;
  }

  get isFull(): boolean {
    return this.pending > this.#parts.settings.bufferSize;
  }

  /** Calls back once when half of the room is free, or the partition is given up. */
  onRoom(resume: () => void): void {
    this.#onRoom = resume;
  }

  /** Starts no handler any more; resolves when those that run are over. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#pauses) end();
    this.#room();
    if (this.#workers === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Tells the handlers that run that nobody waits for them. */
  abort(): void {
    this.#abort.abort(new Error('the partition was given up'));
  }

  #pump(): void {
    if (!this.#isOpen) return;
    const { settings, together } = this.#parts;
    const limit = Math.max(settings.concurrency, together());
    while (this.#workers < limit) {
      const entry = this.#take();
      if (!entry) return;
      this.#workers++;
      void this.#work(entry);
    }
  }

  #take(): Entry | undefined {
    // Of events that are taken together none overtakes one that failed.
    const mayGo = !this.#isStopped && (this.#failing === 0 || this.#parts.together() === 1);
    return mayGo ? this.#ready.take() : undefined;
  }

  /** Never rejects. */
  async #work(first: Entry): Promise<void> {
    const { deliver } = this.#parts;
    const { signal } = this.#abort;
    for (let entry: Entry | undefined = first; entry; entry = this.#take()) {
      let isOver = true;
      try {
        await deliver(entry.message, signal);
      } catch (error) {
        isOver = await this.#repeat(entry, error);
        this.#pump();
      }
      if (isOver) this.#done(entry);
    }
    this.#workers--;
    if (this.#workers === 0) this.#idle?.resolve();
  }

  #done(entry: Entry): void {
    entry.isDone = true;
    const next = this.#lanes.get(entry.lane)?.take();
    if (next) this.#ready.push(next);
    else this.#lanes.delete(entry.lane);
    this.#advance();
  }

  #advance(): void {
    const before = this.#first;
    while (this.#entries[this.#first]?.isDone) this.#first++;
    if (this.#first === before) return;
    this.#parts.done(this.#entries[this.#first]?.message.offset ?? this.#next);
    if (this.pending <= this.#parts.settings.bufferSize / 2) this.#room();
    if (this.#first < this.#entries.length && this.#first < COMPACT) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  #room(): void {
    this.#onRoom?.();
    this.#onRoom = undefined;
  }

  /** After a failure; true when the event is done with all the same, handled or passed over. */
  async #repeat({ message }: Entry, first: unknown): Promise<boolean> {
    const { deliver, options, settings } = this.#parts;
    let error = first;
    for (let failures = 1; ; failures++) {
      if (this.#isStopped) return false;
      const pause = pauseAfter(settings.backOff, failures);
      const { topic, partition } = this.place;
      const fields = { component: options.name, topic, partition, offset: message.offset };
      const said = { ...fields, failures, error: textOf(error) };
      if (pause === undefined) {
        options.logger.error(said, 'event handler failed; the event is passed over');
        return true;
      }
      options.logger.warn(said, 'event handler failed; the event will be delivered again');
      this.#failing++;
      await this.#sleep(pause);
      this.#failing--;
      if (this.#isStopped) return false;
      try {
        await deliver(message, this.#abort.signal);
        return true;
      } catch (again) {
        error = again;
      }
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const timer = this.#parts.options.timer(ms, end);
      this.#pauses.add(end);
    });
  }
}

/** Undefined: no more attempts. */
function pauseAfter(backOff: BackOff | undefined, failures: number): number | undefined {
  if (!backOff || (backOff.retries !== undefined && failures > backOff.retries)) return undefined;
  if (backOff.policy === 'constant') return backOff.firstMs;
  return Math.min(backOff.longestMs, backOff.firstMs * 1.5 ** (failures - 1));
}

function laneOf({ key }: KafkaMessage): string {
  return key === null ? '' : `k${key.toString('latin1')}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
