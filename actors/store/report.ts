/**
 * Reads what an edge packed; the other side is workers/edge/report.ts. Nothing
 * of it is trusted: a report that is not right is refused as a whole.
 */
import { inflateRawSync } from 'node:zlib';
import { ActorError } from 'troupe/actor';
import { CELLS } from './heat.ts';

export type LaneName = 'now' | 'record';
export const LANES: readonly LaneName[] = ['now', 'record'];

export type StoreEvent =
  | { readonly kind: 'line'; readonly at: number; readonly line: string; readonly isIn: boolean }
  | { readonly kind: 'visit'; readonly at: number; readonly zone: string; readonly tenths: number }
  /** Cell and tenths in turn. */
  | { readonly kind: 'heat'; readonly at: number; readonly cells: readonly number[] }
  | { readonly kind: 'occupancy'; readonly at: number; readonly people: number }
  | { readonly kind: 'crowd'; readonly at: number; readonly people: number }
  | {
      readonly kind: 'waiting';
      readonly at: number;
      readonly zone: string;
      readonly tenths: number;
    };

export type Part =
  | { readonly from: number; readonly events: readonly StoreEvent[] }
  | {
      readonly from: number;
      readonly to: number;
      readonly why: string;
      readonly kinds: Readonly<Record<string, number>>;
    };

export interface Status {
  readonly version: number;
  readonly error?: string;
  readonly seen: number;
  readonly analysed: number;
  readonly waiting: number;
}

export interface OpenReport {
  readonly lanes: Readonly<Partial<Record<LaneName, readonly Part[]>>>;
  readonly status: Status | undefined;
}

/** Largest report once it is unpacked. */
const MOST_BYTES = 4 * 1024 * 1024;
const NAME = /^[\w.-]{1,32}$/;
const WHY = ['limit', 'ttl', 'damage', 'centre'];
const LONGEST_ERROR = 300;

function refuse(what: string): never {
  throw new ActorError('INVALID_REPORT', `the report is refused: ${what}`, { status: 400 });
}

function whole(value: unknown, what: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  return refuse(`${what} is no whole number from 0`);
}

function name(value: unknown, what: string): string {
  if (typeof value === 'string' && NAME.test(value)) return value;
  return refuse(`${what} is no name`);
}

function list(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(`${what} is no list`);
}

function heat(values: readonly unknown[], at: number): StoreEvent {
  const cells: number[] = [];
  let cell = 0;
  for (let index = 0; index < values.length; index += 2) {
    cell += whole(values[index], 'a cell');
    if (cell >= CELLS) refuse('a cell is beyond the grid');
    cells.push(cell, whole(values[index + 1], 'the heat of a cell'));
  }
  return { kind: 'heat', at, cells };
}

function eventOf(packed: unknown, base: number): StoreEvent {
  const [kind, after, ...values] = list(packed, 'an event');
  const at = base + (Number.isSafeInteger(after) ? (after as number) : refuse('a time is wrong'));
  if (!(at >= 0 && at < 8e15)) refuse('a time is wrong');
  switch (kind) {
    case 'l':
      return { kind: 'line', at, line: name(values[0], 'a line'), isIn: values[1] === 1 };
    case 'v':
      return {
        kind: 'visit',
        at,
        zone: name(values[0], 'a zone'),
        tenths: whole(values[1], 'a visit'),
      };
    case 'h':
      return heat(values, at);
    case 'o':
      return { kind: 'occupancy', at, people: whole(values[0], 'a number of people') };
    case 'c':
      return { kind: 'crowd', at, people: whole(values[0], 'a number of people') };
    case 'w':
      return {
        kind: 'waiting',
        at,
        zone: name(values[0], 'a zone'),
        tenths: whole(values[1], 'a waiting time'),
      };
    default:
      return refuse(`there is no event "${String(kind)}"`);
  }
}

function partOf(packed: unknown): Part {
  const [from, second, third, fourth] = list(packed, 'a part');
  const first = whole(from, 'a number of an event');
  if (typeof third !== 'string') {
    const base = whole(second, 'a time');
    return { from: first, events: list(third, 'events').map((event) => eventOf(event, base)) };
  }
  const to = whole(second, 'the end of a loss');
  if (to < first) refuse('a loss ends before it begins');
  if (!WHY.includes(third)) refuse('a loss has no known reason');
  const kinds: Record<string, number> = {};
  for (const [kind, count] of Object.entries((fourth ?? {}) as object)) {
    kinds[name(kind, 'a kind')] = whole(count, 'a number of lost events');
  }
  return { from: first, to, why: third, kinds };
}

function statusOf(status: unknown): Status | undefined {
  if (status === undefined) return undefined;
  const { version, error, seen, analysed, waiting } = (status ?? {}) as Record<string, unknown>;
  return {
    version: whole(version, 'a version'),
    seen: whole(seen, 'frames seen'),
    analysed: whole(analysed, 'frames analysed'),
    waiting: whole(waiting, 'bytes that wait'),
    ...(typeof error === 'string' ? { error: error.slice(0, LONGEST_ERROR) } : {}),
  };
}

/** Throws ActorError INVALID_REPORT. */
export function openReport(packed: unknown): OpenReport {
  if (typeof packed !== 'string') refuse('there is nothing packed in it');
  let body: Record<string, unknown>;
  try {
    const bytes = inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_BYTES });
    body = JSON.parse(bytes.toString()) as Record<string, unknown>;
  } catch (error) {
    refuse(`it cannot be unpacked: ${(error as Error).message}`);
  }
  if (typeof body !== 'object' || body === null) refuse('it is no object');
  const lanes: Partial<Record<LaneName, Part[]>> = {};
  for (const lane of LANES) {
    if (body[lane] !== undefined) lanes[lane] = list(body[lane], `lane ${lane}`).map(partOf);
  }
  return { lanes, status: statusOf(body['status']) };
}
