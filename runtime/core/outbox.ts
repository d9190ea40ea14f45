/**
 * Delivers what turns committed to their outbox: at least once, in order for
 * each pair of sender and receiver, again after a crash. All sends of a turn are
 * one row in the store; the row goes when its last message is delivered.
 *
 * A message that cannot be delivered is tried again with growing pauses. What a
 * receiver refuses for good (an application error, an unknown method) is parked
 * after `MAX_REFUSALS` tries: kept in the store, counted, logged, and out of the
 * way of the messages behind it.
 */
import { LocalValue } from './codec.ts';
import { Fifo } from './fifo.ts';
import { isRefusal, pauseBefore } from './outbox-retry.ts';
import { isTroupeError, toWireError, TroupeError, type ActorAddress } from './errors.ts';
import {
  decodeRow,
  inOrderOfSending,
  isSameRow,
  laneOf,
  parkedRowName,
  type OutboxRow,
} from './outbox-row.ts';
import type {
  ActorStore,
  Clock,
  ClockTimer,
  EngineLogger,
  OutgoingCall,
  Publisher,
} from './ports.ts';

const MAX_REFUSALS = 10;
const MAX_IN_FLIGHT = 512;
const MAX_PENDING_ROWS = 100_000;
const RECOVERY_PAGE = 1000;

interface Job {
  readonly row: OutboxRow;
  readonly index: number;
  refusals: number;
}

interface Lane {
  readonly key: string;
  readonly jobs: Job[];
  pauses: number;
}

export interface OutboxOptions {
  readonly store: ActorStore;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly publisher: () => Publisher | undefined;
  readonly call: (call: OutgoingCall) => Promise<unknown>;
  readonly random: () => string;
}

export class OutboxDispatcher {
  readonly #options: OutboxOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new Fifo<Lane>();
  /** Messages left of each row, by sender and row name. */
  readonly #left = new Map<OutboxRow, number>();
  /** Rows whose commit had no answer: each is looked up before it is sent. */
  readonly #doubtful = new Set<OutboxRow>();
  #delivered: OutboxRow[] = [];
  #removing: Promise<void> | undefined;
  #inFlight = 0;
  readonly #resuming = new Set<ClockTimer>();
  #closed = false;
  #whenIdle: (() => void)[] = [];
  parked = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Rows committed and not yet fully delivered. */
  get pending(): number {
    return this.#left.size + this.#delivered.length;
  }

  get full(): boolean {
    return this.#left.size >= MAX_PENDING_ROWS;
  }

