/**
 * One consumer of a consumer group of one stream, as Redis commands. The
 * consumer has a name of its own, so that after a lost connection it finds
 * what was sent to it and never arrived.
 */
import { randomUUID } from 'node:crypto';
import { isTroupeError } from '../../../../runtime/core/errors.ts';
import type { Connection } from '../../../redis/connection.ts';
import { claimedEntries, readEntries, type Entry } from './entry.ts';

export class Group {
  readonly #connection: Connection;
  /** A connection of its own, since reading blocks it. */
  readonly #reader: Connection;
  readonly #topic: string;
  readonly #group: string;
  readonly #consumer: string;
  #readerId: string | undefined;

  constructor(connection: Connection, reader: Connection, topic: string, group: string) {
    this.#connection = connection;
    this.#reader = reader;
    this.#topic = topic;
    this.#group = group;
    this.#consumer = `${group}-${randomUUID()}`;
  }

  /** Makes stream and group where they are missing; a new group starts at the beginning. */
  async create(): Promise<void> {
    try {
      await this.#send(['XGROUP', 'CREATE', this.#topic, this.#group, '0', 'MKSTREAM']);
    } catch (error) {
      if (!replyOf(error).startsWith('BUSYGROUP')) throw error;
    }
  }

  /** What nobody of the group has had; waits for it at most `blockMs`. */
  async readNew(count: number, blockMs: number): Promise<Entry[]> {
    return this.#read('>', ['COUNT', String(count), 'BLOCK', String(blockMs)]);
  }

  /** All that this consumer was sent and has not acknowledged. */
  async readPending(): Promise<Entry[]> {
    return this.#read('0', []);
  }

  /** Ends a `readNew` that waits. Never rejects. */
  async unblock(): Promise<void> {
    if (this.#readerId === undefined) return;
    await this.#send(['CLIENT', 'UNBLOCK', this.#readerId]).catch(() => {});
  }

  /** To be called after each new connection of the reader. */
  async identify(): Promise<void> {
    this.#readerId = String(await this.#reader.send(['CLIENT', 'ID'], false));
  }

  async acknowledge(id: string): Promise<void> {
    await this.#send(['XACK', this.#topic, this.#group, id]);
  }

  /** Takes over what any consumer has had for `idleMs`, from a position on; `0-0` is the first and the end. */
  async claim(from: string, idleMs: number, count: number) {
    const whose = [this.#topic, this.#group, this.#consumer];
    const command = ['XAUTOCLAIM', ...whose, String(idleMs), from, 'COUNT', String(count)];
    return claimedEntries(this.#topic, await this.#send(command));
  }

  /** Ends the consumer. One that still has events must stay: they would be lost with it. */
  async leave(): Promise<void> {
    const pending = ['XPENDING', this.#topic, this.#group, '-', '+', '1', this.#consumer];
    if (((await this.#send(pending)) as unknown[]).length > 0) return;
    await this.#send(['XGROUP', 'DELCONSUMER', this.#topic, this.#group, this.#consumer]);
  }

  async #read(after: string, options: readonly string[]): Promise<Entry[]> {
    const command = ['XREADGROUP', 'GROUP', this.#group, this.#consumer, ...options];
    command.push('STREAMS', this.#topic, after);
    return readEntries(this.#topic, await this.#reader.send(command, false));
  }

  #send(command: readonly string[]): Promise<unknown> {
    return this.#connection.send(command, false);
  }
}

/** What Redis answered, or the message of any other error. */
export function replyOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const shown = isTroupeError(error) && cause !== undefined ? cause : error;
  return shown instanceof Error ? shown.message : String(shown);
}
