/**
 * Events of one camera that the centre has not acknowledged, in order, on disk.
 * They are numbered from 1. Segments are only appended to; at the size limit the
 * oldest segment goes, and events past their time to live go. What goes is
 * written down first, by number and kind, and told to the centre in its place.
 */
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeEvent } from './messages.ts';
import { readRecords, recordOf } from './segment.ts';

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

export type LossReason = 'limit' | 'ttl' | 'damage' | 'centre';

/** Numbers `from` to `to` will never be sent. */
export interface Loss {
  readonly from: number;
  readonly to: number;
  readonly why: LossReason;
  /** How many of which kind, as far as that is known. */
  readonly kinds: Readonly<Record<string, number>>;
}

export interface Numbered {
  readonly seq: number;
  readonly event: EdgeEvent;
  /** When it was added; a recording's events are older. */
  readonly since: number;
}

interface Segment {
  readonly first: number;
  bytes: number;
  /** Of a segment that is read or written; others are read again from disk. */
  events: Numbered[] | undefined;
  last: number;
}

const DEFAULT_SEGMENT = 64 * 1024;
const NAME = /^(\d{15})\.events$/;

const kindsOf = (events: readonly Numbered[]): Record<string, number> => {
  const kinds: Record<string, number> = {};
  for (const { event } of events) kinds[event.kind] = (kinds[event.kind] ?? 0) + 1;
  return kinds;
};

