/**
 * From people to what a store wants to know: who crosses which line, how long
 * somebody stays in which zone, where people are, how many, and what is above a
 * limit. Adds to the state and gives events; keeps nothing of a picture.
 */
import {
  GRID,
  type Box,
  type CameraSettings,
  type CountingLine,
  type EdgeEvent,
  type Place,
  type Track,
  type WatchState,
} from '../../edge/messages.ts';
import { area, centre, isAtEdge, isThere } from './tracks.ts';

/** How far beyond a line somebody has to be, so that swaying on it is no crossing. */
const BEYOND_LINE = 0.012;
/** Somebody of whom the edge of the picture leaves less crosses no line any more. */
const CUT = 0.45;
/** How far outside a zone somebody has to be to have left it. */
const BEYOND_ZONE = 0.03;
const SHORTEST_VISIT = 1;
/** Seconds for which a number of people has to hold until it is told. */
const SETTLED = 0.5;

export interface Moment {
  readonly frame: number;
  /** Frames that this one stands for. */
  readonly frames: number;
  readonly rate: number;
  readonly at: (frame: number) => number;
}

/** Above 0 to the right of the line, looking along it; in parts of the picture. */
function beyond({ from, to }: CountingLine, [x, y]: Place): number {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  return (dx * (y - from[1]) - dy * (x - from[0])) / Math.hypot(dx, dy);
}

/** Whether the place is abreast of the line, and not past one of its ends. */
function isAbreast({ from, to }: CountingLine, [x, y]: Place): boolean {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const along = (dx * (x - from[0]) + dy * (y - from[1])) / (dx * dx + dy * dy);
  return along >= -0.02 && along <= 1.02;
}

function crossLines(track: Track, lines: readonly CountingLine[], frame: number): void {
  if (isAtEdge(track.box) && area(track.box) < CUT * track.most) return;
  const place = centre(track.box);
  for (const [at, line] of lines.entries()) {
    const far = beyond(line, place);
    if (Math.abs(far) < BEYOND_LINE) continue;
    const side = Math.sign(far);
    const before = track.sides[at] ?? 0;
    track.sides[at] = side;
    if (before === 0 || before === side || !isAbreast(line, place)) continue;
    track.pending.push({ line: at, direction: side > 0 ? 'in' : 'out', frame });
  }
}

function isIn([left, top, width, height]: Box, [x, y]: Place, margin: number): boolean {
  return (
    x >= left - margin &&
    x <= left + width + margin &&
    y >= top - margin &&
    y <= top + height + margin
  );
}

/** Where somebody stands. */
function feet([left, top, width, height]: Box): Place {
  return [left + width / 2, Math.min(1, top + height)];
}

function cellOf([x, y]: Place): number {
  const [columns, rows] = GRID;
  const column = Math.min(columns - 1, Math.max(0, Math.floor(x * columns)));
  const row = Math.min(rows - 1, Math.max(0, Math.floor(y * rows)));
  return row * columns + column;
}

function visit(
  track: Track,
  settings: CameraSettings,
  { frame, rate, at }: Moment,
  events: EdgeEvent[],
): void {
  const place = feet(track.box);
  for (const [index, { name, box }] of settings.zones.entries()) {
    const since = track.zones[index] ?? -1;
    if (since === -1) {
      if (isIn(box, place, 0)) track.zones[index] = frame;
      continue;
    }
    const seconds = (frame - since) / rate;
    if (!isIn(box, place, BEYOND_ZONE)) {
      leave(track, index, name, seconds, { at: at(frame), events });
    } else if (settings.waiting > 0 && seconds >= settings.waiting && !track.warned[index]) {
      track.warned[index] = true;
      events.push({ kind: 'alarm', alarm: 'waiting', at: at(frame), zone: name, seconds });
    }
  }
}

function leave(
  track: Track,
  index: number,
  zone: string,
  seconds: number,
  { at, events }: { at: number; events: EdgeEvent[] },
): void {
  track.zones[index] = -1;
  track.warned[index] = false;
  if (seconds >= SHORTEST_VISIT) events.push({ kind: 'visit', at, zone, seconds });
}

/** Somebody is gone: visits end where they were seen last. */
export function endVisits(
  track: Track,
  { zones }: CameraSettings,
  { frame, rate, at }: Moment,
  events: EdgeEvent[],
): void {
  for (const [index, since] of track.zones.entries()) {
    const zone = zones[index];
    if (since === -1 || since === undefined || !zone || !track.isPerson) continue;
    leave(track, index, zone.name, (frame - since) / rate, { at: at(frame), events });
  }
}

/** One analysed frame. */
export function notice(state: WatchState, settings: CameraSettings, moment: Moment): EdgeEvent[] {
  const events: EdgeEvent[] = [];
  const { frame, frames, rate, at } = moment;
  let people = 0;
  for (const track of state.tracks) {
    crossLines(track, settings.lines, frame);
    if (!isThere(track)) continue;
    people++;
    for (const { line, direction, frame: when } of track.pending.splice(0)) {
      events.push({ kind: 'line', at: at(when), line: settings.lines[line]!.name, direction });
    }
    visit(track, settings, moment, events);
    const cell = cellOf(feet(track.box));
    state.heat[cell] = (state.heat[cell] ?? 0) + frames;
  }
  if (people !== state.newPeople) {
    state.newPeople = people;
    state.newSince = frame;
  }
  if (state.newPeople !== state.people && frame - state.newSince >= SETTLED * rate) {
    state.people = state.newPeople;
    events.push({ kind: 'occupancy', at: at(state.newSince), people: state.people });
    const isCrowd = settings.crowd > 0 && state.people >= settings.crowd;
    if (isCrowd && !state.isCrowd) {
      events.push({ kind: 'alarm', alarm: 'crowd', at: at(state.newSince), people: state.people });
    }
    state.isCrowd = isCrowd;
  }
  return events;
}

/** What the heat map got since the last time, once it is due; what is no whole tenth waits. */
export function heatEvent(
  state: WatchState,
  { heatEvery }: CameraSettings,
  { frame, rate, at }: Moment,
): EdgeEvent | undefined {
  if (frame === 0 || frame % Math.max(1, Math.round(heatEvery * rate)) !== 0) return undefined;
  return takeHeat(state, { rate, at: at(frame) });
}

function takeHeat(
  state: WatchState,
  { rate, at }: { rate: number; at: number },
): EdgeEvent | undefined {
  const cells: number[] = [];
  for (const [cell, frames] of Object.entries(state.heat)) {
    const tenths = Math.floor((frames * 10) / rate + 1e-9);
    if (tenths === 0) continue;
    cells.push(Number(cell), tenths);
    const rest = frames - (tenths * rate) / 10;
    if (rest > 1e-9) state.heat[Number(cell)] = rest;
    else delete state.heat[Number(cell)];
  }
  // Of what was seen until just before, so that an hour's heat is in its hour.
  return cells.length > 0 ? { kind: 'heat', at: at - 1, cells } : undefined;
}

/** The footage is over: whoever is there is gone, and the rest of the heat is told. */
export function endAll(state: WatchState, settings: CameraSettings, moment: Moment): EdgeEvent[] {
  const events: EdgeEvent[] = [];
  const { frame, rate, at } = moment;
  for (const track of state.tracks) endVisits(track, settings, moment, events);
  state.tracks = [];
  const heat = takeHeat(state, { rate, at: at(frame) });
  if (heat) events.push(heat);
  if (state.people > 0) events.push({ kind: 'occupancy', at: at(frame), people: 0 });
  Object.assign(state, { people: 0, newPeople: 0, isCrowd: false });
  return events;
}
