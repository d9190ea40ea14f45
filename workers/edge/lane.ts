/**
 * Events of one camera that the centre has not acknowledged, in order, on disk.
 * They are numbered from 1. Segments are only appended to; at the size limit the
 * oldest segment goes, and events past their time to live go. What goes is told
 * to the centre in its place.
 */
import { mkdir, open, readdir, readFile, rm, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Ledger, type Loss, type Numbered } from './ledger.ts';
import type { EdgeEvent } from './messages.ts';
import { readRecords, recordOf, syncFolder } from './segment.ts';

export interface LaneOptions {
  readonly folder: string;
  /** Bytes on disk. */
  readonly limit: number;
  /** Milliseconds after which an event is worth nothing. */
  readonly ttl: number;
  /** Default 64 KiB, and at most an eighth of the limit. */
  readonly segment?: number;
  readonly now?: () => number;
}

export type LanePart = Loss | { readonly events: readonly Numbered[] };

interface Segment {
  readonly first: number;
  bytes: number;
  /** Of a segment that is read or written; others are read again from disk. */
  events: Numbered[] | undefined;
  last: number;
}

const DEFAULT_SEGMENT = 64 * 1024;
const NAME = /^(\d{15})\.events$/;

export class Lane {
  readonly #options: Required<LaneOptions>;
  readonly #ledger: Ledger;
  #segments: Segment[] = [];
  #file: FileHandle | undefined;
  #unwritten: Numbered[] = [];
  /** Last number that is on disk. */
  #durable = 0;
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(options: Required<LaneOptions>, ledger: Ledger) {
    this.#options = options;
    this.#ledger = ledger;
  }

  static async open({ segment, now = Date.now, ...options }: LaneOptions): Promise<Lane> {
    const most = Math.max(1024, Math.floor(options.limit / 8));
    const size = Math.min(segment ?? DEFAULT_SEGMENT, most);
    await mkdir(options.folder, { recursive: true });
    const ledger = await Ledger.open(options.folder);
    const lane = new Lane({ ...options, segment: size, now }, ledger);
    await lane.#load();
    return lane;
  }

  /** Number of the last event taken in. */
  get last(): number {
    return this.#unwritten.at(-1)?.seq ?? this.#durable;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** True when there is something that the centre does not know. */
  get hasNews(): boolean {
    return this.#durable > this.#ledger.acked;
  }

  /** An event that is there already, made again after a crash, is left out. */
  add(seq: number, event: EdgeEvent): void {
    if (seq <= this.last) return;
    this.#unwritten.push({ seq, event, since: this.#options.now() });
  }

  /** Resolves once every event that was added is synced to disk; only then may it be sent. */
  flush(): Promise<void> {
    return this.#alone(() => this.#write());
  }

  /** What comes next after the acknowledged, in order: what was lost, and events of about so many bytes. */
  read(mostBytes: number): Promise<LanePart[]> {
    return this.#alone(async () => {
      await this.#expire();
      const parts: LanePart[] = [];
      let next = this.#ledger.acked + 1;
      let left = mostBytes;
      while (next <= this.#durable && left > 0) {
        const lost = this.#ledger.lossAt(next);
        if (lost) {
          parts.push({ ...lost, from: next });
          next = lost.to + 1;
          continue;
        }
        const at = next;
        const segment = this.#segments.find(({ first, last }) => first <= at && at <= last);
        if (!segment) break;
        const all = await this.#eventsOf(segment);
        const each = Math.max(1, segment.bytes / Math.max(1, all.length));
        const most = Math.max(1, Math.ceil(left / each));
        const waiting = all.filter(({ seq }) => seq >= at && this.#ledger.isWaiting(seq));
        const events = waiting.slice(0, most).filter(({ seq }, index) => seq === at + index);
        parts.push({ events });
        left -= each * events.length;
        next = events.at(-1)!.seq + 1;
      }
      return parts;
    });
  }

