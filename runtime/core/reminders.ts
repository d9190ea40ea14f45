/**
 * Durable reminders: what one is, when it is due next, and the scheduler that
 * reads due ones from the store and enters each as a turn. The turn reads the
 * reminder again and commits its next due time together with the handler's
 * changes, so a firing is lost by no crash and counted by no failure.
 *
 * Firings missed while no host ran are made up by one. A firing whose handler
 * throws is tried again with growing pauses and keeps its due time.
 */
import { copyOf, LocalValue } from './codec.ts';
import { TroupeError, type ActorAddress } from './errors.ts';
import type {
  ActorStore,
  Clock,
  ClockTimer,
  EngineLogger,
  OutgoingCall,
  ReminderRecord,
  ReminderSpec,
  ScannedEntry,
} from './ports.ts';
import { isCalendar, nextFiring, parsePeriod, parseTime } from './schedule.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
const PAGE = 256;

/** Checks and resolves a reminder's times against `now`. Errors: INVALID_ARGUMENT. */
export function planReminder(name: string, spec: ReminderSpec, now: number): ReminderRecord {
  const due = parseTime(spec.due ?? 0, now, `due time of reminder "${name}"`);
  const expires =
    spec.ttl === undefined ? undefined : parseTime(spec.ttl, due, `ttl of reminder "${name}"`);
  if (expires !== undefined && (expires < due || expires <= now)) {
    throw new TroupeError('INVALID_ARGUMENT', `reminder "${name}" has expired before it is due`);
  }
  const hasPeriod = spec.period !== undefined && spec.period !== '';
  const period = hasPeriod ? parsePeriod(spec.period!, `period of reminder "${name}"`) : undefined;
  if (period && isCalendar(period)) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `period ${JSON.stringify(spec.period)} of reminder "${name}" has years, months or days, which reminders do not take; use hours`,
    );
  }
  const { value: data } = copyOf(spec.data);
  return {
    name,
    due,
    ...(typeof spec.due === 'string' && spec.due !== '' ? { dueGiven: spec.due } : {}),
    ...(hasPeriod ? { period: spec.period! } : {}),
    ...(period?.repeats === undefined ? {} : { left: period.repeats }),
    ...(expires === undefined ? {} : { expires }),
    ...(data === undefined ? {} : { data }),
    ...(spec.failurePolicy === undefined ? {} : { failurePolicy: spec.failurePolicy }),
    failures: 0,
  };
}

/** What a planned reminder is to a service that keeps it. */
export function specOf(record: ReminderRecord): ReminderSpec {
  const { due, period, expires, data, failurePolicy } = record;
  return {
    due: new Date(due),
    ...(period === undefined ? {} : { period }),
    ...(expires === undefined ? {} : { ttl: new Date(expires) }),
    ...(data === undefined ? {} : { data }),
    ...(failurePolicy === undefined ? {} : { failurePolicy }),
  };
}

/** The reminder after a firing went well: its next one, or null when the series is over. */
export function afterFiring(record: ReminderRecord, now: number): ReminderRecord | null {
  const { retryAt: _retryAt, ...rest } = record;
  const left = record.left === undefined ? undefined : record.left - 1;
  if (record.period === undefined || left === 0) return null;
  const due = nextFiring(record.due, parsePeriod(record.period), now);
  if (record.expires !== undefined && due > record.expires) return null;
  return { ...rest, due, ...(left === undefined ? {} : { left }), failures: 0 };
}

/** The reminder after its handler threw: the same firing again after a pause, or, when that was all, the next one. */
export function afterFailure(record: ReminderRecord, now: number): ReminderRecord | null {
  const { failurePolicy: policy, failures } = record;
  if (policy) {
    const isOver = policy.kind === 'drop' || failures >= (policy.maxRetries ?? Infinity);
    if (isOver) return afterFiring(record, now);
    return { ...record, failures: failures + 1, retryAt: now + policy.intervalMs };
  }
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(record.failures, 20), LONGEST_PAUSE_MS);
  return { ...record, failures: record.failures + 1, retryAt: now + pause };
}

