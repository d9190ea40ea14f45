/**
 * Follows regions from frame to frame: which region is whom, who came, who is
 * gone, who is hidden by somebody else. A track is a person once it was seen
 * often enough and has moved or came in over the edge of the picture.
 */
import type { Box, Place, Track, WatchState } from '../../edge/messages.ts';
import type { Region } from './regions.ts';

/** Seconds, and parts of the picture. */
export const TRACKING = {
  /** Time from the first sighting until a track can be a person, and how far it has to have moved. */
  known: 0.2,
  moved: 0.04,
  /** Time without a sighting until a track ends: of no person, at the edge, elsewhere. */
  missedUnknown: 0.2,
  missedAtEdge: 0.3,
  missedInside: 1.5,
  /** Farthest way of a centre in a second, and from one analysed frame to the next. */
  jump: 1.6,
  farthest: 0.3,
  /** Largest difference of look by which somebody is known again after a gap. */
  look: 60,
  gap: 0.3,
  still: 0.012,
} as const;

/** By which the largest area that was seen fades in an analysed frame. */
const FADING = 0.99;

export function centre([left, top, width, height]: Box): Place {
  return [left + width / 2, top + height / 2];
}

function overlap(a: Box, b: Box): number {
  const across = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return across > 0 && down > 0 ? across * down : 0;
}

export const area = (box: Box): number => box[2] * box[3];
const distance = (a: Place, b: Place): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

function likeness(a: Track['look'], b: Track['look']): number {
  return Math.abs(a[0] - b[0]) + 2 * (Math.abs(a[1] - b[1]) + Math.abs(a[2] - b[2]));
}

/** A box no part of which is outside the picture, nor outside of `within`. */
function keepIn([left, top, width, height]: Box, within: Box): Box {
  const w = Math.min(width, within[2]);
  const h = Math.min(height, within[3]);
  return [
    Math.min(Math.max(left, within[0]), within[0] + within[2] - w),
    Math.min(Math.max(top, within[1]), within[1] + within[3] - h),
    w,
    h,
  ];
}

const ROUNDING = 1e-6;

export interface Sight {
  readonly frame: number;
  /** Since the last analysed frame. */
  readonly frames: number;
  /** Frames a second. */
  readonly rate: number;
}

interface Pair {
  readonly track: Track;
  readonly region: Region;
  readonly score: number;
}

function pairs(
  tracks: readonly Track[],
  regions: readonly Region[],
  { expected, step }: { expected: Map<Track, Box>; step: number },
): Pair[] {
  const all: Pair[] = [];
  const farthest = Math.min(TRACKING.farthest, TRACKING.jump * step);
  for (const track of tracks) {
    const box = expected.get(track)!;
    for (const region of regions) {
      const shared = overlap(box, region.box);
      const union = area(box) + area(region.box) - shared;
      const away = distance(centre(box), centre(region.box));
      const reach = farthest * (1 + 0.25 * track.missed);
      const inside = shared / Math.min(area(box), area(region.box));
      if (away > reach && !(inside > 0.5)) continue;
      // Somebody who was hidden is known by the look, not only by the place.
      const strange = likeness(track.look, region.look);
      if (track.missed * step > TRACKING.gap + ROUNDING && shared === 0 && strange > TRACKING.look)
        continue;
      all.push({ track, region, score: shared / union + 0.5 * (1 - away / reach) - strange / 400 });
    }
  }
  return all.toSorted((a, b) => b.score - a.score);
}

function see(track: Track, region: Region, { frame, frames, rate }: Sight): void {
  const before = centre(track.box);
  const after = centre(region.box);
  const blend = (old: number, now: number): number => 0.5 * old + (0.5 * now) / frames;
  track.speed = [
    blend(track.speed[0], after[0] - before[0]),
    blend(track.speed[1], after[1] - before[1]),
  ];
  if (distance(before, after) > TRACKING.still) track.stillSince = frame;
  const [y, u, v] = track.look;
  const near = (old: number, now: number): number => old + 0.2 * (now - old);
  track.look = [near(y, region.look[0]), near(u, region.look[1]), near(v, region.look[2])];
  track.box = region.box;
  track.most = Math.max(area(region.box), track.most * FADING);
  track.hits++;
  track.missed = 0;
  if (track.isPerson || track.hits < 2) return;
  if ((frame - track.born) / rate < TRACKING.known - ROUNDING) return;
  const { bornAt } = track;
  const cameIn = bornAt[0] === -1 || distance(bornAt, after) > TRACKING.moved;
  track.isPerson = cameIn;
}