  /** The centre has everything up to this number. */
  ack(through: number): Promise<void> {
    return this.#alone(async () => {
      if (through <= this.#ledger.acked) return;
      await this.#ledger.ack(Math.min(through, this.#durable));
      // The last segment stays, for the number that comes next.
      const done = this.#segments.slice(0, -1).filter(({ last }) => last <= this.#ledger.acked);
      for (const segment of done) await this.#remove(segment);
    });
  }

  /** The centre asks for events that are gone here: it went back to an older state. */
  rewind(expected: number): Promise<void> {
    return this.#alone(async () => {
      if (expected <= this.#ledger.acked) await this.#ledger.rewind(expected);
    });
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#alone(async () => {
      await this.#ledger.save();
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => undefined);
    return result;
  }

  #name({ first }: { first: number }): string {
    return join(this.#options.folder, `${String(first).padStart(15, '0')}.events`);
  }

  async #load(): Promise<void> {
    const firsts = (await readdir(this.#options.folder))
      .map((name) => NAME.exec(name)?.[1])
      .filter((first) => first !== undefined)
      .map(Number)
      .toSorted((a, b) => a - b);
    for (const [at, first] of firsts.entries()) {
      const path = this.#name({ first });
      const bytes = await readFile(path);
      const { payloads, whole } = readRecords(bytes);
      const last = first + payloads.length - 1;
      this.#segments.push({ first, bytes: whole, events: undefined, last });
      const next = firsts[at + 1];
      // The end of the last file may be torn by a crash: it was never promised to anybody.
      if (next === undefined && whole < bytes.length) await truncate(path, whole);
      if (next !== undefined && last < next - 1) await this.#reportDamage(last + 1, next - 1);
    }
    const last = this.#segments.at(-1)?.last ?? 0;
    this.#durable = Math.max(this.#ledger.acked, this.#ledger.lastLost, last);
  }

  async #reportDamage(first: number, to: number): Promise<void> {
    let from = Math.max(first, this.#ledger.acked + 1);
    while (from <= to && !this.#ledger.isWaiting(from)) from++;
    if (from > to) return;
    await this.#ledger.lose({ from, to, why: 'damage', kinds: { unknown: to - from + 1 } });
  }

  async #eventsOf(segment: Segment): Promise<Numbered[]> {
    if (segment.events) return segment.events;
    const { payloads } = readRecords(await readFile(this.#name(segment)));
    const events = payloads.map((payload, at): Numbered => {
      const [since, event] = JSON.parse(Buffer.from(payload).toString()) as [number, EdgeEvent];
      return { seq: segment.first + at, event, since };
    });
    // One segment that is read and the one that is written stay in memory.
    for (const other of this.#segments.slice(0, -1)) other.events = undefined;
    segment.events = events;
    return events;
  }

  async #write(): Promise<void> {
    while (this.#unwritten.length > 0) {
      const active = await this.#active();
      const room = Math.max(1, this.#options.segment - active.bytes);
      const records: Buffer[] = [];
      let size = 0;
      for (const { since, event } of this.#unwritten) {
        if (size >= room) break;
        records.push(recordOf(Buffer.from(JSON.stringify([since, event]))));
        size += records.at(-1)!.length;
      }
      const file = (this.#file ??= await open(this.#name(active), 'a'));
      await file.write(Buffer.concat(records));
      await file.datasync();
      const events = this.#unwritten.splice(0, records.length);
      active.bytes += size;
      active.last = events.at(-1)!.seq;
      (active.events ??= []).push(...events);
      this.#durable = active.last;
      await this.#trim();
    }
  }

  async #active(): Promise<Segment> {
    const last = this.#segments.at(-1);
    const next = this.#unwritten[0]!.seq;
    if (last && last.bytes < this.#options.segment && last.last === next - 1) {
      if (last.bytes > 0) await this.#eventsOf(last);
      return last;
    }
    await this.#file?.close();
    const segment: Segment = { first: next, bytes: 0, events: [], last: next - 1 };
    this.#segments.push(segment);
    this.#file = await open(this.#name(segment), 'a');
    await syncFolder(this.#options.folder);
    return segment;
  }

  /** At the limit the oldest segments go, but never the one that is written. */
  async #trim(): Promise<void> {
    while (this.bytes > this.#options.limit && this.#segments.length > 1) {
      const oldest = this.#segments[0]!;
      await this.#ledger.giveUp(await this.#eventsOf(oldest), 'limit');
      await this.#remove(oldest);
    }
  }

  async #expire(): Promise<void> {
    const before = this.#options.now() - this.#options.ttl;
    for (const segment of [...this.#segments]) {
      const events = await this.#eventsOf(segment);
      const fresh = events.findIndex(({ since }) => since >= before);
      await this.#ledger.giveUp(fresh === -1 ? events : events.slice(0, fresh), 'ttl');
      if (fresh !== -1) return;
      if (segment !== this.#segments.at(-1)) await this.#remove(segment);
    }
  }

  /** What is removed must not look missing after a crash. */
  async #remove(segment: Segment): Promise<void> {
    await this.#ledger.save();
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await rm(this.#name(segment), { force: true });
  }
}
