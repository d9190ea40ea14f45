/**
 * News of changes under some ranges of keys, from a revision on and without a
 * gap. When its stream ends it is opened again behind the last revision that
 * was seen. Where etcd has compacted the revisions meanwhile, nothing can be
 * told of them: then the owner is asked to read again.
 */
import type { IEvent, IWatchResponse } from 'etcd3';
import type { ComponentOptions } from '../component.ts';
import type { Connection } from './connection.ts';

const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

export interface WatchedRange {
  readonly key: Buffer;
  /** Default: the key alone. */
  readonly range_end?: Buffer;
}

export interface WatchOptions {
  readonly connection: Connection;
  readonly ranges: readonly WatchedRange[];
  /** The revision that the owner has read. */
  readonly revision: string;
  /** Changes in the order of their revisions, for each range. */
  onEvents(events: readonly IEvent[]): void;
  /** Changes were missed. Resolves to the revision at which the owner read again. */
  onGap(): Promise<string>;
}

interface Stream {
  cancel(): void;
}

export class Watch {
  readonly #options: ComponentOptions;
  readonly #given: WatchOptions;
  /** The next revision of each range. */
  #next: bigint[];
  #stream: Stream | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ComponentOptions, given: WatchOptions) {
    this.#options = options;
    this.#given = given;
    this.#next = given.ranges.map(() => BigInt(given.revision) + 1n);
    void this.#open(MIN_RETRY_MS);
  }

  /** Nothing is told after it. Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#stream?.cancel();
    this.#stream = undefined;
  }

  async #open(pauseMs: number): Promise<void> {
    const { connection, ranges } = this.#given;
    const end = (cause: unknown): void => {
      this.#stream = undefined;
      if (this.#isClosed) return;
      const { name, logger } = this.#options;
      logger.warn({ component: name, cause }, 'etcd watch lost');
      this.#retry = setTimeout(() => void this.#open(Math.min(pauseMs * 2, MAX_RETRY_MS)), pauseMs);
      this.#retry.unref();
    };
    try {
      // Also gets a new token where the server has forgotten the old one.
      await connection.ping();
      const stream = await connection.openWatch();
      if (this.#isClosed) return stream.cancel();
      this.#stream = stream;
      const indexes = new Map<string, number>();
      let created = 0;
      let isOver = false;
      const once = (cause: unknown): void => {
        if (isOver) return;
        isOver = true;
        stream.cancel();
        end(cause);
      };
      stream.on('error', once);
      stream.on('end', () => once(new Error('the server ended the watch')));
      stream.on('data', (answer) => {
        if (this.#isClosed || isOver) return;
        if (answer.canceled) {
          if (answer.compact_revision === '0') return once(new Error(answer.cancel_reason));
          isOver = true;
          stream.cancel();
          this.#readAgain().then(() => this.#open(MIN_RETRY_MS), end);
          return;
        }
        if (answer.created) indexes.set(answer.watch_id, created++);
        pauseMs = MIN_RETRY_MS;
        this.#take(answer, indexes.get(answer.watch_id)!);
      });
      ranges.forEach((range, i) => {
        const start_revision = String(this.#next[i]);
        stream.write({ create_request: { ...range, start_revision, progress_notify: true } });
      });
    } catch (cause) {
      end(cause);
    }
  }

  #take({ created, events, header }: IWatchResponse, index: number): void {
    if (created) return;
    if (events.length > 0) this.#given.onEvents(events);
    this.#next[index] = BigInt(header.revision) + 1n;
  }

  async #readAgain(): Promise<void> {
    const revision = BigInt(await this.#given.onGap());
    this.#next = this.#next.map(() => revision + 1n);
  }
}