/** Reminders of a type, or of one actor of it, by due time. */
export async function listReminders(
  store: ActorStore,
  type: string,
  id?: string,
): Promise<{ actor: ActorAddress; record: ReminderRecord }[]> {
  const found: { actor: ActorAddress; record: ReminderRecord }[] = [];
  let after: { score: number; key: string } | undefined;
  for (;;) {
    const page = await store.scan('due', { after, limit: PAGE });
    for (const { actor, json } of page) {
      if (actor.type !== type || (id !== undefined && actor.id !== id)) continue;
      found.push({ actor, record: JSON.parse(json) as ReminderRecord });
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE) return found;
    after = { score: last.score, key: last.key };
  }
}

export interface ReminderSchedulerOptions {
  readonly store: ActorStore;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly owned: (actor: ActorAddress) => Promise<boolean>;
  readonly call: (call: OutgoingCall) => Promise<unknown>;
}

export class ReminderScheduler {
  readonly #options: ReminderSchedulerOptions;
  /** Position in the index of each firing that was entered. */
  readonly #inFlight = new Map<string, number>();
  /** Reminders that were set anew, and are due, while a firing of theirs runs. */
  readonly #dueAgain = new Set<string>();
  /** Firings that could not even be entered, until they are tried again. */
  readonly #held = new Map<string, number>();
  #wake: { readonly at: number; readonly timer: ClockTimer } | undefined;
  #scanning: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: ReminderSchedulerOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#scanning !== undefined || this.#inFlight.size > 0;
  }

  start(): Promise<void> {
    return this.#scan();
  }

  /** A reminder was committed that is due at this time. */
  remindAt(due: number): void {
    if (this.#closed || (this.#wake && this.#wake.at <= due)) return;
    if (due <= this.#options.clock.now()) void this.#scan();
    else this.#arm(due);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.timer.cancel();
    this.#wake = undefined;
    await this.#scanning;
  }

  #arm(at: number): void {
    this.#wake?.timer.cancel();
    const timer = this.#options.clock.timer(at, () => {
      this.#wake = undefined;
      void this.#scan();
    });
    this.#wake = { at, timer };
  }

  #scan(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#scanning) {
      this.#again = true;
      return this.#scanning;
    }
    this.#scanning = this.#scanOnce()
      .catch((error: unknown) => {
        this.#options.logger.error({ err: error }, 'due reminders could not be read, trying again');
        if (!this.#closed) this.#arm(this.#options.clock.now() + FIRST_PAUSE_MS);
      })
      .finally(() => {
        this.#scanning = undefined;
        if (this.#again) {
          this.#again = false;
          void this.#scan();
        }
      });
    return this.#scanning;
  }

  /** Enters what is due, a page at a time; the next page comes when half of this one is done. */
  async #scanOnce(): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock.now();
    let after: { score: number; key: string } | undefined;
    while (this.#inFlight.size < PAGE * 2) {
      const page = await store.scan('due', { after, limit: PAGE });
      for (const entry of page) {
        if (entry.score > now) {
          this.remindAt(entry.score);
          return;
        }
        after = { score: entry.score, key: entry.key };
        const entered = this.#inFlight.get(entry.key);
        if (entered !== undefined && entered !== entry.score) this.#dueAgain.add(entry.key);
        const heldUntil = this.#held.get(entry.key) ?? 0;
        if (heldUntil > now) this.remindAt(heldUntil);
        if (entered !== undefined || heldUntil > now) continue;
        if (await this.#options.owned(entry.actor)) void this.#fire(entry);
      }
      if (page.length < PAGE) return;
    }
  }

  async #fire(entry: ScannedEntry): Promise<void> {
    const { logger, clock, call } = this.#options;
    this.#inFlight.set(entry.key, entry.score);
    this.#held.delete(entry.key);
    try {
      const { name } = JSON.parse(entry.json) as ReminderRecord;
      await call({
        ...entry.actor,
        method: name,
        kind: 'reminder',
        payload: new LocalValue(undefined),
      });
    } catch (error) {
      if (!this.#closed) {
        logger.warn(
          { actor: entry.actor, reminder: entry.name, err: error },
          'reminder could not be delivered, trying again',
        );
        const at = clock.now() + FIRST_PAUSE_MS;
        this.#held.set(entry.key, at);
        this.remindAt(at);
      }
    } finally {
      this.#inFlight.delete(entry.key);
      if (this.#dueAgain.delete(entry.key) || this.#inFlight.size === PAGE) void this.#scan();
    }
  }
}
