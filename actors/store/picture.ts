/** A heat map as a PNG: a smooth picture from few cells, dark where nobody stood. Pure. */
import { crc32, deflateSync } from 'node:zlib';
import type { HeatMap } from './api.ts';

/** Pixels a cell. */
const SCALE = 20;
/** From nobody to most, as red, green, blue. */
const COLOURS: readonly (readonly [number, number, number])[] = [
  [18, 20, 32],
  [48, 24, 102],
  [122, 31, 119],
  [199, 58, 85],
  [244, 128, 42],
  [252, 230, 130],
];

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

/** Eight bits of red, green and blue a pixel. */
export function pngOf(width: number, height: number, rgb: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const lines = Buffer.alloc((1 + 3 * width) * height);
  for (let row = 0; row < height; row++) {
    lines.set(rgb.subarray(3 * width * row, 3 * width * (row + 1)), (1 + 3 * width) * row + 1);
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', new Uint8Array()),
  ]);
}

export function pictureOf({ columns, rows, seconds }: HeatMap): Buffer {
  const width = columns * SCALE;
  const height = rows * SCALE;
  const most = seconds.reduce((sum, value) => Math.max(sum, value), 0) || 1;
  const at = (column: number, row: number): number => {
    const inColumns = Math.min(columns - 1, Math.max(0, column));
    const inRows = Math.min(rows - 1, Math.max(0, row));
    // The root shows where few people were beside where many were.
    return Math.sqrt(seconds[inRows * columns + inColumns]! / most);
  };
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const row = (y + 0.5) / SCALE - 0.5;
    const top = Math.floor(row);
    for (let x = 0; x < width; x++) {
      const column = (x + 0.5) / SCALE - 0.5;
      const left = Math.floor(column);
      const [right, down] = [column - left, row - top];
      const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
      const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
      paint(rgb, 3 * (y * width + x), upper * (1 - down) + lower * down);
    }
  }
  return pngOf(width, height, rgb);
}

function paint(rgb: Uint8Array, at: number, heat: number): void {
  const place = heat * (COLOURS.length - 1);
  const index = Math.min(COLOURS.length - 2, Math.floor(place));
  const part = place - index;
  for (let channel = 0; channel < 3; channel++) {
    const [from, to] = [COLOURS[index]![channel]!, COLOURS[index + 1]![channel]!];
    rgb[at + channel] = Math.round(from + part * (to - from));
  }
}
