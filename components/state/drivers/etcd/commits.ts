/**
 * Group commit: while one transaction of etcd is on its way, the next ones
 * gather, and share its one sync. Each is a transaction inside it with its own
 * conditions: the rows that it depends on have the revision at which they were
 * read. One that was overtaken is read and tried again; only transactions that
 * have no key in common travel together.
 */
import type { ICompare, IRequestOp } from 'etcd3';
import { ComponentError } from '../../../../runtime/core/errors.ts';
import type { ComponentOptions } from '../../../component.ts';
import type { Connection } from '../../../etcd/connection.ts';
import type { StateOperation } from '../../contract.ts';
import { conflict, requireNotAborted } from '../../operations.ts';
import { requestsOf } from './changes.ts';
import { Leases } from './leases.ts';
import { fold, unchanged } from './operations.ts';
import { isOver, type Reads } from './reads.ts';
import { schemaOf, type Found, type Keys } from './rows.ts';

/** Bytes of the values of one batch; a server takes requests of 1.5 MiB (`--max-request-bytes`). */
const MOST_BYTES = 1_000_000;

interface Waiting {
  readonly operations: readonly StateOperation[];
  readonly keys: ReadonlySet<string>;
  readonly prefixes: readonly string[];
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  /** Leases that were gone so far. */
  failures: number;
  resolve(etags: (string | undefined)[]): void;
  reject(error: unknown): void;
}

interface Planned {
  readonly entry: Waiting;
  readonly compare: readonly ICompare[];
  readonly requests: readonly IRequestOp[];
}

export interface CommitsOptions {
  readonly options: ComponentOptions;
  readonly connection: Connection;
  readonly reads: Reads;
  readonly keys: Keys;
  readonly maxOps: number;
}

