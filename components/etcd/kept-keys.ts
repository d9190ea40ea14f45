/**
 * Keys that a component has in etcd under one lease, which it keeps alive: what
 * they should be is said at any time, and brought there one change after the
 * other. When the lease has ended all are written again.
 */
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import type { Connection } from './connection.ts';
import { KeptLease } from './kept-lease.ts';

export interface KeptKeysOptions {
  readonly connection: Connection;
  readonly ttlSeconds: number;
}

interface Written {
  readonly value: string;
  readonly revision: string;
}

export class KeptKeys {
  readonly #options: ComponentOptions;
  readonly #given: KeptKeysOptions;
  readonly #wanted = new Map<string, string>();
  /** Under the lease that is alive. */
  readonly #written = new Map<string, Written>();
  #lease: Promise<KeptLease> | undefined;
  #leaseId = '0';
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: ComponentOptions, given: KeptKeysOptions) {
    this.#options = options;
    this.#given = given;
  }

  /** What the key is to be after the next `bring`; undefined: nothing. */
  keep(key: string, value: string | undefined): void {
    if (value === undefined) this.#wanted.delete(key);
    else this.#wanted.set(key, value);
  }

  keeps(key: string): boolean {
    return this.#wanted.has(key);
  }

  /** Hears that the key is gone from etcd, by whatever hand. */
  lost(key: string): void {
    if (this.#wanted.has(key)) this.#written.delete(key);
  }

  /** Resolves when all is in etcd as it is wanted. @throws ComponentError when that failed; `bring` again. */
  async bring(): Promise<void> {
    if (this.#isClosed)
      throw new ComponentError(this.#options, 'is closed; create it again to use it');
    if (!this.#lease && this.#wanted.size === 0) return;
    this.#lease ??= KeptLease.open(this.#options, {
      ...this.#given,
      write: (id) => {
        this.#leaseId = id;
        this.#written.clear();
        return this.#inTurn();
      },
    });
    try {
      await this.#lease;
    } catch (error) {
      this.#lease = undefined;
      throw error;
    }
    await this.#inTurn();
  }

  /** Takes back what is written, if etcd can be reached. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last.catch(() => {});
    await (await this.#lease?.catch(() => undefined))?.close();
  }

  #inTurn(): Promise<void> {
    const turn = this.#last.then(
      () => this.#write(),
      () => this.#write(),
    );
    this.#last = turn;
    return turn;
  }

  async #write(): Promise<void> {
    for (const [key, value] of this.#wanted)
      if (!this.#isClosed && this.#written.get(key)?.value !== value) await this.#put(key, value);
    for (const [key, { revision }] of [...this.#written])
      if (!this.#isClosed && !this.#wanted.has(key)) await this.#delete(key, revision);
  }

  async #put(key: string, value: string): Promise<void> {
    const lease = this.#leaseId;
    const { header } = await this.#given.connection.request(
      (client, call) =>
        client.kv.put({ key: Buffer.from(key), value: Buffer.from(value), lease }, call),
      { writes: true },
    );
    if (lease === this.#leaseId) this.#written.set(key, { value, revision: header.revision });
  }

  /** Only what was written here: another host may have the key by now. */
  async #delete(key: string, revision: string): Promise<void> {
    const bytes = Buffer.from(key);
    await this.#given.connection.request(
      (client, call) =>
        client.kv.txn(
          {
            compare: [{ target: 'Mod', result: 'Equal', key: bytes, mod_revision: revision }],
            success: [{ request_delete_range: { key: bytes } }],
          },
          call,
        ),
      { writes: true },
    );
    this.#written.delete(key);
  }
}
