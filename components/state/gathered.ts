/**
 * Reads of single keys that wait together share one request: while some are on
 * their way, the next ones gather. Each is sent after it was asked for, so it
 * sees every write that was answered before. Drivers share it where a request
 * costs more than a row of it.
 */
import { ComponentError, isTroupeError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';

export interface GatheredOptions<Row> {
  readonly options: ComponentOptions;
  /** Requests on their way at once. */
  readonly lanes: number;
  /** Keys of one request. */
  readonly most: number;
  /** Rows that are there, by key; no key is asked for twice. */
  fetch(keys: readonly string[]): Promise<ReadonlyMap<string, Row>>;
}

interface Waiting<Row> {
  readonly key: string;
  resolve(row: Row | undefined): void;
  reject(error: unknown): void;
}

export class Gathered<Row> {
  readonly #given: GatheredOptions<Row>;
  readonly #lanes = new Set<Promise<void>>();
  #waiting: Waiting<Row>[] = [];

  constructor(given: GatheredOptions<Row>) {
    this.#given = given;
  }

  /** Two that ask for one key at once get the same row, so what is shown of it must be made for each. */
  get(key: string): Promise<Row | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Row | undefined>();
    this.#waiting.push({ key, resolve, reject });
    if (this.#waiting.length === 1 && this.#lanes.size < this.#given.lanes) this.#open();
    return promise;
  }

  /** Resolves when everything that was asked for has its answer. */
  async drain(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes);
  }

  #open(): void {
    const lane = this.#run().finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What becomes ready in this turn of the event loop comes along.
      await new Promise(setImmediate);
      await this.#read(this.#waiting.splice(0, this.#given.most));
    }
  }

  async #read(batch: readonly Waiting<Row>[]): Promise<void> {
    const keys = new Set(batch.map(({ key }) => key));
    if (keys.size === 0) return;
    try {
      const rows = await this.#given.fetch([...keys]);
      for (const { key, resolve } of batch) resolve(rows.get(key));
    } catch (error) {
      // What is wrong with one row is no matter of those who read others.
      const isOfAll = isTroupeError(error) && error.code === 'UNAVAILABLE';
      if (keys.size > 1 && !isOfAll) await Promise.all(batch.map((one) => this.#read([one])));
      else for (const { reject } of batch) reject(errorApart(this.#given.options, error));
    }
  }
}

/** An error of its own for each of those who shared a request: callers may add to it. */
export function errorApart(options: ComponentOptions, error: unknown): unknown {
  if (!(error instanceof ComponentError)) return error;
  const { code, reason, retryable } = error;
  return new ComponentError(options, reason, {
    code: code as 'COMPONENT',
    cause: error,
    retryable,
  });
}
