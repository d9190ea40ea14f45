/**
 * What a camera's frames become: its settings, the events that leave the store,
 * and what crosses to the worker thread that watches. Plain data only. Places
 * are fractions of the picture, from its left and its top.
 */

export type Place = readonly [x: number, y: number];
export type Box = readonly [left: number, top: number, width: number, height: number];

/** Crossings are counted from its left to its right, looking from `from` to `to`, as `in`. */
export interface CountingLine {
  readonly name: string;
  readonly from: Place;
  readonly to: Place;
}

export interface Zone {
  readonly name: string;
  readonly box: Box;
}

/** Of one camera. Every field has a default, see docs/reference/edge.md. */
export interface CameraSettings {
  /** Frames a second that are analysed while something moves. */
  readonly fps: number;
  /** The same while nothing does. */
  readonly idleFps: number;
  /** Seconds without anything moving until that. */
  readonly idleAfter: number;
  readonly lines: readonly CountingLine[];
  readonly zones: readonly Zone[];
  /** Smallest person, as part of the picture's area. */
  readonly minArea: number;
  /** Seconds of footage that one heat event sums up. */
  readonly heatEvery: number;
  /** As many people at once are a crowd. 0: no alarm. */
  readonly crowd: number;
  /** Seconds in one zone after which somebody waits too long. 0: no alarm. */
  readonly waiting: number;
  /** Seconds that somebody may stand still before the picture without them is forgotten. */
  readonly longestStay: number;
}

/** Milliseconds since the epoch at which the camera saw it. */
interface Seen {
  readonly at: number;
}

export type EdgeEvent =
  | (Seen & { readonly kind: 'line'; readonly line: string; readonly direction: 'in' | 'out' })
  | (Seen & { readonly kind: 'visit'; readonly zone: string; readonly seconds: number })
  /** Tenths of person-seconds by cell: index, tenths, index, tenths… by rising index. */
  | (Seen & { readonly kind: 'heat'; readonly cells: readonly number[] })
  | (Seen & { readonly kind: 'occupancy'; readonly people: number })
  | (Seen & { readonly kind: 'alarm'; readonly alarm: 'crowd'; readonly people: number })
  | (Seen & {
      readonly kind: 'alarm';
      readonly alarm: 'waiting';
      readonly zone: string;
      readonly seconds: number;
    });

/** Somebody followed from frame to frame. */
export interface Track {
  readonly id: number;
  box: Box;
  /** What the box moves by in a frame. */
  speed: readonly [x: number, y: number];
  /** Mean luma and chroma of what moves. */
  look: readonly [y: number, u: number, v: number];
  /** Area that was seen of it lately, at most. */
  most: number;
  readonly born: number;
  readonly bornAt: Place;
  /** Frames in which it was seen, and in a row in which it was not. */
  hits: number;
  missed: number;
  /** Seen often enough, and it moved or came in over the edge: a person. */
  isPerson: boolean;
  /** The frame from which on it stood still. */
  stillSince: number;
  /** Side of each line, and crossings not told yet because it is no person yet. */
  sides: number[];
  pending: { line: number; direction: 'in' | 'out'; frame: number }[];
  /** First frame of the visit by zone, -1 when it is not there. */
  zones: number[];
  warned: boolean[];
}

/** What is known of a camera between two calls, beside its memory. */
export interface WatchState {
  /** Number of the next frame. */
  frame: number;
  /** Frames that the background was learned from, at most the time constant. */
  learned: number;
  /** The last frame in which anything moved. */
  lastMove: number;
  /** Frames put by while nothing moved, to be looked at when something does. */
  kept: number;
  nextTrack: number;
  tracks: Track[];
  /** Frames by cell since the last heat event, sparse. */
  heat: Record<number, number>;
  people: number;
  /** A number of people that was not told yet, and since which frame. */
  newPeople: number;
  newSince: number;
  isCrowd: boolean;
  /** Frames seen, and analysed. */
  seen: number;
  analysed: number;
}

export interface WatchInput {
  /** Of `watchBytes()`; the background and what is put by. */
  readonly memory: SharedArrayBuffer;
  readonly state: WatchState;
  readonly settings: CameraSettings;
  /** Frames of `FRAME_BYTES` each, one after the other, yuv420p. */
  readonly frames: ArrayBuffer;
  /** Frames a second that are given. */
  readonly rate: number;
  /** Time of frame 0. */
  readonly origin: number;
  /** Nothing comes after these frames: what has begun ends. Default false. */
  readonly isEnd?: boolean;
  /** Also answer with the people of every analysed frame. Default false. */
  readonly trace?: boolean;
}

export interface WatchedFrame {
  readonly frame: number;
  readonly people: readonly Box[];
}

export interface WatchOutput {
  readonly state: WatchState;
  readonly events: readonly EdgeEvent[];
  readonly trace?: readonly WatchedFrame[];
}

/** Columns and rows of every heat map. */
export const GRID: readonly [columns: number, rows: number] = [32, 18];

/** Size in which every camera is watched; what the camera gives is scaled to it. */
export const WIDTH = 192;
export const HEIGHT = 108;
export const PIXELS: number = WIDTH * HEIGHT;
export const CHROMA: number = (WIDTH / 2) * (HEIGHT / 2);
export const FRAME_BYTES: number = PIXELS + 2 * CHROMA;
/** Frames that can be put by. */
export const KEPT_FRAMES = 12;

/** Mean and variance of luma, means of chroma as 4-byte numbers, the frames put by, the last mask. */
export function watchBytes(): number {
  return 4 * (2 * PIXELS + 2 * CHROMA) + KEPT_FRAMES * FRAME_BYTES + PIXELS;
}

export function freshState(): WatchState {
  return {
    frame: 0,
    learned: 0,
    lastMove: 0,
    kept: 0,
    nextTrack: 1,
    tracks: [],
    heat: {},
    people: 0,
    newPeople: 0,
    newSince: 0,
    isCrowd: false,
    seen: 0,
    analysed: 0,
  };
}
