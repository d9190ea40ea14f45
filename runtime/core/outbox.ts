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
import { Fifo } from './fifo.ts';
import { countParked, readOutbox, rowKey } from './outbox-recovery.ts';
import { OutboxRemoval } from './outbox-removal.ts';
import { isStored, sendMessage } from './outbox-send.ts';
import { isRefusal, pauseBefore } from './outbox-retry.ts';
import { isTroupeError, toWireError, type ActorAddress } from './errors.ts';
import { laneOf, parkedRowName, type OutboxRow } from './outbox-row.ts';
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
  readonly publisher: () => Pick<Publisher, 'publish'> | undefined;
  readonly call: (call: OutgoingCall) => Promise<unknown>;
  readonly random: () => string;
  /** True for actors whose rows are this host's to send. */
  readonly owned: (actor: ActorAddress) => Promise<boolean>;
}

export class OutboxDispatcher {
  readonly #options: OutboxOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new Fifo<Lane>();
  /** Messages left of each row, by sender and row name. */
  readonly #left = new Map<OutboxRow, number>();
  /** Rows whose commit had no answer: each is looked up before it is sent. */
  readonly #doubtful = new Set<OutboxRow>();
  /** Delivered, and to be removed from the store. */
  readonly #removal: OutboxRemoval;
  #inFlight = 0;
  readonly #resuming = new Set<ClockTimer>();
  #closed = false;
  #whenIdle: (() => void)[] = [];
  #checking: Promise<void> | undefined;
  #checkingNext: Promise<void> | undefined;
  parked = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { store, logger } = options;
    this.#removal = new OutboxRemoval({ store, logger, onIdle: () => this.#signalIdle() });
  }

  /** Rows committed and not yet fully delivered. */
  get pending(): number {
    return this.#left.size + this.#removal.rows.length;
  }

  get full(): boolean {
    return this.#left.size >= MAX_PENDING_ROWS;
  }

  /** True when something is being delivered now, so not while everything left waits for its next try. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#ready.length > 0 || this.#removal.busy;
  }

  /** Resolves when nothing is pending. */
  idle(): Promise<void> {
    return this.pending === 0 && !this.#removal.busy
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
  async recover(): Promise<void> {
    await this.recheck();
    this.parked = await countParked(this.#options.store);
  }

  /**
   * Takes up rows that this host does not know: another host of the same store
   * committed them. Whoever asks while a pass is on its way shares the next one.
   */
  recheck(): Promise<void> {
    if (this.#checking) {
      const again = (): Promise<void> => {
        this.#checkingNext = undefined;
        return this.recheck();
      };
      this.#checkingNext ??= this.#checking.then(again, again);
      return this.#checkingNext;
    }
    this.#checking = this.#takeUp().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #takeUp(): Promise<void> {
    const { store, owned } = this.#options;
    const before = this.#known();
    const rows = await readOutbox(store, owned, (key) => before.has(key));
    // All are read before the first is sent: what deliveries commit is dispatched by their own turns.
    const now = this.#known();
    for (const row of rows) if (!now.has(rowKey(row.sender, row.name))) this.dispatch(row);
  }

  #known(): Set<string> {
    const keys = new Set<string>();
    for (const { sender, name } of this.#left.keys()) keys.add(rowKey(sender, name));
    for (const { sender, name } of this.#removal.rows) keys.add(rowKey(sender, name));
    return keys;
  }

  /** Stops sending; what is undelivered stays in the store. Resolves when removals in progress are done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ready.clear();
    for (const timer of this.#resuming) timer.cancel();
    this.#resuming.clear();
    await this.#removal.settled();
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
        if (!this.#doubtful.has(job.row) || (await isStored(this.#options.store, job.row))) {
          await sendMessage(this.#options, job.row, job.index);
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
    this.#removal.add(job.row);
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

  #signalIdle(): void {
    if (this.pending > 0 || this.#removal.busy) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
