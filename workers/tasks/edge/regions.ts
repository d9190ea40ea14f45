/**
 * From a mask to the regions that may be people: noise goes, holes close, what
 * hangs together is one region, and parts of one body join. Also tells a region
 * that somebody left behind from one where somebody is.
 */
import { HEIGHT, PIXELS, WIDTH, type Box } from '../../edge/messages.ts';
import { FOREGROUND, SHADOW, VISION, type Frame, type Memory } from './background.ts';

const [ACROSS, DOWN, SIZE] = [WIDTH, HEIGHT, PIXELS];
const [MOVING, SHADED]: readonly [number, number] = [FOREGROUND, SHADOW];

export interface Region {
  readonly box: Box;
  /** Pixels that are foreground. */
  readonly pixels: number;
  readonly look: readonly [y: number, u: number, v: number];
  /** It touches the edge of the picture. */
  readonly atEdge: boolean;
}

const rows = new Uint8Array(SIZE);
const clean = new Uint8Array(SIZE);
const labels = new Int32Array(SIZE);
const stack = new Int32Array(SIZE);

/** Foreground where most of the 3 by 3 pixels around are; then wider by a pixel. */
function tidy(mask: Uint8Array): void {
  for (let row = 0; row < DOWN; row++) {
    const start = row * ACROSS;
    for (let column = 0; column < ACROSS; column++) {
      const at = start + column;
      let sum = mask[at]! >= MOVING ? 1 : 0;
      if (column > 0 && mask[at - 1]! >= MOVING) sum++;
      if (column < ACROSS - 1 && mask[at + 1]! >= MOVING) sum++;
      rows[at] = sum;
    }
  }
  for (let row = 0; row < DOWN; row++) {
    for (let column = 0; column < ACROSS; column++) {
      const at = row * ACROSS + column;
      let sum = rows[at]!;
      if (row > 0) sum += rows[at - ACROSS]!;
      if (row < DOWN - 1) sum += rows[at + ACROSS]!;
      clean[at] = sum >= 5 ? 1 : 0;
    }
  }
}

interface Part {
  left: number;
  top: number;
  right: number;
  bottom: number;
  pixels: number;
  /** Pixels that are no dusk. */
  clear: number;
  y: number;
  u: number;
  v: number;
}

/** Every set of pixels that are within two of each other. */
function partsOf(mask: Uint8Array, { y, u, v }: Frame): Part[] {
  labels.fill(0);
  const parts: Part[] = [];
  for (let first = 0; first < SIZE; first++) {
    if (clean[first] === 0 || labels[first] !== 0) continue;
    const label = parts.length + 1;
    const part: Part = {
      left: ACROSS,
      top: DOWN,
      right: 0,
      bottom: 0,
      pixels: 0,
      clear: 0,
      y: 0,
      u: 0,
      v: 0,
    };
    let height = 0;
    stack[height++] = first;
    labels[first] = label;
    while (height > 0) {
      const at = stack[--height]!;
      const row = (at / ACROSS) | 0;
      const column = at - row * ACROSS;
      const small = (row >> 1) * (ACROSS >> 1) + (column >> 1);
      part.pixels++;
      if (mask[at] === MOVING) part.clear++;
      part.y += y[at]!;
      part.u += u[small]!;
      part.v += v[small]!;
      if (column < part.left) part.left = column;
      if (column >= part.right) part.right = column + 1;
      if (row < part.top) part.top = row;
      if (row >= part.bottom) part.bottom = row + 1;
      const fromRow = row < 2 ? 0 : row - 2;
      const toRow = row > DOWN - 3 ? DOWN - 1 : row + 2;
      const fromColumn = column < 2 ? 0 : column - 2;
      const toColumn = column > ACROSS - 3 ? ACROSS - 1 : column + 2;
      for (let r = fromRow; r <= toRow; r++) {
        for (let next = r * ACROSS + fromColumn; next <= r * ACROSS + toColumn; next++) {
          if (clean[next] === 0 || labels[next] !== 0) continue;
          labels[next] = label;
          stack[height++] = next;
        }
      }
    }
    parts.push(part);
  }
  return parts;
}

/** Parts above one another, or one inside the other, are of one body. */
function belong(a: Part, b: Part): boolean {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const narrow = Math.min(a.right - a.left, b.right - b.left);
  const gap = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom);
  return across > 0.4 * narrow && gap < DOWN * 0.08;
}

function join(a: Part, b: Part): void {
  a.left = Math.min(a.left, b.left);
  a.top = Math.min(a.top, b.top);
  a.right = Math.max(a.right, b.right);
  a.bottom = Math.max(a.bottom, b.bottom);
  a.pixels += b.pixels;
  a.clear += b.clear;
  a.y += b.y;
  a.u += b.u;
  a.v += b.v;
}

/** By how much somebody upright is higher than wide, and part of the picture's height at least. */
const UPRIGHT = 1.5;
const LEAST_UPRIGHT = 0.35;

/** Specks below this number of pixels are noise, whatever the settings say. */
const SPECK = 12;

/** All dusk, and not upright: a deep shadow, not somebody in grey. */
function isShade({ left, top, right, bottom, pixels, clear }: Part): boolean {
  const height = bottom - top;
  const isUpright = height > UPRIGHT * (right - left) && height > LEAST_UPRIGHT * DOWN;
  return clear < VISION.clear * pixels && !isUpright;
}

export function regionsOf({ mask }: Memory, frame: Frame, minArea: number): Region[] {
  tidy(mask);
  const parts = partsOf(mask, frame).filter(({ pixels }) => pixels >= SPECK);
  for (let joined = true; joined;) {
    joined = false;
    for (let i = 0; i < parts.length && !joined; i++) {
      const j = parts.findIndex((other, at) => at > i && belong(parts[i]!, other));
      if (j === -1) continue;
      join(parts[i]!, parts[j]!);
      parts.splice(j, 1);
      joined = true;
    }
  }
  return parts
    .filter((part) => part.pixels >= minArea * SIZE && !isShade(part))
    .map(({ left, top, right, bottom, pixels, y, u, v }) => ({
      box: [left / ACROSS, top / DOWN, (right - left) / ACROSS, (bottom - top) / DOWN] as const,
      pixels,
      look: [y / pixels, u / pixels, v / pixels] as const,
      atEdge: left === 0 || top === 0 || right === ACROSS || bottom === DOWN,
    }));
}

/**
 * True where something was taken away: the edges around the region are in what
 * was learned and not in what is seen.
 */
export function isGhost(
  { mean, mask }: Memory,
  { y }: Frame,
  { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number },
): boolean {
  let learned = 0;
  let seen = 0;
  for (let row = Math.max(1, top); row < Math.min(DOWN - 1, bottom); row++) {
    for (let column = Math.max(1, left); column < Math.min(ACROSS - 1, right); column++) {
      const at = row * ACROSS + column;
      if (mask[at]! < MOVING) continue;
      const isRim =
        mask[at - 1]! <= SHADED ||
        mask[at + 1]! <= SHADED ||
        mask[at - ACROSS]! <= SHADED ||
        mask[at + ACROSS]! <= SHADED;
      if (!isRim) continue;
      learned +=
        Math.abs(mean[at + 1]! - mean[at - 1]!) + Math.abs(mean[at + ACROSS]! - mean[at - ACROSS]!);
      seen += Math.abs(y[at + 1]! - y[at - 1]!) + Math.abs(y[at + ACROSS]! - y[at - ACROSS]!);
    }
  }
  return learned > 1.4 * seen;
}
