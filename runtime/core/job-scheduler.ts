/**
 * Keeps jobs in a store and delivers their ticks while somebody takes them. A
 * tick is over when the store says so; a crash between delivery and that makes
 * it come again.
 */
import { TroupeError, isTroupeError } from './errors.ts';
import { afterFailedTick, afterTick, planJob, type JobRecord, type JobSpec } from './jobs.ts';
import type { Clock, ClockTimer, EngineLogger } from './ports.ts';

export interface StoredJob {
  readonly name: string;
  readonly record: JobRecord;
  readonly etag: string;
}

/** A job by its name, whoever keeps it. */
export interface NamedJob {
  readonly name: string;
  readonly record: { readonly spec: JobSpec };
}

/** Keeps jobs and delivers them: the scheduler here, or one outside. */
export interface Jobs {
  /** Errors: INVALID_ARGUMENT, and CONFLICT when the job exists and is not to be overwritten. */
  schedule(name: string, spec: JobSpec, options: { overwrite: boolean }): Promise<void>;
  get(name: string): Promise<NamedJob | undefined>;
  delete(name: string): Promise<void>;
  /** Every job whose name begins with `prefix`; all for an empty one. */
  deleteByPrefix(prefix: string): Promise<void>;
  /** All of them, by name. */
  list(): Promise<NamedJob[]>;
  /** Delivers from now on. The returned function ends it and waits for the deliveries under way. */
  start(deliver: JobDelivery): () => Promise<void>;
}

/** Jobs by name, and in order of `record.at`. A write whose condition does not hold fails with CONFLICT. */
export interface JobStore {
  get(name: string): Promise<StoredJob | undefined>;
  /** `null`: only if there is none yet. Undefined: whatever there is. */
  put(name: string, record: JobRecord, etag?: string | null): Promise<void>;
  delete(name: string, etag?: string): Promise<void>;
  /** In order of (at, name). */
  list(page: { after?: { at: number; name: string }; limit: number }): Promise<StoredJob[]>;
}

/**
 * Rejects when the app failed the tick, resolves to `dropped` when it does not
 * know the job. A tick whose signal has aborted counts as not delivered.
 */
export type JobDelivery = (
  job: { readonly name: string; readonly spec: JobSpec },
  options: { signal: AbortSignal },
) => Promise<void | 'dropped'>;

export interface JobSchedulerOptions {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly logger: EngineLogger;
}

const PAGE = 256;
/** Deliveries at once; the next due jobs wait until half of them are done. */
const MOST_FIRING = 512;
const RETRY_MS = 1000;

export class JobScheduler implements Jobs {
  readonly #options: JobSchedulerOptions;
  readonly #firing = new Map<string, Promise<void>>();
  #deliver: JobDelivery | undefined;
  #stopping = new AbortController();
  #wake: { readonly at: number; readonly timer: ClockTimer } | undefined;
  #scanning: Promise<void> | undefined;
  #again = false;
  #moreAreDue = false;

  constructor(options: JobSchedulerOptions) {
    this.#options = options;
  }

  /** Errors: INVALID_ARGUMENT, and CONFLICT when the job exists and is not to be overwritten. */
  async schedule(
    name: string,
    spec: JobSpec,
    { overwrite }: { overwrite: boolean },
  ): Promise<void> {
    const { store, clock } = this.#options;
    const record = planJob(name, spec, clock.now());
    if (record) {
      await store.put(name, record, overwrite ? undefined : null);
      this.#wakeAt(record.at);
    } else if (overwrite) await store.delete(name);
    else if (await store.get(name)) {
      throw new TroupeError('CONFLICT', `job already exists: '${name}'`);
    }
  }

  async get(name: string): Promise<StoredJob | undefined> {
    return this.#options.store.get(name);
  }

  async delete(name: string): Promise<void> {
    await this.#options.store.delete(name);
  }