function begin(state: WatchState, region: Region, frame: number): Track {
  return {
    id: state.nextTrack++,
    box: region.box,
    speed: [0, 0],
    look: region.look,
    most: area(region.box),
    born: frame,
    // Over the edge people come in; elsewhere they have to move first.
    bornAt: region.atEdge ? [-1, -1] : centre(region.box),
    hits: 1,
    missed: 0,
    isPerson: false,
    stillSince: frame,
    sides: [],
    pending: [],
    zones: [],
    warned: [],
  };
}

/** People who left over the edge are followed a moment longer, in case they come back, but do not count. */
export function isThere({ isPerson, missed, box }: Track): boolean {
  return isPerson && (missed === 0 || !isAtEdge(box));
}

export function isAtEdge([left, top, width, height]: Box): boolean {
  const margin = 0.03;
  return left < margin || top < margin || left + width > 1 - margin || top + height > 1 - margin;
}

/**
 * Brings the tracks to this frame; returns those that ended.
 */
export function follow(
  state: WatchState,
  regions: readonly Region[],
  { frame, frames, rate }: Sight,
): Track[] {
  const { tracks } = state;
  const step = frames / rate;
  const expected = new Map<Track, Box>(
    tracks.map((track) => {
      const [left, top, width, height] = track.box;
      const ahead = Math.min(frames, 5) * (track.missed > 0 ? 0.5 : 1);
      return [track, [left + track.speed[0] * ahead, top + track.speed[1] * ahead, width, height]];
    }),
  );
  const found = new Map<Track, Region>();
  const taken = new Map<Region, Track[]>();
  for (const { track, region } of pairs(tracks, regions, { expected, step })) {
    if (found.has(track) || taken.has(region)) continue;
    found.set(track, region);
    taken.set(region, [track]);
  }
  // Whoever was not found, and would be where another one is, is hidden by that one.
  for (const track of tracks) {
    if (found.has(track) || !track.isPerson) continue;
    const box = expected.get(track)!;
    const over = [...taken.keys()].find((region) => overlap(box, region.box) > 0.5 * area(box));
    if (over && taken.get(over)!.some(({ isPerson }) => isPerson)) {
      found.set(track, over);
      taken.get(over)!.push(track);
    }
  }
  for (const [region, group] of taken) {
    if (group.length === 1) {
      see(group[0]!, region, { frame, frames, rate });
      continue;
    }
    for (const track of group) {
      track.box = keepIn(expected.get(track)!, region.box);
      track.speed = [track.speed[0] * 0.8, track.speed[1] * 0.8];
      track.missed = 0;
    }
  }
  const gone: Track[] = [];
  for (const track of tracks) {
    if (found.has(track)) continue;
    track.missed++;
    track.speed = [track.speed[0] * 0.7, track.speed[1] * 0.7];
    const most = !track.isPerson
      ? TRACKING.missedUnknown
      : isAtEdge(track.box)
        ? TRACKING.missedAtEdge
        : TRACKING.missedInside;
    if (track.missed * step > most + ROUNDING) gone.push(track);
  }
  state.tracks = tracks.filter((track) => !gone.includes(track));
  for (const region of regions) {
    if (taken.has(region)) continue;
    // An arm or a bag apart from its body is no second person.
    const body = state.tracks.find(
      ({ box, missed }) => missed === 0 && overlap(box, region.box) > 0.5 * area(region.box),
    );
    if (!body) state.tracks.push(begin(state, region, frame));
  }
  return gone;
}
