/**
 * The leases by which etcd itself removes rows whose time to live has ended.
 * Rows that end within the same second share one. Where the component's clock
 * is not the machine's (a virtual one), it alone says when a row ends, and
 * etcd keeps the row another day.
 */
import { EtcdLeaseInvalidError } from 'etcd3';
import type { Connection } from '../../../etcd/connection.ts';

/** Clocks further apart than this cannot agree on when a row ends. */
const CLOCK_DRIFT_MS = 60_000;
const GRACE_SECONDS = 86_400;
/** The longest that etcd grants. */
const LONGEST_SECONDS = 9_000_000_000;
/** Seconds whose lease is remembered. */
const MOST = 1_000;

export class Leases {
  readonly #connection: Connection;
  readonly #bySecond = new Map<number, Promise<string>>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A lease that outlives `endsAt`; undefined when none can. */
  async until(endsAt: number, now: number): Promise<string | undefined> {
    const second = Math.ceil(endsAt / 1_000);
    const grace = this.#connection.clockDriftMs() > CLOCK_DRIFT_MS ? GRACE_SECONDS : 0;
    const lasts = Math.ceil(second - now / 1_000) + grace;
    if (lasts > LONGEST_SECONDS) return undefined;
    const known = this.#bySecond.get(second);
    if (known) return known;
    const granted = this.#grant(lasts);
    this.#bySecond.set(second, granted);
    granted.catch(() => this.#bySecond.delete(second));
    if (this.#bySecond.size > MOST) this.#bySecond.delete(this.#bySecond.keys().next().value!);
    return granted;
  }

  /** Whether an error says that a lease is gone. Then all are asked for anew. */
  forgetIf(error: unknown): boolean {
    if (!((error as { cause?: unknown }).cause instanceof EtcdLeaseInvalidError)) return false;
    this.#bySecond.clear();
    return true;
  }

  async #grant(seconds: number): Promise<string> {
    const { ID } = await this.#connection.request((client, call) =>
      client.leaseClient.leaseGrant({ TTL: seconds }, call),
    );
    return ID;
  }
}
