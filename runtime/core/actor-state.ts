/**
 * What is known in memory of one actor's rows in the store: the declared
 * entries, and the ownership record that every commit depends on.
 */
import type { Activation } from './activation.ts';
import { CommitQueue } from './commit.ts';
import { TroupeError } from './errors.ts';
import { Ownership, OWNER } from './ownership.ts';
import type { ReminderRecord, StoredEntry } from './ports.ts';
import { StateCell } from './state-cell.ts';
import { REMINDER } from './turn-writes.ts';

export class ActorState {
  readonly #activation: Activation;
  #cells: Map<string, StateCell<unknown>> | undefined = undefined;
  #ownership: Ownership | undefined = undefined;
  #claiming: Promise<Ownership> | undefined = undefined;
  #commits: CommitQueue | undefined = undefined;

  constructor(activation: Activation) {
    this.#activation = activation;
  }

  /** The commits on their way; undefined while there never was a pipelined one. */
  get commits(): CommitQueue | undefined {
    return this.#commits;
  }

  queue(): CommitQueue {
    this.#commits ??= new CommitQueue(this.#activation);
    return this.#commits;
  }

  /** The ownership record, if this activation has claimed it. */
  claimed(): Ownership | undefined {
    return this.#ownership?.claimed ? this.#ownership : undefined;
  }

  get epoch(): number | undefined {
    return this.#ownership?.epoch;
  }

  cell<T>(name: string, initial: () => T, ttlMs: number | undefined): StateCell<T> {
    this.#cells ??= new Map();
    let cell = this.#cells.get(name);
    if (!cell) {
      cell = new StateCell<unknown>(this.#activation, name, initial, ttlMs);
      this.#cells.set(name, cell);
    }
    return cell as StateCell<T>;
  }

  /** The cell of a name, declared by the actor or not. */
  anyCell(name: string): StateCell<unknown> {
    return this.#cells?.get(name) ?? this.cell<unknown>(name, () => null, undefined);
  }

  async loadCell(cell: StateCell<unknown>): Promise<void> {
    const row = await this.readRow(cell.name);
    cell.json = row.json;
    cell.etag = row.etag;
    cell.expiresAt = row.expiresAt;
    cell.loaded = true;
  }

  /**
   * A row as the turns so far leave it. The ownership record is read with it:
   * the claim will depend on both, and after it both must be this activation's.
   */
  async readRow(name: string): Promise<StoredEntry> {
    const coming = this.#commits?.find(name);
    if (coming) return coming;
    const { generation } = this.#activation;
    const known = this.#ownership;
    const term = known ? 0 : await this.#term();
    const [row, owner] = await this.#activation.parts.store.read(this.#activation.address, [
      name,
      OWNER,
    ]);
    this.#assertGeneration(generation);
    // A row that another owner wrote does not go with what is in memory, even in a turn that commits nothing.
    if (known?.isLostTo(owner!)) throw await this.commitFailed(undefined, true);
    const ownership = known ?? this.#adopt(term, owner!);
    ownership.observe(row!);
    return row!;
  }

  /** The ownership record, read once an activation. Errors: FENCED when it belongs to a newer owner. */
  async ownership(): Promise<Ownership> {
    if (this.#ownership) return this.#ownership;
    this.#claiming ??= (async () => {
      const term = await this.#term();
      const [owner] = await this.#activation.parts.store.read(this.#activation.address, [OWNER]);
      return this.#adopt(term, owner!);
    })().finally(() => {
      this.#claiming = undefined;
    });
    return this.#claiming;
  }

  async readReminder(name: string): Promise<ReminderRecord | undefined> {
    const { reminders } = this.#activation.parts;
    if (reminders) return reminders.get(this.#activation.address, name);
    const { json } = await this.readRow(REMINDER + name);
    return json === undefined ? undefined : (JSON.parse(json) as ReminderRecord);
  }

  /** A commit was refused or its outcome is unknown: nothing in memory can be trusted. Gives the error to throw. */
  async commitFailed(cause: unknown, isConflict: boolean): Promise<unknown> {
    this.#activation.forgetEverything();
    if (!isConflict) return cause;
    await this.ownership();
    return new TroupeError(
      'FENCED',
      `another activation of ${this.#activation.type}/${this.#activation.id} committed first; this one starts anew`,
      {
        cause,
        retryable: true,
        actor: this.#activation.address,
      },
    );
  }

  /** The next use reads the store again. */
  forget(): void {
    this.#ownership = undefined;
    this.#commits?.lose();
    this.#cells?.forEach((cell) => cell.reset());
  }

  /** A row that was read before memory was thrown away may be older than what is known now. */
  #assertGeneration(generation: number): void {
    if (generation === this.#activation.generation) return;
    const { type, id } = this.#activation;
    throw new TroupeError(
      'UNAVAILABLE',
      `${type}/${id} lost its memory while it read its state, because a commit failed; try again`,
      { actor: this.#activation.address },
    );
  }

  async #term(): Promise<number> {
    const owner = await this.#activation.parts.placement.owner(
      this.#activation.type,
      this.#activation.id,
    );
    if (owner.kind === 'here') return owner.term;
    throw new TroupeError(
      'MOVED',
      `${this.#activation.type}/${this.#activation.id} now lives on ${owner.address}`,
      {
        actor: this.#activation.address,
      },
    );
  }

  #adopt(term: number, row: StoredEntry): Ownership {
    if (this.#ownership) return this.#ownership;
    const ownership = new Ownership(
      this.#activation.address,
      term,
      row,
      this.#activation.parts.random.id(),
    );
    if (ownership.superseded) {
      this.#activation.parts.fenced(this.#activation.address);
      throw new TroupeError(
        'FENCED',
        `a newer host has taken over ${this.#activation.type}/${this.#activation.id} in the same store; this one must stop, or be started again to take it back`,
        { actor: this.#activation.address },
      );
    }
    this.#ownership = ownership;
    return ownership;
  }
}