/** A new file is only there after a crash of the machine when its folder is synced too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export class Lane {
  readonly #options: Required<LaneOptions>;
  #segments: Segment[] = [];
  #acked = 0;
  #losses: Loss[] = [];
  /** Whether there may be a file of losses. */
  #hasLost = true;
  #file: FileHandle | undefined;
  #unwritten: Numbered[] = [];
  /** Last number that is on disk. */
  #durable = 0;
  #busy: Promise<unknown> = Promise.resolve();
  #savedAck = 0;

  private constructor(options: Required<LaneOptions>) {
    this.#options = options;
  }

  static async open({ segment, now = Date.now, ...options }: LaneOptions): Promise<Lane> {
    const most = Math.max(1024, Math.floor(options.limit / 8));
    const size = Math.min(segment ?? DEFAULT_SEGMENT, most);
    const lane = new Lane({ ...options, segment: size, now });
    await lane.#load();
    return lane;
  }

  /** Number of the last event taken in. */
  get last(): number {
    return this.#unwritten.at(-1)?.seq ?? this.#durable;
  }

  get acked(): number {
    return this.#acked;
  }

  /** Events on disk that wait to be acknowledged, lost ones not counted. */
  get waiting(): number {
    const lost = this.#losses.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    return Math.max(0, this.#durable - this.#acked - lost);
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** True when there is something that the centre does not know. */
  get hasNews(): boolean {
    return this.#durable > this.#acked;
  }

  /** An event that is there already, made again after a crash, is left out. */
  add(seq: number, event: EdgeEvent): void {
    if (seq > this.last) {
      this.#unwritten.push({ seq, event, since: this.#options.now() });
    }
  }

  /** Resolves once every event that was added is synced to disk; only then may it be sent. */
  flush(): Promise<void> {
    return this.#alone(() => this.#write());
  }

  /** What comes next after the acknowledged, in order: what was lost, and events of about so many bytes. */
  read(mostBytes: number): Promise<(Loss | { readonly events: readonly Numbered[] })[]> {
    return this.#alone(async () => {
      await this.#expire();
      const parts: (Loss | { events: Numbered[] })[] = [];
      let next = this.#acked + 1;
      let left = mostBytes;
      while (next <= this.#durable && left > 0) {
        const lost = this.#losses.find(({ from, to }) => from <= next && next <= to);
        if (lost) {
          parts.push({ ...lost, from: next });
          next = lost.to + 1;
          continue;
        }
        const segment = this.#segments.find(({ first, last }) => first <= next && next <= last);
        if (!segment) break;
        const all = await this.#eventsOf(segment);
        const each = Math.max(1, segment.bytes / Math.max(1, all.length));
        const from = all.findIndex(({ seq }) => seq >= next);
        const events = all.slice(from, from + Math.max(1, Math.ceil(left / each)));
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
      if (through <= this.#acked) return;
      this.#acked = Math.min(through, this.#durable);
      this.#losses = this.#losses.filter(({ to }) => to > this.#acked);
      await this.#tidy();
    });
  }

  /** The centre asks for events that are gone here: it went back to an older state. */
  rewind(expected: number): Promise<void> {
    return this.#alone(async () => {
      if (expected > this.#acked) return;
      const loss: Loss = { from: expected, to: this.#acked, why: 'centre', kinds: {} };
      this.#acked = expected - 1;
      await this.#lose(loss);
      await this.#saveAck();
    });
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#alone(async () => {
      await this.#saveAck();
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => undefined);
    return result;
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }

  #name({ first }: { first: number }): string {
    return this.#path(`${String(first).padStart(15, '0')}.events`);
  }

  async #load(): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true });
    this.#acked = Number(await readFile(this.#path('acked'), 'utf8').catch(() => '0')) || 0;
    const lost = await readFile(this.#path('lost')).catch(() => new Uint8Array());
    const { payloads } = readRecords(lost);
    this.#losses = payloads
      .map((payload) => JSON.parse(Buffer.from(payload).toString()) as Loss)
      .filter(({ to }) => to > this.#acked);
    const firsts = (await readdir(folder))
      .map((name) => NAME.exec(name)?.[1])
      .filter((first) => first !== undefined)
      .map(Number)
      .toSorted((a, b) => a - b);
    for (const [at, first] of firsts.entries()) {
      const segment: Segment = { first, bytes: 0, events: undefined, last: first - 1 };
      const path = this.#name(segment);
      const bytes = await readFile(path);
      const { payloads: records, whole } = readRecords(bytes);
      segment.bytes = whole;
      segment.last = first + records.length - 1;
      const next = firsts[at + 1];
      // The end of the last file may be torn by a crash: it was never promised to anybody.
      if (next === undefined) {
        if (whole < bytes.length) await truncate(path, whole);
      } else if (segment.last < next - 1) {
        const from = Math.max(segment.last, this.#acked) + 1;
        const known = this.#losses.some((loss) => loss.from <= from && loss.to >= next - 1);
        if (from < next && !known) {
          const kinds = { unknown: next - from };
          await this.#lose({ from, to: next - 1, why: 'damage', kinds });
        }
      }
      this.#segments.push(segment);
    }
    const gone = this.#losses.reduce((most, { to }) => Math.max(most, to), 0);
    this.#durable = Math.max(this.#acked, gone, this.#segments.at(-1)?.last ?? 0);
    await this.#tidy();
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
      const events: Numbered[] = [];
      let size = 0;
      for (const numbered of this.#unwritten) {
        if (size >= room) break;
        const record = recordOf(Buffer.from(JSON.stringify([numbered.since, numbered.event])));
        records.push(record);
        events.push(numbered);
        size += record.length;
      }
      const file = (this.#file ??= await open(this.#name(active), 'a'));
      await file.write(Buffer.concat(records));
      await file.datasync();
      this.#unwritten.splice(0, events.length);
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
    this.#file = undefined;
    const segment: Segment = { first: next, bytes: 0, events: [], last: next - 1 };
    this.#segments.push(segment);
    this.#file = await open(this.#name(segment), 'a');
    await syncFolder(this.#options.folder);
    return segment;
  }

  /** At the limit the oldest segments go, but never the one that is written. */
  async #trim(): Promise<void> {
    while (this.bytes > this.#options.limit && this.#segments.length > 1) {
      const [oldest] = this.#segments;
      const lost = (await this.#eventsOf(oldest!)).filter(({ seq }) => this.#isWaiting(seq));
      if (lost.length > 0) {
        const kinds = kindsOf(lost);
        await this.#lose({ from: lost[0]!.seq, to: lost.at(-1)!.seq, why: 'limit', kinds });
      }
      await this.#remove(oldest!);
    }
  }

  async #expire(): Promise<void> {
    const before = this.#options.now() - this.#options.ttl;
    for (const segment of [...this.#segments]) {
      const waiting = (await this.#eventsOf(segment)).filter(({ seq }) => this.#isWaiting(seq));
      const fresh = waiting.findIndex(({ since }) => since >= before);
      const old = fresh === -1 ? waiting : waiting.slice(0, fresh);
      if (old.length > 0) {
        const kinds = kindsOf(old);
        await this.#lose({ from: old[0]!.seq, to: old.at(-1)!.seq, why: 'ttl', kinds });
      }
      if (fresh !== -1) return;
      if (segment !== this.#segments.at(-1)) await this.#remove(segment);
    }
  }

  #isWaiting(seq: number): boolean {
    if (seq <= this.#acked) return false;
    return !this.#losses.some(({ from, to }) => from <= seq && seq <= to);
  }

  /** Written down before anything is removed, so that a crash in between loses no count. */
  async #lose(loss: Loss): Promise<void> {
    this.#hasLost = true;
    this.#losses = [...this.#losses, loss].toSorted((a, b) => a.from - b.from);
    await this.#append('lost', recordOf(Buffer.from(JSON.stringify(loss))));
  }

  async #append(name: string, bytes: Uint8Array): Promise<void> {
    const file = await open(this.#path(name), 'a');
    try {
      await file.write(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  async #remove(segment: Segment): Promise<void> {
    // What is removed must not look missing after a crash.
    await this.#saveAck();
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await rm(this.#name(segment), { force: true });
  }

  /** Removes acknowledged segments; the last one stays, for the number that comes next. */
  async #tidy(): Promise<void> {
    const done = this.#segments.slice(0, -1).filter(({ last }) => last <= this.#acked);
    for (const segment of done) await this.#remove(segment);
    if (this.#losses.length > 0 || !this.#hasLost) return;
    await this.#saveAck();
    await rm(this.#path('lost'), { force: true });
    this.#hasLost = false;
  }

  async #saveAck(): Promise<void> {
    if (this.#savedAck === this.#acked) return;
    await writeFile(this.#path('acked.new'), String(this.#acked));
    await rename(this.#path('acked.new'), this.#path('acked'));
    this.#savedAck = this.#acked;
  }
}
