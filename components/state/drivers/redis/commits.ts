/**
 * Group commit: while one batch of transactions is on its way, the next
 * gathers. Redis reads 16 kB of a connection and then syncs, so transactions
 * sent one by one would share a sync with few others; one command is read
 * whole first. Inside it they run one after another, each all or nothing.
 */
import type { ComponentOptions } from '../../../component.ts';
import { errorApart } from '../../gathered.ts';
import { conflict, requireNotAborted } from '../../operations.ts';
import type { Connection } from '../../../redis/connection.ts';
import { WRITE } from './scripts.ts';

/** Most arguments of one batch, since Redis does nothing else while it runs. A larger transaction goes alone. */
const MOST_ARGUMENTS = 10_000;

interface Waiting {
  readonly args: readonly (string | Buffer)[];
  readonly signal: AbortSignal | undefined;
  resolve(versions: (string | undefined)[]): void;
  reject(error: unknown): void;
}

export class Commits {
  readonly #options: ComponentOptions;
  readonly #connection: Connection;
  readonly #grace: string;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  /** @param graceMs how long Redis keeps a row that ended. */
  constructor(options: ComponentOptions, connection: Connection, graceMs: number) {
    this.#options = options;
    this.#connection = connection;
    this.#grace = String(graceMs);
  }

  /** Resolves to the new version of each set, undefined for the others. */
  add(
    args: readonly (string | Buffer)[],
    signal: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    const { promise, resolve, reject } = Promise.withResolvers<(string | undefined)[]>();
    this.#waiting.push({ args, signal, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Resolves when everything that was added has its answer. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What becomes ready in this turn of the event loop comes along.
      await new Promise(setImmediate);
      await this.#send(this.#take());
    }
    this.#running = undefined;
  }

  #take(): Waiting[] {
    const batch: Waiting[] = [];
    let size = 0;
    let taken = 0;
    for (const next of this.#waiting) {
      if (batch.length > 0 && size + next.args.length > MOST_ARGUMENTS) break;
      taken += 1;
      try {
        requireNotAborted(this.#options, next.signal);
        size += next.args.length;
        batch.push(next);
      } catch (error) {
        next.reject(error);
      }
    }
    this.#waiting = this.#waiting.slice(taken);
    return batch;
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    const args = [String(this.#options.now()), this.#grace];
    const all = batch.flatMap((entry) => [String(entry.args.length), ...entry.args]);
    try {
      const replies = (await this.#connection.run(WRITE, [...args, ...all], true)) as Buffer[][];
      batch.forEach((entry, i) => this.#answer(entry, replies[i]!.map(String)));
    } catch (error) {
      for (const entry of batch) entry.reject(errorApart(this.#options, error));
    }
  }

  #answer(entry: Waiting, reply: readonly string[]): void {
    const [first, key, why] = reply;
    if (first === 'conflict') entry.reject(conflict(this.#options, key!, why!));
    else entry.resolve(reply.map((version) => (version === '' ? undefined : version)));
  }
}
