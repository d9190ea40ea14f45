/**
 * One named entry of an actor's state in memory: what is committed (as JSON
 * text, with its etag) and the way to a turn's draft of it. Drafts live in the
 * turn, so a turn that throws leaves nothing behind.
 */
import type { Activation } from './activation.ts';
import { toJson } from './codec.ts';
import { TroupeError } from './errors.ts';
import type { Turn } from './turn.ts';

export interface Draft {
  value: unknown;
  /** JSON of the value that the draft began as; undefined for none. */
  before: string | undefined;
  /** What is to be stored: the value, nothing any more, or the value even if unchanged. */
  intent: 'keep' | 'set' | 'delete';
  ttlMs: number | undefined;
}

const DRAFTLESS = Symbol('no draft');

export class StateCell<T> {
  readonly name: string;
  readonly initial: () => T;
  readonly ttlMs: number | undefined;
  readonly #activation: Activation;
  loaded = false;
  json: string | undefined = undefined;
  etag: string | undefined = undefined;
  expiresAt: number | undefined = undefined;
  #loading: Promise<void> | undefined = undefined;

  constructor(activation: Activation, name: string, initial: () => T, ttlMs: number | undefined) {
    this.#activation = activation;
    this.name = name;
    this.initial = initial;
    this.ttlMs = ttlMs;
  }

  get(): Promise<T> {
    const turn = this.#activation.currentTurn(`state "${this.name}" was used`);
    const value = this.#draftValue(turn);
    if (value !== DRAFTLESS) return Promise.resolve(value as T);
    if (this.loaded) return Promise.resolve(this.#open(turn));
    return this.#load().then(() => {
      const again = this.#draftValue(turn);
      return again === DRAFTLESS ? this.#open(turn) : (again as T);
    });
  }

  /** `ttlMs` overrules the entry's own for this write. */
  set(value: T, ttlMs?: number): void {
    const turn = this.#activation.currentTurn(`state "${this.name}" was set`);
    turn.assertWritable(`setting state "${this.name}"`);
    if (value === undefined) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `state "${this.name}" cannot be set to undefined; use delete()`,
      );
    }
    this.#replace(turn, value, 'set', ttlMs);
  }

  delete(): void {
    const turn = this.#activation.currentTurn(`state "${this.name}" was deleted`);
    turn.assertWritable(`deleting state "${this.name}"`);
    this.#replace(turn, this.initial(), 'delete');
  }

  /** Makes the entry's committed value known; reads of one entry at the same time share one read. */
  async ensureLoaded(): Promise<void> {
    if (!this.loaded) await this.#load();
  }

  /** The committed JSON text, unless it expired. */
  committed(): string | undefined {
    return this.expiresAt !== undefined && this.expiresAt <= this.#activation.now()
      ? undefined
      : this.json;
  }

  /** A commit made this the stored value. */
  committedAs(
    json: string | undefined,
    etag: string | undefined,
    expiresAt: number | undefined,
  ): void {
    this.loaded = true;
    this.json = json;
    this.etag = etag;
    this.expiresAt = expiresAt;
  }

  /** Forgets everything: the next use reads the store again. */
  reset(): void {
    this.loaded = false;
    this.json = undefined;
    this.etag = undefined;
    this.expiresAt = undefined;
    this.#loading = undefined;
  }

  #replace(
    turn: Turn,
    value: unknown,
    intent: 'set' | 'delete',
    ttlMs: number | undefined = this.ttlMs,
  ): void {
    const { drafts } = turn.mutable();
    const draft = drafts.get(this as StateCell<unknown>);
    const before = intent === 'delete' ? toJson(value) : undefined;
    if (draft) {
      draft.value = value;
      draft.before = before;
      draft.intent = intent;
      draft.ttlMs = ttlMs;
    } else {
      drafts.set(this as StateCell<unknown>, { value, before, intent, ttlMs });
    }
  }

  #draftValue(turn: Turn): unknown {
    const draft = turn.changes?.drafts.get(this as StateCell<unknown>);
    return draft ? draft.value : DRAFTLESS;
  }

  #open(turn: Turn): T {
    const json = this.committed();
    const value = json === undefined ? this.initial() : (JSON.parse(json) as T);
    turn.mutable().drafts.set(this as StateCell<unknown>, {
      value,
      before: json ?? toJson(value),
      intent: 'keep',
      ttlMs: this.ttlMs,
    });
    return value;
  }

  #load(): Promise<void> {
    this.#loading ??= this.#activation.state.loadCell(this as StateCell<unknown>).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }
}
