/** What a shop sold before the input: a table of one row a stock code and one column a day. */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';

export interface History {
  readonly days: readonly string[];
  /** Units by day, of each stock code. */
  readonly sold: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

export async function readHistory(path: string): Promise<History> {
  const [head = [], ...rows] = parse(await readFile(path, 'utf8')) as string[][];
  const days = head.slice(1);
  const sold = new Map(
    rows.map(([code = '', ...units]) => [
      code,
      Object.fromEntries(days.map((day, at) => [day, Number(units[at])])),
    ]),
  );
  return { days, sold };
}
