/**
 * What of a lane needs not be sent any more: up to which number the centre has
 * everything, and which later numbers were given up. Losses are synced to disk
 * before what they speak of is removed, so that a crash in between loses no count.
 */
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeEvent } from './messages.ts';
import { readRecords, recordOf } from './segment.ts';

export interface Numbered {
  readonly seq: number;
  readonly event: EdgeEvent;
  /** When it was added; a recording's events are older. */
  readonly since: number;
}

export type LossReason = 'limit' | 'ttl' | 'damage' | 'centre';

/** Numbers `from` to `to` will never be sent. */
export interface Loss {
  readonly from: number;
  readonly to: number;
  readonly why: LossReason;
  /** How many of which kind, as far as that is known. */
  readonly kinds: Readonly<Record<string, number>>;
}

export class Ledger {
  readonly #folder: string;
  #acked = 0;
  #savedAck = 0;
  #losses: readonly Loss[] = [];
  /** Whether there may be a file of losses. */
  #hasFile = true;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<Ledger> {
    const ledger = new Ledger(folder);
    const acked = await readFile(ledger.#path('acked'), 'utf8').catch(() => '0');
    ledger.#acked = ledger.#savedAck = Number(acked) || 0;
    const lost = await readFile(ledger.#path('lost')).catch(() => new Uint8Array());
    ledger.#losses = readRecords(lost)
      .payloads.map((payload) => JSON.parse(Buffer.from(payload).toString()) as Loss)
      .filter(({ to }) => to > ledger.#acked);
    return ledger;
  }

  get acked(): number {
    return this.#acked;
  }

  /** The last number that was given up, 0 for none. */
  get lastLost(): number {
    return this.#losses.reduce((most, { to }) => Math.max(most, to), 0);
  }

  lossAt(seq: number): Loss | undefined {
    return this.#losses.find(({ from, to }) => from <= seq && seq <= to);
  }

  isWaiting(seq: number): boolean {
    return seq > this.#acked && this.lossAt(seq) === undefined;
  }

  /** Gives up those of the events that still wait. */
  async giveUp(events: readonly Numbered[], why: LossReason): Promise<void> {
    const lost = events.filter(({ seq }) => this.isWaiting(seq));
    if (lost.length === 0) return;
    const kinds: Record<string, number> = {};
    for (const { event } of lost) kinds[event.kind] = (kinds[event.kind] ?? 0) + 1;
    await this.lose({ from: lost[0]!.seq, to: lost.at(-1)!.seq, why, kinds });
  }

  async lose(loss: Loss): Promise<void> {
    this.#hasFile = true;
    this.#losses = [...this.#losses, loss].toSorted((a, b) => a.from - b.from);
    const file = await open(this.#path('lost'), 'a');
    try {
      await file.write(recordOf(Buffer.from(JSON.stringify(loss))));
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  async ack(through: number): Promise<void> {
    this.#acked = through;
    this.#losses = this.#losses.filter(({ to }) => to > through);
    if (this.#losses.length > 0 || !this.#hasFile) return;
    await this.save();
    await rm(this.#path('lost'), { force: true });
    this.#hasFile = false;
  }

  /** The centre knows less than it has acknowledged, and the difference is not here any more. */
  async rewind(expected: number): Promise<void> {
    const loss: Loss = { from: expected, to: this.#acked, why: 'centre', kinds: {} };
    this.#acked = expected - 1;
    await this.lose(loss);
    await this.save();
  }

  async save(): Promise<void> {
    if (this.#savedAck === this.#acked) return;
    await writeFile(this.#path('acked.new'), String(this.#acked));
    await rename(this.#path('acked.new'), this.#path('acked'));
    this.#savedAck = this.#acked;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