  /** All of them, by name. */
  async list(): Promise<StoredJob[]> {
    const jobs = new Map<string, StoredJob>();
    for await (const job of this.#all()) jobs.set(job.name, job);
    return [...jobs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Every job whose name begins with `prefix`; all for an empty one. */
  async deleteByPrefix(prefix: string): Promise<void> {
    for (const { name } of await this.list())
      if (name.startsWith(prefix)) await this.#options.store.delete(name);
  }

  /** Delivers ticks from now on, the due ones first. The returned function ends it and waits for the deliveries under way. */
  start(deliver: JobDelivery): () => Promise<void> {
    if (this.#deliver) throw new Error('the scheduler delivers already');
    this.#deliver = deliver;
    this.#stopping = new AbortController();
    void this.#scan();
    return async () => {
      if (this.#deliver !== deliver) return;
      this.#deliver = undefined;
      this.#wake?.timer.cancel();
      this.#wake = undefined;
      this.#stopping.abort();
      await this.#scanning;
      await Promise.all(this.#firing.values());
    };
  }

  async *#all(): AsyncGenerator<StoredJob> {
    let after: { at: number; name: string } | undefined;
    for (;;) {
      const page = await this.#options.store.list({ limit: PAGE, ...(after ? { after } : {}) });
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      after = { at: last.record.at, name: last.name };
    }
  }

  #wakeAt(at: number): void {
    if (!this.#deliver || (this.#wake && this.#wake.at <= at)) return;
    const { clock } = this.#options;
    this.#wake?.timer.cancel();
    this.#wake = undefined;
    if (at <= clock.now()) {
      void this.#scan();
      return;
    }
    const fire = (): void => {
      this.#wake = undefined;
      void this.#scan();
    };
    this.#wake = { at, timer: clock.timer(at, fire, { background: true }) };
  }

  #scan(): Promise<void> {
    if (this.#scanning) {
      this.#again = true;
      return this.#scanning;
    }
    const { clock, logger } = this.#options;
    this.#scanning = this.#scanOnce()
      .catch((err: unknown) => {
        logger.error({ err }, 'due jobs could not be read, trying again');
        this.#wakeAt(clock.now() + RETRY_MS);
      })
      .finally(() => {
        this.#scanning = undefined;
        if (!this.#again) return;
        this.#again = false;
        void this.#scan();
      });
    return this.#scanning;
  }

  async #scanOnce(): Promise<void> {
    const now = this.#options.clock.now();
    for await (const job of this.#all()) {
      if (!this.#deliver) return;
      if (job.record.at > now) {
        this.#wakeAt(job.record.at);
        return;
      }
      if (this.#firing.has(job.name)) continue;
      if (this.#firing.size >= MOST_FIRING) {
        this.#moreAreDue = true;
        return;
      }
      const firing = this.#fire(job).then((at) => {
        this.#firing.delete(job.name);
        if (!this.#deliver) return;
        if (at !== undefined) this.#wakeAt(at);
        if (!this.#moreAreDue || this.#firing.size > MOST_FIRING / 2) return;
        this.#moreAreDue = false;
        void this.#scan();
      });
      this.#firing.set(job.name, firing);
    }
  }

  /** Resolves to when the job is to be looked at again; undefined when it is over. */
  async #fire({ name, record, etag }: StoredJob): Promise<number | undefined> {
    const { store, clock, logger } = this.#options;
    const { signal } = this.#stopping;
    let next: JobRecord | undefined;
    try {
      await this.#deliver!({ name, spec: record.spec }, { signal });
      next = afterTick(record);
    } catch (err) {
      if (signal.aborted) return undefined;
      next = afterFailedTick(record, clock.now());
      logger.warn({ job: name, attempt: record.attempts + 1, err }, 'job failed');
    }
    for (;;) {
      try {
        if (next) await store.put(name, next, etag);
        else await store.delete(name, etag);
        return next?.at;
      } catch (err) {
        // Somebody has overwritten or deleted the job meanwhile: theirs counts.
        if (isTroupeError(err) && err.code === 'CONFLICT') return clock.now();
        logger.error({ job: name, err }, 'a delivered job could not be stored, trying again');
        if (signal.aborted) return undefined;
        await new Promise<void>((resolve) => {
          const timer = clock.timer(clock.now() + RETRY_MS, resolve, { background: true });
          signal.addEventListener('abort', () => (timer.cancel(), resolve()), { once: true });
        });
      }
    }
  }
}
