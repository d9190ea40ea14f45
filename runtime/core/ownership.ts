/**
 * The ownership record of an actor: which owner's term it belongs to and the
 * epoch of the activation that last claimed it. The first commit of an
 * activation claims (epoch + 1, conditional on everything it has read); every
 * later one checks that the claim still stands. A record of a newer term
 * refuses this host.
 */
import { TroupeError, type ActorAddress } from './errors.ts';
import type { EntryWrite, StoredEntry } from './ports.ts';

export const OWNER = '$owner';

interface OwnerRecord {
  readonly epoch: number;
  readonly term: number;
  /** Names the stream of durable sends; new when the actor was deleted and came back. */
  readonly stream: string;
}

/** Sends that one epoch can number; the next one claims a new epoch. */
export const SENDS_AN_EPOCH = 2 ** 26;

export class Ownership {
  readonly #actor: ActorAddress;
  readonly #term: number;
  #etag: string | undefined;
  #record: OwnerRecord | undefined;
  /** Etags of what was read before the claim; null for rows that were absent. */
  readonly #observed = new Map<string, string | null>();
  readonly #newStream: string;
  #claimedEtag: string | undefined;
  #claimedEpoch: number | undefined;
  #sent = 0;

  constructor(actor: ActorAddress, term: number, row: StoredEntry, newStream: string) {
    this.#actor = actor;
    this.#term = term;
    this.#etag = row.etag;
    this.#record = row.json === undefined ? undefined : (JSON.parse(row.json) as OwnerRecord);
    this.#newStream = newStream;
  }

  /** The record belongs to a newer owner than this host is. */
  get superseded(): boolean {
    return (this.#record?.term ?? 0) > this.#term;
  }

  /** The claim to come takes the actor from an owner of an older term. */
  get takesOver(): boolean {
    return !this.claimed && this.#record !== undefined && this.#record.term < this.#term;
  }

  get epoch(): number | undefined {
    return this.#claimedEpoch;
  }

  get claimed(): boolean {
    return this.#claimedEtag !== undefined;
  }

  /** The record is no longer the one that this activation claimed. */
  isLostTo(row: StoredEntry): boolean {
    return this.#claimedEtag !== undefined && row.etag !== this.#claimedEtag;
  }

  get stream(): string {
    return this.#record?.stream ?? this.#newStream;
  }

  /** Something that the claim will depend on. */
  observe(row: StoredEntry): void {
    if (!this.claimed) this.#observed.set(row.name, row.etag ?? null);
  }

  /** The writes that make a commit fail if this activation is not the owner. */
  condition(): EntryWrite[] {
    if (this.#claimedEtag !== undefined)
      return [{ kind: 'check', name: OWNER, etag: this.#claimedEtag }];
    const claim: EntryWrite = {
      kind: 'set',
      name: OWNER,
      json: JSON.stringify({
        epoch: this.#nextEpoch(),
        term: this.#term,
        stream: this.stream,
      } satisfies OwnerRecord),
      index: { name: 'ids', score: 0 },
      ...(this.#etag === undefined ? { firstWrite: true } : { etag: this.#etag }),
    };
    return [claim, ...this.#observations()];
  }

  /** The condition of a commit that deletes the actor: nothing to claim any more. */
  conditionToDelete(): EntryWrite[] {
    const etag = this.#claimedEtag ?? this.#etag ?? null;
    return [{ kind: 'check', name: OWNER, etag }, ...this.#observations()];
  }

  /** The commit went through; `etag` is that of the claim if it had one. */
  committed(etag: string | undefined): void {
    if (this.claimed) return;
    if (etag === undefined)
      throw new TroupeError(
        'INTERNAL',
        `the store gave no etag for the ownership record of ${this.#actor.type}/${this.#actor.id}`,
      );
    this.#claimedEtag = etag;
    this.#claimedEpoch = this.#nextEpoch();
    this.#observed.clear();
  }

  /**
   * Numbers for `count` sends of the commit being made: the first one. Call it
   * before the conditions are asked for: when this epoch has no numbers left,
   * the commit claims the next one.
   */
  numberSends(count: number): number {
    if (this.#sent + count > SENDS_AN_EPOCH) this.#endEpoch(count);
    const first = (this.#claimedEpoch ?? this.#nextEpoch()) * SENDS_AN_EPOCH + this.#sent;
    this.#sent += count;
    return first;
  }

  #endEpoch(count: number): void {
    if (count > SENDS_AN_EPOCH) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `${this.#actor.type}/${this.#actor.id} sent ${count} messages in one turn; ${SENDS_AN_EPOCH} are allowed`,
      );
    }
    this.#record = { epoch: this.#nextEpoch(), term: this.#term, stream: this.stream };
    if (this.#claimedEtag !== undefined) this.#etag = this.#claimedEtag;
    this.#claimedEtag = undefined;
    this.#claimedEpoch = undefined;
    this.#sent = 0;
  }

  #observations(): EntryWrite[] {
    return [...this.#observed].map(([name, etag]) => ({ kind: 'check', name, etag }));
  }

  #nextEpoch(): number {
    return (this.#record?.epoch ?? 0) + 1;
  }
}
