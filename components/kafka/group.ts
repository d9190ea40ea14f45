/**
 * The topics that one component reads as a member of its consumer group. The
 * group has one member for all of them: a change of topics ends its membership
 * and begins another; changes that come together share one. A membership that
 * is lost is begun anew with growing pauses.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { rootOf, typedError } from './client.ts';
import { Session, type SessionParts } from './session.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export class Group {
  readonly #parts: SessionParts;
  readonly #wanted = new Set<string>();
  readonly #stop = new AbortController();
  #session: Session | undefined;
  /** Changes of the session, one after the other. */
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** Topics that somebody waits for. */
  readonly #adding = new Set<string>();
  #alone: Promise<void> = Promise.resolve();
  #isRestoring = false;
  /** The member of a session that was lost, which the group may still wait for. */
  #former: string | undefined;

  constructor(parts: Omit<SessionParts, 'lost'>) {
    this.#parts = { ...parts, lost: (session, cause) => this.#lost(session, cause) };
  }

  get pending(): number {
    return this.#session?.pending ?? 0;
  }

  /** Resolves when the topic is read from. Errors: UNAVAILABLE, INVALID_ARGUMENT, FORBIDDEN. */
  async add(topic: string): Promise<void> {
    this.#adding.add(topic);
    try {
      await this.#with(topic);
    } catch (cause) {
      // Another topic may have failed the change that they shared: now each for itself.
      if (this.#adding.size > 1) {
        this.#alone = this.#alone.catch(() => {}).then(() => this.#with(topic));
        await this.#alone;
      } else throw cause;
    } finally {
      this.#adding.delete(topic);
    }
  }

  async #with(topic: string): Promise<void> {
    const isNew = !this.#wanted.has(topic);
    this.#wanted.add(topic);
    try {
      await this.#change();
    } catch (cause) {
      if (isNew) this.#wanted.delete(topic);
      // The other topics are still wanted.
      void this.#restore();
      const { options, settings } = this.#parts;
      throw typedError(options, settings, `cannot subscribe to topic "${topic}"`, cause);
    }
  }

  /** Resolves when nothing of the topic is handled any more. Never rejects. */
  async remove(topic: string): Promise<void> {
    this.#wanted.delete(topic);
    await this.#change().catch(() => void this.#restore());
  }

  /** Lets running handlers end, at most some seconds long. Idempotent, never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wanted.clear();
    await this.#last;
    await this.#session?.stop();
    this.#session = undefined;
  }

  /** Makes the session read what is wanted; those who ask before it begins share it. */
  #change(): Promise<void> {
    this.#next ??= this.#last.then(turn).then(async () => {
      this.#next = undefined;
      await this.#replace();
    });
    const next = this.#next;
    this.#last = next.catch(() => {});
    return next;
  }

  async #replace(): Promise<void> {
    const topics = [...this.#wanted].sort();
    if (this.#session && this.#session.topics.join() === topics.join()) return;
    const before = this.#session;
    this.#session = undefined;
    await before?.stop();
    if (topics.length === 0 || this.#stop.signal.aborted) return;
    this.#session = await this.#begin(topics);
  }

  /** A topic that is not there is made by the broker, and a group's coordinator may be starting: both say so and want to be asked again. */
  async #begin(topics: readonly string[]): Promise<Session> {
    const deadline = performance.now() + this.#parts.settings.dialTimeoutMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const session = await Session.start(this.#parts, topics, this.#former);
        this.#former = undefined;
        return session;
      } catch (cause) {
        const { type, retriable } = rootOf(cause);
        const isPassing = type !== undefined && retriable === true;
        if (!isPassing || performance.now() + pause > deadline) throw cause;
      }
      await sleep(pause, undefined, { signal: this.#stop.signal });
    }
  }

  #lost(session: Session, cause: unknown): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#former = session.memberId;
    const { options } = this.#parts;
    const error = cause instanceof Error ? cause.message : String(cause);
    options.logger.warn({ component: options.name, error }, 'kafka consumer lost; begins anew');
    void session.drop().then(() => this.#restore());
  }

  /** Until it reads again, or nothing is wanted. */
  async #restore(): Promise<void> {
    if (this.#isRestoring) return;
    this.#isRestoring = true;
    const { options, settings } = this.#parts;
    let pause = settings.consumeRetryMs;
    while (this.#wanted.size > 0 && !this.#stop.signal.aborted) {
      try {
        await this.#change();
        options.logger.info({ component: options.name }, 'kafka consumer reads again');
        break;
      } catch (cause) {
        const error = cause instanceof Error ? cause.message : String(cause);
        options.logger.debug({ component: options.name, error }, 'kafka consumer cannot begin');
      }
      await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => {});
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    this.#isRestoring = false;
  }
}
