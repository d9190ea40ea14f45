/**
 * Made-up footage, the same every time: a floor and a wall with the noise of a
 * sensor, and people as dark shapes that come in from below, stand at a table
 * and leave to the right. A Y4M file, so nothing has to encode it.
 */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

const WIDTH = 192;
const HEIGHT = 108;
const RATE = 10;

interface Visitor {
  /** Seconds at which the visitor comes and goes. */
  readonly from: number;
  readonly to: number;
  readonly luma: number;
}

const VISITORS: readonly Visitor[] = [
  { from: 8, to: 22, luma: 40 },
  { from: 30, to: 40, luma: 70 },
  { from: 48, to: 66, luma: 25 },
];
export const SECONDS = 75;

/** Where somebody's feet are, as parts of the picture; undefined when outside. */
function feet({ from, to }: Visitor, at: number): readonly [x: number, y: number] | undefined {
  const walk = 2.5;
  if (at < from || at > to) return undefined;
  if (at < from + walk) {
    const part = (at - from) / walk;
    return [0.3 + 0.25 * part, 1.5 - 0.6 * part];
  }
  if (at < to - walk) return [0.55, 0.9];
  return [0.55 + 0.6 * ((at - (to - walk)) / walk), 0.9];
}

/** Numbers from 0 to 1 that look like chance and are the same every time. */
function createNoise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export async function writeTape(path: string): Promise<void> {
  const file = createWriteStream(path);
  const noise = createNoise(7);
  file.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`);
  for (let frame = 0; frame < SECONDS * RATE; frame++) {
    const y = Buffer.alloc(WIDTH * HEIGHT);
    const uv = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
    for (let at = 0; at < y.length; at++) {
      const isWall = at < WIDTH * HEIGHT * 0.55;
      y[at] = (isWall ? 190 : 120) + Math.round((noise() + noise() - 1) * 6);
    }
    for (const visitor of VISITORS) {
      const place = feet(visitor, frame / RATE);
      if (place) draw(y, place, visitor.luma);
    }
    if (!file.write(Buffer.concat([Buffer.from('FRAME\n'), y, uv]))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}

/** A head on a body, 0.7 of the picture high. */
function draw(y: Buffer, [left, bottom]: readonly [number, number], luma: number): void {
  const x = left * WIDTH;
  const base = bottom * HEIGHT;
  const tall = 0.7 * HEIGHT;
  for (let row = Math.max(0, Math.round(base - tall)); row < Math.min(HEIGHT, base); row++) {
    const up = (base - row) / tall;
    const half = up > 0.85 ? 6 : up > 0.4 ? 14 : 9;
    const from = Math.max(0, Math.round(x - half));
    const to = Math.min(WIDTH, Math.round(x + half));
    if (to > from) y.fill(luma, row * WIDTH + from, row * WIDTH + to);
  }
}
