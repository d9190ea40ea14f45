/**
 * What a store keeps, and how events change it: one entry for its cameras and
 * one for each hour. Pure.
 */
import type { Alarm, Counts, Settings } from './api.ts';
import { addHeat, emptyHeat, packHeat } from './heat.ts';
import type { LaneName, Part, Status, StoreEvent } from './report.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface CameraEntry {
  stream: string;
  through: Record<LaneName, number>;
  desired: { version: number; settings: Settings } | null;
  reported: (Status & { at: number }) | null;
  occupancy: number;
  /** Time of the event that said so. */
  occupancyAt: number;
  events: number;
  totals: Mutable<Counts>;
  /** In and out, by line. */
  lines: Record<string, [number, number]>;
  lost: { events: number; kinds: Record<string, number>; why: Record<string, number> };
}

export interface Head {
  region: string | null;
  cameras: Record<string, CameraEntry>;
  /** Oldest first. */
  hours: string[];
  alarms: Alarm[];
  /** Hours of which the region does not know yet; null while nothing waits to be told. */
  untold: string[] | null;
}

export interface HourEntry {
  counts: Mutable<Counts>;
  most: number;
  /** Packed heat by camera. */
  heat: Record<string, string>;
}

/** Hours that a store keeps. */
export const KEPT_HOURS = 48;
export const LATEST_ALARMS = 20;

export function freshHead(): Head {
  return { region: null, cameras: {}, hours: [], alarms: [], untold: null };
}

export function noCounts(): Mutable<Counts> {
  return { in: 0, out: 0, visits: 0, visitTenths: 0, presentTenths: 0 };
}

export function freshHour(): HourEntry {
  return { counts: noCounts(), most: 0, heat: {} };
}

export function freshCamera(stream: string): CameraEntry {
  return {
    stream,
    through: { now: 0, record: 0 },
    desired: null,
    reported: null,
    occupancy: 0,
    occupancyAt: 0,
    events: 0,
    totals: noCounts(),
    lines: {},
    lost: { events: 0, kinds: {}, why: {} },
  };
}

export function hourOf(at: number): string {
  return new Date(at).toISOString().slice(0, 13);
}

export function addCounts(to: Mutable<Counts>, more: Counts, times = 1): void {
  for (const name of Object.keys(to) as (keyof Counts)[]) to[name] += times * more[name];
}

/** What an event adds to the counts; undefined for one that adds nothing. */
function countsOf(event: StoreEvent): Counts | undefined {
  const counts = noCounts();
  switch (event.kind) {
    case 'line':
      counts[event.isIn ? 'in' : 'out'] = 1;
      return counts;
    case 'visit':
      counts.visits = 1;
      counts.visitTenths = event.tenths;
      return counts;
    case 'heat':
      for (let at = 1; at < event.cells.length; at += 2) counts.presentTenths += event.cells[at]!;
      return counts;
    case 'occupancy':
    case 'crowd':
    case 'waiting':
      return undefined;
    default:
      return event satisfies never;
  }
}

export function countEvent(camera: CameraEntry, event: StoreEvent, hour: HourEntry): void {
  camera.events++;
  const counts = countsOf(event);
  if (counts) {
    addCounts(camera.totals, counts);
    addCounts(hour.counts, counts);
  }
  if (event.kind === 'line') {
    const line = (camera.lines[event.line] ??= [0, 0]);
    line[event.isIn ? 0 : 1]++;
  }
  if (event.kind === 'occupancy') {
    hour.most = Math.max(hour.most, event.people);
    if (event.at >= camera.occupancyAt) {
      camera.occupancy = event.people;
      camera.occupancyAt = event.at;
    }
  }
}

/** Adds heat events of one camera to the hour, all at once: unpacking costs more than adding. */
export function addHeatOf(hour: HourEntry, camera: string, events: readonly StoreEvent[]): void {
  const heat = emptyHeat();
  let isHot = false;
  for (const event of events) {
    if (event.kind !== 'heat') continue;
    isHot = true;
    for (let at = 0; at < event.cells.length; at += 2)
      heat[event.cells[at]!]! += event.cells[at + 1]!;
  }
  if (!isHot) return;
  addHeat(hour.heat[camera] ?? '', heat);
  hour.heat[camera] = packHeat(heat);
}

/** Loses numbers up to the end of a part; what is in the counts already is not lost. */
export function countLoss(
  { lost }: CameraEntry,
  { from, to, why, kinds }: Extract<Part, { readonly why: string }>,
  due: number,
): void {
  const events = to - Math.max(from, due) + 1;
  const known = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  const isExact = from >= due && known === events;
  lost.events += events;
  lost.why[why] = (lost.why[why] ?? 0) + events;
  for (const [kind, count] of Object.entries(isExact ? kinds : { unknown: events })) {
    lost.kinds[kind] = (lost.kinds[kind] ?? 0) + count;
  }
}
