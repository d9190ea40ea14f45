/**
 * A lease that is kept alive, and what is written under it. When etcd has let
 * it end (it was away, or this process stood still), another is asked for and
 * all is written again.
 */
import type { Etcd3 } from 'etcd3';
import type { ComponentOptions } from '../component.ts';
import type { Connection } from './connection.ts';

export interface KeptLeaseOptions {
  readonly connection: Connection;
  readonly ttlSeconds: number;
  /** Writes what the lease is for. */
  write(lease: string): Promise<void>;
}

export class KeptLease {
  readonly #options: ComponentOptions;
  readonly #given: KeptLeaseOptions;
  #lease = '0';
  #next: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(options: ComponentOptions, given: KeptLeaseOptions) {
    this.#options = options;
    this.#given = given;
  }

  /** Resolves once it is written. @throws ComponentError */
  static async open(options: ComponentOptions, given: KeptLeaseOptions): Promise<KeptLease> {
    const lease = new KeptLease(options, given);
    await lease.#begin();
    lease.#plan();
    return lease;
  }

  /** Ends the lease, and with it what was written, if etcd can be reached. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#next);
    try {
      await this.#given.connection.request((client, call) =>
        client.leaseClient.leaseRevoke({ ID: this.#lease }, call),
      );
    } catch (cause) {
      const { name, logger } = this.#options;
      logger.info({ component: name, cause }, 'a lease is left to end by itself');
    }
  }

  async #begin(): Promise<void> {
    const { connection, ttlSeconds, write } = this.#given;
    const { ID } = await connection.request((client, call) =>
      client.leaseClient.leaseGrant({ TTL: ttlSeconds }, call),
    );
    await write(ID);
    // Not before: what could not be written is written under the next one.
    this.#lease = ID;
  }

  #plan(): void {
    if (this.#isClosed) return;
    this.#next = setTimeout(() => void this.#renew(), (this.#given.ttlSeconds * 1_000) / 3);
    this.#next.unref();
  }

  async #renew(): Promise<void> {
    try {
      const lasts = await this.#given.connection.request((client, call) =>
        keepAlive(client, this.#lease, call),
      );
      if (lasts <= 0 && !this.#isClosed) await this.#begin();
    } catch (cause) {
      const { name, logger } = this.#options;
      logger.warn({ component: name, cause }, 'a lease was not renewed; it is tried again');
    }
    this.#plan();
  }
}

/** Resolves to the seconds that the lease lasts from now; 0 when it is gone. */
async function keepAlive(
  client: Etcd3,
  ID: string,
  call: { readonly deadline: Date },
): Promise<number> {
  const stream = await client.leaseClient.leaseKeepAlive(call);
  const answered = Promise.withResolvers<number>();
  stream.on('data', ({ TTL }) => answered.resolve(Number(TTL)));
  stream.on('error', answered.reject);
  stream.on('end', () => answered.resolve(0));
  stream.write({ ID });
  try {
    return await answered.promise;
  } finally {
    stream.end();
  }
}