  /** True when something is being delivered now, so not while everything left waits for its next try. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#ready.length > 0 || this.#removing !== undefined;
  }

  /** Resolves when nothing is pending. */
  idle(): Promise<void> {
    return this.pending === 0 && !this.#removing
      ? Promise.resolve()
      : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** @param isCertain false when the commit of the row had no answer. */
  dispatch(row: OutboxRow, isCertain = true): void {
    if (this.#closed) return;
    if (!isCertain) this.#doubtful.add(row);
    this.#left.set(row, row.messages.length);
    for (let index = 0; index < row.messages.length; index++)
      this.#enqueue({ row, index, refusals: 0 });
    this.#pump();
  }

  forget(sender: ActorAddress): void {
    for (const row of this.#left.keys()) {
      if (row.sender.type === sender.type && row.sender.id === sender.id) this.#left.delete(row);
    }
    this.#signalIdle();
  }

  /** Takes up what an earlier run of this host left undelivered. */
  async recover(owned: (actor: ActorAddress) => Promise<boolean>): Promise<void> {
    const rows: OutboxRow[] = [];
    let after: { score: number; key: string } | undefined;
    for (;;) {
      const page = await this.#options.store.scan('outbox', { after, limit: RECOVERY_PAGE });
      for (const { actor, name, json } of page)
        if (await owned(actor)) rows.push(decodeRow(actor, name, json));
      const last = page.at(-1);
      if (!last || page.length < RECOVERY_PAGE) break;
      after = { score: last.score, key: last.key };
    }
    // All are read before the first is sent: what deliveries commit is dispatched by their own turns.
    for (const row of inOrderOfSending(rows)) this.dispatch(row);
    this.parked = (await this.#options.store.scan('parked', { limit: RECOVERY_PAGE })).length;
  }

  /** Stops sending; what is undelivered stays in the store. Resolves when removals in progress are done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ready.clear();
    for (const timer of this.#resuming) timer.cancel();
    this.#resuming.clear();
    while (this.#removing) await this.#removing;
  }

  #enqueue(job: Job): void {
    const key = laneOf(job.row.sender, job.row.messages[job.index]!);
    let lane = this.#lanes.get(key);
    if (!lane) {
      lane = { key, jobs: [], pauses: 0 };
      this.#lanes.set(key, lane);
      this.#ready.push(lane);
    }
    lane.jobs.push(job);
  }

  #pump(): void {
    while (this.#inFlight < MAX_IN_FLIGHT && this.#ready.length > 0 && !this.#closed) {
      const lane = this.#ready.take()!;
      this.#inFlight++;
      void this.#deliver(lane);
    }
  }

  async #deliver(lane: Lane): Promise<void> {
    const job = lane.jobs[0]!;
    let pause = 0;
    if (this.#left.has(job.row)) {
      try {
        if (!this.#doubtful.has(job.row) || (await this.#isStored(job.row))) {
          await this.#send(job);
          this.#done(lane, job);
        } else {
          this.#drop(lane, job);
        }
      } catch (error) {
        pause = await this.#failed(lane, job, error);
      }
    } else {
      lane.jobs.shift();
    }
    this.#inFlight--;
    if (lane.jobs.length === 0) this.#lanes.delete(lane.key);
    else if (pause === 0) this.#ready.push(lane);
    else this.#resume(lane, pause);
    this.#pump();
    this.#signalIdle();
  }

  #resume(lane: Lane, pause: number): void {
    if (this.#closed) return;
    const timer = this.#options.clock.timer(this.#options.clock.now() + pause, () => {
      this.#resuming.delete(timer);
      this.#ready.push(lane);
      this.#pump();
    });
    this.#resuming.add(timer);
  }

  async #send({ row, index }: Job): Promise<void> {
    const message = row.messages[index]!;
    const { sender, stream } = row;
    const value: unknown = message.json === undefined ? undefined : JSON.parse(message.json);
    const seq = row.first + index;
    if (message.kind === 'call') {
      const { type, id, method } = message;
      const once = { key: `${sender.type}||${sender.id}`, stream, seq };
      await this.#options.call({ type, id, method, payload: new LocalValue(value), once });
      return;
    }
    const { pubsub, topic, metadata } = message;
    const id = `${sender.type}||${sender.id}||${stream}||${seq}`;
    const publisher = this.#options.publisher();
    if (!publisher)
      throw new TroupeError('UNAVAILABLE', `there is no pub/sub component "${pubsub}"`);
    await publisher.publish({ id, pubsub, topic, data: value, ...(metadata ? { metadata } : {}) });
  }

  /**
   * A claim that fails and the one after it number their sends alike, so a row
   * of the same name may be another's: only its content tells.
   */
  async #isStored(row: OutboxRow): Promise<boolean> {
    try {
      const [stored] = await this.#options.store.read(row.sender, [row.name]);
      if (stored?.json === undefined) return false;
      return isSameRow(row, decodeRow(row.sender, row.name, stored.json));
    } catch (cause) {
      throw new TroupeError('UNAVAILABLE', 'the store does not say whether it has the row', {
        cause,
      });
    }
  }

  /** The row was never stored: nothing of it is sent, and nothing is there to be removed. */
  #drop(lane: Lane, { row }: Job): void {
    lane.jobs.shift();
    this.#left.delete(row);
    this.#doubtful.delete(row);
  }

  #done(lane: Lane, job: Job): void {
    lane.jobs.shift();
    lane.pauses = 0;
    const left = this.#left.get(job.row);
    if (left === undefined) return;
    if (left > 1) {
      this.#left.set(job.row, left - 1);
      return;
    }
    this.#left.delete(job.row);
    this.#doubtful.delete(job.row);
    this.#delivered.push(job.row);
    this.#removing ??= this.#removeDelivered();
  }

  /** Gives the pause before the next try, 0 when the message is out of the way. */
  async #failed(lane: Lane, job: Job, error: unknown): Promise<number> {
    const message = job.row.messages[job.index]!;
    if (isTroupeError(error) && error.code === 'FENCED' && !error.retryable) {
      // The newer host has the row in the store and sends it.
      this.#left.delete(job.row);
      lane.jobs.shift();
      return 0;
    }
    if (isRefusal(error)) job.refusals++;
    const fields = {
      sender: job.row.sender,
      message: { ...message, json: undefined },
      refusals: job.refusals,
      err: error,
    };
    if (job.refusals >= MAX_REFUSALS && !this.#closed) {
      this.#options.logger.error(fields, 'outbox message refused for good, parked');
      try {
        await this.#park(job, error);
        this.#done(lane, job);
        return 0;
      } catch (cause) {
        this.#options.logger.error({ err: cause }, 'outbox message could not be parked');
      }
    } else if (!this.#closed) {
      this.#options.logger.warn(fields, 'outbox message not delivered, will be tried again');
    }
    return pauseBefore(lane.pauses++);
  }

  async #park({ row, index }: Job, error: unknown): Promise<void> {
    const json = JSON.stringify({ message: row.messages[index], error: toWireError(error) });
    const name = parkedRowName(row.first + index, this.#options.random());
    await this.#options.store.commit(row.sender, [
      { kind: 'set', name, json, index: { name: 'parked', score: this.#options.clock.now() } },
    ]);
    this.parked++;
  }

  async #removeDelivered(): Promise<void> {
    while (this.#delivered.length > 0) {
      const rows = this.#delivered.slice();
      try {
        await this.#options.store.remove(
          rows.map(({ sender, name }) => ({ actor: sender, name, index: 'outbox' as const })),
        );
      } catch (error) {
        this.#options.logger.warn(
          { err: error, rows: rows.length },
          'delivered outbox rows could not be removed, they will be sent again after a restart',
        );
      }
      this.#delivered = this.#delivered.slice(rows.length);
    }
    this.#removing = undefined;
    this.#signalIdle();
  }

  #signalIdle(): void {
    if (this.pending > 0 || this.#removing) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
