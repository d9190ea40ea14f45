/**
 * Heat as a store keeps it: per cell of a fixed grid the tenths of seconds that
 * somebody stood there, as a short text. Cells that nobody stood in take nothing.
 */

export const COLUMNS = 32;
export const ROWS = 18;
export const CELLS: number = COLUMNS * ROWS;

function varint(value: number, into: number[]): void {
  let rest = value;
  while (rest >= 128) {
    into.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  into.push(rest);
}

/** Pairs of the distance to the last cell and its tenths, as variable-length integers in base64. */
export function packHeat(tenths: ArrayLike<number>): string {
  const bytes: number[] = [];
  let last = -1;
  for (let cell = 0; cell < tenths.length; cell++) {
    const value = tenths[cell]!;
    if (value === 0) continue;
    varint(cell - last, bytes);
    varint(value, bytes);
    last = cell;
  }
  return Buffer.from(bytes).toString('base64');
}

/** Adds packed heat to a map. */
export function addHeat(packed: string, to: Float64Array): void {
  const bytes = Buffer.from(packed, 'base64');
  let cell = -1;
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    cell += next();
    to[cell]! += next();
  }
}

export function emptyHeat(): Float64Array {
  return new Float64Array(CELLS);
}
