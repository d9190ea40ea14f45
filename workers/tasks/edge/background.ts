/**
 * What a camera sees when nobody is there: mean and variance of every pixel's
 * brightness, and its mean colour, learned slowly. Tells what of a frame is not
 * background and what is only a shadow on it. Pure arithmetic on given memory.
 */
import {
  CHROMA,
  FRAME_BYTES,
  HEIGHT,
  KEPT_FRAMES,
  PIXELS,
  WIDTH,
  type Box,
} from '../../edge/messages.ts';

// Own constants, because a loop that reads an import is slower where modules are wrapped.
const [ACROSS, DOWN, SIZE, SMALL] = [WIDTH, HEIGHT, PIXELS, CHROMA];

export const BACKGROUND = 0;
export const SHADOW = 1;
export const FOREGROUND = 2;
/** As dark as a deep shadow, or as something grey: part of a person, but never all of one. */
export const DUSK = 3;

/** Settings of the detector, chosen on the frames of the set `tune`. */
export const VISION = {
  /** Analysed frames over which the background is a mean. */
  memory: 60,
  /** The same where something stands that is no person. */
  absorb: 200,
  /** Smallest difference of brightness that counts, and as a multiple of the deviation. */
  luma: 18,
  deviations: 3.5,
  /** Smallest difference of colour that counts. */
  chroma: 14,
  /** A shadow leaves so much of the brightness, a deep one so much, and the colour in proportion. */
  shadowFrom: 0.7,
  duskFrom: 0.35,
  shadowChroma: 8,
  /** Part of a person that is neither shadow nor dusk, at least. */
  clear: 0.25,
  /** Above this part of the picture it is the light or the camera that changed. */
  everything: 0.75,
} as const;

export interface Memory {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly meanU: Float32Array;
  readonly meanV: Float32Array;
  readonly kept: Uint8Array;
  readonly mask: Uint8Array;
}

export function viewMemory(buffer: SharedArrayBuffer): Memory {
  let at = 0;
  const floats = (length: number): Float32Array => {
    const view = new Float32Array(buffer, at, length);
    at += 4 * length;
    return view;
  };
  const bytes = (length: number): Uint8Array => {
    const view = new Uint8Array(buffer, at, length);
    at += length;
    return view;
  };
  return {
    mean: floats(SIZE),
    variance: floats(SIZE),
    meanU: floats(SMALL),
    meanV: floats(SMALL),
    kept: bytes(KEPT_FRAMES * FRAME_BYTES),
    mask: bytes(SIZE),
  };
}

/** A frame's planes. */
export interface Frame {
  readonly y: Uint8Array;
  readonly u: Uint8Array;
  readonly v: Uint8Array;
}

export function frameOf(bytes: Uint8Array): Frame {
  return {
    y: bytes.subarray(0, SIZE),
    u: bytes.subarray(SIZE, SIZE + SMALL),
    v: bytes.subarray(SIZE + SMALL, FRAME_BYTES),
  };
}

export function learnFirst(
  { mean, variance, meanU, meanV, mask }: Memory,
  { y, u, v }: Frame,
): void {
  mean.set(y);
  variance.fill(16);
  meanU.set(u);
  meanV.set(v);
  mask.fill(BACKGROUND);
}

/** The value in the middle of a histogram. */
function middle(histogram: Uint32Array, count: number): number {
  let sum = 0;
  for (let at = 0; at < histogram.length; at++) {
    sum += histogram[at]!;
    if (sum * 2 >= count) return at;
  }
  return histogram.length >> 1;
}

const ratios = new Uint32Array(512);
const tints = new Uint32Array(512);

/** How much brighter all of the background is than it was learned: cameras and daylight change. */
function gainOf({ mean, mask }: Memory, y: Uint8Array): number {
  ratios.fill(0);
  let count = 0;
  for (let at = 0; at < SIZE; at += 3) {
    if (mask[at]! >= FOREGROUND || mean[at]! < 24) continue;
    const ratio = Math.round((y[at]! / mean[at]!) * 256);
    ratios[ratio < 511 ? ratio : 511]!++;
    count++;
  }
  if (count < SIZE / 30) return 1;
  const gain = middle(ratios, count) / 256;
  return Math.min(1.4, Math.max(0.7, gain));
}

