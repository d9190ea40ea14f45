/** Explicit distances of a `.vrp` file, brought into the order depot first. */
import type { Line, Source } from './source.ts';

type Cells = (size: number) => Iterable<readonly [number, number]>;

function* triangle(
  size: number,
  columns: (row: number) => [number, number],
): Iterable<readonly [number, number]> {
  for (let row = 0; row < size; row++) {
    const [from, to] = columns(row);
    for (let column = from; column < to; column++) yield [row, column];
  }
}

const FORMATS: Readonly<Record<string, Cells>> = {
  FULL_MATRIX: (size) => triangle(size, () => [0, size]),
  LOWER_ROW: (size) => triangle(size, (row) => [0, row]),
  LOWER_DIAG_ROW: (size) => triangle(size, (row) => [0, row + 1]),
  UPPER_ROW: (size) => triangle(size, (row) => [row + 1, size]),
  UPPER_DIAG_ROW: (size) => triangle(size, (row) => [row, size]),
};

/** `order[i]` is the node of the file that becomes node `i`. */
export function readMatrix(
  source: Source,
  format: string | undefined,
  lines: readonly Line[] | undefined,
  order: readonly number[],
): Float64Array {
  const size = order.length;
  const cells = FORMATS[format ?? ''];
  if (!cells) {
    const known = Object.keys(FORMATS).join(', ');
    return source.fail(undefined, `EDGE_WEIGHT_FORMAT is ${format ?? 'missing'}; known: ${known}`);
  }
  if (!lines) return source.fail(undefined, 'there is no EDGE_WEIGHT_SECTION');
  const given = new Float64Array(size * size);
  const values = lines.flatMap((line) => line.words.map((_, column) => ({ line, column })));
  let at = 0;
  for (const [row, column] of cells(size)) {
    const cell = values[at++];
    if (!cell) return source.fail(lines.at(-1), `distances end before row ${row + 1} is full`);
    const value = source.number(cell.line, cell.column, 'distance');
    if (value < 0) source.fail(cell.line, `distance ${value} is below 0`);
    given[row * size + column] = value;
    if (format !== 'FULL_MATRIX') given[column * size + row] = value;
  }
  const extra = values[at];
  if (extra) source.fail(extra.line, `more distances than ${format} of ${size} nodes has`);
  const matrix = new Float64Array(size * size);
  order.forEach((from, i) => {
    order.forEach((to, j) => {
      matrix[i * size + j] = given[from * size + to]!;
    });
  });
  return matrix;
}