export class Commits {
  readonly #given: CommitsOptions;
  readonly #leases: Leases;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(given: CommitsOptions) {
    this.#given = given;
    this.#leases = new Leases(given.connection);
  }

  /** Resolves to the new etag of each set, undefined for the others. */
  add(
    operations: readonly StateOperation[],
    signal: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    const { promise, resolve, reject } = Promise.withResolvers<(string | undefined)[]>();
    const keys = new Set(operations.flatMap((one) => ('key' in one ? one.key : [])));
    const prefixes = operations.flatMap((one) => ('prefix' in one ? one.prefix : []));
    const bytes = operations.reduce((sum, one) => sum + sizeOf(one), 0);
    this.#waiting.push({
      ...{ operations, keys, prefixes, bytes, signal },
      ...{ failures: 0, resolve, reject },
    });
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
      const batch = this.#take();
      try {
        await this.#commit(batch);
      } catch (error) {
        if (this.#leases.forgetIf(error)) this.#again(batch, error);
        else for (const entry of batch) entry.reject(error);
      }
    }
    this.#running = undefined;
  }

  /** The first that waits and all that can travel with it; what shares a key with one that stays, stays. */
  #take(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const keys = new Set<string>();
    let [bytes, most, isFull] = [0, 0, false];
    for (const next of this.#waiting) {
      try {
        requireNotAborted(this.#given.options, next.signal);
      } catch (error) {
        next.reject(error);
        continue;
      }
      // A row's write, what stands beside it, its entry and the one before.
      const operations = next.operations.length * 4;
      const isAlone = next.prefixes.length > 0 || batch[0]?.prefixes.length;
      const fits =
        !isAlone &&
        bytes + next.bytes <= MOST_BYTES &&
        batch.length + 1 + Math.max(most, operations) <= this.#given.maxOps;
      isFull ||= batch.length > 0 && !fits;
      const stays = isFull || [...next.keys].some((key) => keys.has(key));
      for (const key of next.keys) keys.add(key);
      if (!stays) [bytes, most] = [bytes + next.bytes, Math.max(most, operations)];
      (stays ? left : batch).push(next);
    }
    this.#waiting = left;
    return batch;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { options, connection, reads, maxOps } = this.#given;
    const found = await reads.rows(await this.#needed(batch));
    const now = options.now();
    const planned: Planned[] = [];
    for (const entry of batch) {
      const compare = this.#conditions(entry, found, now);
      if ('error' in compare) entry.reject(compare.error);
      else {
        const more = { ...this.#given, schema: schemaOf(options.version), leases: this.#leases };
        const requests = await requestsOf(entry.operations, { ...more, now, found });
        planned.push({ entry, compare: compare.holds, requests });
      }
    }
    if (planned.length === 0) return;
    const budget = maxOps - planned.length;
    const success = planned.map(({ compare, requests }) => ({
      request_txn: { compare: [...compare], success: fold(requests, budget) },
    }));
    const answer = await connection.request((client, call) => client.kv.txn({ success }, call), {
      writes: true,
    });
    const { revision } = answer.header;
    const overtaken = planned.filter(({ entry }, i) => {
      const isMade = answer.responses[i]!.response_txn.succeeded;
      if (isMade) entry.resolve(etagsOf(entry.operations, revision));
      return !isMade;
    });
    this.#waiting.unshift(...overtaken.map(({ entry }) => entry));
  }

  /** The rows that a batch depends on: those of its conditions, and those that may leave an index. */
  async #needed(batch: readonly Waiting[]): Promise<string[]> {
    const keys: string[] = [];
    for (const { operations, prefixes } of batch) {
      for (const operation of operations)
        if (operation.kind !== 'delete-prefix')
          if (conditionOf(operation) !== undefined || ('index' in operation && operation.index))
            keys.push(operation.key);
      for (const prefix of prefixes) keys.push(...(await this.#given.reads.keysUnder(prefix)));
    }
    return keys;
  }

  #conditions(
    { operations }: Waiting,
    found: ReadonlyMap<string, Found>,
    now: number,
  ): { holds: ICompare[] } | { error: Error } {
    const { options, keys, maxOps } = this.#given;
    const compare = new Map<string, ICompare>();
    for (const operation of operations) {
      const wanted = conditionOf(operation);
      if (wanted === undefined || operation.kind === 'delete-prefix') continue;
      const { key } = operation;
      const row = found.get(key);
      const current = row && !isOver(row, now) ? row.revision : null;
      if (wanted !== current) {
        if (wanted === null) return { error: conflict(options, key, 'exists already') };
        const why =
          current === null ? 'does not exist (any more)' : 'was changed by another writer';
        return { error: conflict(options, key, why) };
      }
      compare.set(key, unchanged(keys.row(key), row?.revision ?? '0'));
    }
    const most = Math.floor((maxOps - 1) / 2);
    if (compare.size <= most) return { holds: [...compare.values()] };
    const error = new ComponentError(
      options,
      `a transaction with conditions on ${compare.size} rows is too large, at most ${most} are possible; raise "maxTxnOps", and --max-txn-ops of the server`,
      { code: 'INVALID_ARGUMENT' },
    );
    return { error };
  }

  #again(batch: readonly Waiting[], error: unknown): void {
    for (const entry of batch) {
      entry.failures += 1;
      if (entry.failures > 2) entry.reject(error);
      else this.#waiting.unshift(entry);
    }
  }
}

/** The etag that a row must have; null: it must be absent; undefined: there is no condition. */
function conditionOf(operation: StateOperation): string | null | undefined {
  if (operation.kind === 'delete-prefix') return undefined;
  const isFirst = operation.kind === 'set' && operation.firstWrite;
  return operation.etag ?? (isFirst ? null : operation.etag);
}

/** All writes of a transaction have one revision: the last of each key has it for its etag, earlier ones were never seen. */
function etagsOf(operations: readonly StateOperation[], revision: string): (string | undefined)[] {
  const last = new Map(operations.flatMap((one, i) => (one.kind === 'set' ? [[one.key, i]] : [])));
  return operations.map((one, i) =>
    one.kind === 'set' ? (last.get(one.key) === i ? revision : `${revision}-${i}`) : undefined,
  );
}

function sizeOf(operation: StateOperation): number {
  if (operation.kind !== 'set') return 100;
  const { value } = operation;
  return 200 + (typeof value === 'string' ? Buffer.byteLength(value) : value.length);
}