function tintOf(mean: Float32Array, plane: Uint8Array): number {
  tints.fill(0);
  let count = 0;
  for (let at = 0; at < SMALL; at += 2) {
    tints[Math.min(511, Math.max(0, Math.round(plane[at]! - mean[at]!) + 256))]!++;
    count++;
  }
  return middle(tints, count) - 256;
}

/** Fills the mask; returns the part of the picture that is foreground. */
export function classify(memory: Memory, { y, u, v }: Frame): number {
  const { mean, variance, meanU, meanV, mask } = memory;
  const gain = gainOf(memory, y);
  const tintU = tintOf(meanU, u);
  const tintV = tintOf(meanV, v);
  const { luma, deviations, chroma, shadowFrom, duskFrom, shadowChroma } = VISION;
  let count = 0;
  for (let row = 0, at = 0; row < DOWN; row++) {
    const half = (row >> 1) * (ACROSS >> 1);
    for (let column = 0; column < ACROSS; column++, at++) {
      const expected = mean[at]! * gain;
      const difference = y[at]! - expected;
      const size = difference < 0 ? -difference : difference;
      const small = half + (column >> 1);
      const du = u[small]! - meanU[small]! - tintU;
      const dv = v[small]! - meanV[small]! - tintV;
      const colour = (du < 0 ? -du : du) + (dv < 0 ? -dv : dv);
      const limit = Math.max(luma, deviations * Math.sqrt(variance[at]!));
      if (size < limit && colour < chroma) {
        mask[at] = BACKGROUND;
        continue;
      }
      const left = y[at]! / expected;
      const isShade =
        left < 1 &&
        left > duskFrom &&
        Math.abs(u[small]! - tintU - 128 - left * (meanU[small]! - 128)) +
          Math.abs(v[small]! - tintV - 128 - left * (meanV[small]! - 128)) <
          shadowChroma;
      mask[at] = !isShade ? FOREGROUND : left > shadowFrom ? SHADOW : DUSK;
      if (!isShade) count++;
    }
  }
  return count / SIZE;
}

/** Where people are, in pixels: there the background stays as it is. */
export type Area = { left: number; top: number; right: number; bottom: number };

export function areaOf([left, top, width, height]: Box, grow = 2): Area {
  return {
    left: Math.max(0, Math.floor(left * ACROSS) - grow),
    top: Math.max(0, Math.floor(top * DOWN) - grow),
    right: Math.min(ACROSS, Math.ceil((left + width) * ACROSS) + grow),
    bottom: Math.min(DOWN, Math.ceil((top + height) * DOWN) + grow),
  };
}

const held = new Uint8Array(SIZE);

/** Learns from a classified frame, but not where people are. */
export function learn(
  { mean, variance, meanU, meanV, mask }: Memory,
  { y, u, v }: Frame,
  { learned, people }: { learned: number; people: readonly Area[] },
): void {
  held.fill(0);
  for (const { left, top, right, bottom } of people) {
    for (let row = top; row < bottom; row++)
      held.fill(1, row * ACROSS + left, row * ACROSS + right);
  }
  const usual = 1 / Math.min(VISION.memory, learned + 1);
  const slow = 1 / VISION.absorb;
  for (let row = 0, at = 0; row < DOWN; row++) {
    const half = (row >> 1) * (ACROSS >> 1);
    for (let column = 0; column < ACROSS; column++, at++) {
      if (held[at] === 1) continue;
      const rate = mask[at] === BACKGROUND ? usual : slow;
      const difference = y[at]! - mean[at]!;
      mean[at]! += rate * difference;
      if (mask[at] === BACKGROUND) {
        const grown = variance[at]! + usual * (difference * difference - variance[at]!);
        variance[at] = grown < 4 ? 4 : grown;
      }
      if ((row & 1) === 0 && (column & 1) === 0) {
        const small = half + (column >> 1);
        meanU[small]! += rate * (u[small]! - meanU[small]!);
        meanV[small]! += rate * (v[small]! - meanV[small]!);
      }
    }
  }
}

/** Takes what is seen in an area as the background from now on. */
export function relearn(
  { mean, variance, meanU, meanV, mask }: Memory,
  { y, u, v }: Frame,
  { left, top, right, bottom }: Area,
): void {
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const at = row * ACROSS + column;
      mean[at] = y[at]!;
      variance[at] = 16;
      mask[at] = BACKGROUND;
      const small = (row >> 1) * (ACROSS >> 1) + (column >> 1);
      meanU[small] = u[small]!;
      meanV[small] = v[small]!;
    }
  }
}
