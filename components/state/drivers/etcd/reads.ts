/** Reads of `state.etcd`: rows by key, keys under a prefix, and pages of an index, each as of one revision. */
import type { ComponentOptions } from '../../../component.ts';
import type { Connection } from '../../../etcd/connection.ts';
import { endOfPrefix } from '../../../etcd/keys.ts';
import type { IndexedItem, RangeQuery } from '../../contract.ts';
import { fold, unchanged, unfold } from './operations.ts';
import { foundIn, placeOf, sortable, type Found, type Keys } from './rows.ts';

/** Entries or keys asked for at once. */
const PAGE = 1_000;

interface Stale {
  readonly entry: Buffer;
  readonly entryRevision: string;
  readonly key: string;
  readonly rowRevision: string;
}

export class Reads {
  readonly #options: ComponentOptions;
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #maxOps: number;

  constructor(options: ComponentOptions, connection: Connection, keys: Keys, maxOps: number) {
    this.#options = options;
    this.#connection = connection;
    this.#keys = keys;
    this.#maxOps = maxOps;
  }

  /** Rows that are there, expired ones too, as of `revision` or now. */
  async rows(wanted: Iterable<string>, revision?: string): Promise<Map<string, Found>> {
    const keys = [...new Set(wanted)];
    if (keys.length === 0) return new Map();
    const ranges = keys.map((key) => ({
      request_range: {
        key: this.#keys.row(key),
        range_end: this.#keys.end(key),
        ...(revision === undefined ? {} : { revision }),
      },
    }));
    const success = fold(ranges, this.#maxOps);
    const { responses } = await this.#connection.request((client, call) =>
      client.kv.txn({ success }, call),
    );
    const rows = new Map<string, Found>();
    unfold(responses).forEach(({ response_range: { kvs } }, i) => {
      const key = keys[i]!;
      const [side] = kvs.filter((kv) => kv.key.at(-1) === 0);
      const [row] = kvs.filter((kv) => kv.key.at(-1) !== 0);
      const found = foundIn(this.#options, { key, row, side });
      if (found) rows.set(key, found);
    });
    return rows;
  }

  /** The state keys that begin with a prefix. */
  async keysUnder(prefix: string): Promise<string[]> {
    const start = this.#keys.row(prefix);
    const range_end = endOfPrefix(start);
    const keys: string[] = [];
    for (let key = start; ;) {
      const { kvs, more } = await this.#connection.request((client, call) =>
        client.kv.range({ key, range_end, keys_only: true, limit: PAGE }, call),
      );
      for (const kv of kvs) {
        const found = this.#keys.keyOf(kv.key);
        if (!found.isSide) keys.push(found.key);
      }
      if (!more) return keys;
      key = Buffer.concat([kvs.at(-1)!.key, Buffer.from([0])]);
    }
  }

  async range({ index, maxScore = Infinity, after, limit }: RangeQuery): Promise<IndexedItem[]> {
    const name = this.#keys.index(index);
    const range_end =
      maxScore === Infinity
        ? endOfPrefix(Buffer.from(name))
        : Buffer.from(name + sortable(maxScore, 1n));
    let key = Buffer.from(after ? `${name}${sortable(after.score)}${after.key}\0` : name);
    const items: IndexedItem[] = [];
    const stale: Stale[] = [];
    for (let more = true; more && items.length < limit && Buffer.compare(key, range_end) < 0;) {
      const start = key;
      const page = await this.#connection.request((client, call) =>
        client.kv.range(
          { key: start, range_end, keys_only: true, limit: Math.min(limit, PAGE) },
          call,
        ),
      );
      more = page.more;
      const entries = page.kvs.map((kv) => ({
        kv,
        ...placeOf(kv.key.toString().slice(name.length)),
      }));
      const rows = await this.rows(
        entries.map((entry) => entry.key),
        page.header.revision,
      );
      const now = this.#options.now();
      for (const { kv, score, key: wanted } of entries) {
        const found = rows.get(wanted);
        if (found?.index?.name !== index || found.index.score !== score) {
          stale.push({
            entry: kv.key,
            entryRevision: kv.mod_revision,
            key: wanted,
            rowRevision: found?.revision ?? '0',
          });
        } else if (!isOver(found, now)) {
          items.push({ ...found.item, score });
          if (items.length === limit) break;
        }
      }
      const last = entries.at(-1);
      if (last) key = Buffer.concat([last.kv.key, Buffer.from([0])]);
    }
    if (stale.length > 0) await this.#removeStale(stale);
    return items;
  }

  /** Entries whose row daprd deleted or wrote anew, unless they changed since. */
  async #removeStale(stale: readonly Stale[]): Promise<void> {
    const some = stale.slice(0, this.#maxOps - 2);
    const success = some.map(({ entry, entryRevision, key, rowRevision }) => ({
      request_txn: {
        compare: [unchanged(entry, entryRevision), unchanged(this.#keys.row(key), rowRevision)],
        success: [{ request_delete_range: { key: entry } }],
      },
    }));
    try {
      await this.#connection.request((client, call) => client.kv.txn({ success }, call), {
        writes: true,
      });
    } catch (cause) {
      // They are left out of every answer all the same.
      this.#options.logger.debug({ component: this.#options.name, cause }, 'entries kept');
    }
  }
}

/** Whether its time to live has ended. */
export function isOver({ item }: Found, now: number): boolean {
  return item.expiresAt !== undefined && item.expiresAt <= now;
}
