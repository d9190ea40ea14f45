/**
 * Reads order-line files: text in, typed rows out. A row that is not a row of
 * the format is reported by file and line with a reason and left out; a file
 * whose header lacks a column is an error. Says nothing about what a row means
 * for an order (invoices.ts does).
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { TroupeError } from 'troupe/actor';

/** The columns of the format, in the order that `Row` and the code below use. */
export const COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const;

/** One order line as the file has it. */
export interface Row {
  /** File name without its folder. */
  readonly file: string;
  /** 1 is the header. */
  readonly line: number;
  readonly invoice: string;
  readonly code: string;
  readonly description: string;
  readonly quantity: number;
  /** `YYYY-MM-DD HH:MM:SS`. */
  readonly time: string;
  /** Decimal text, for example `2.55`, `0.001` or `-11062.06`. */
  readonly unitPrice: string;
  /** Empty when the file has none. */
  readonly customer: string;
  readonly country: string;
}

/** A line that was left out. `invoice` is set when the row says which one it belonged to. */
export interface LeftOutRow {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  readonly invoice?: string;
  /** True when it is no row of the format; false when it is one that the shop does not take. */
  readonly unreadable: boolean;
}

/** Where rows go, in file order. */
export interface RowSink {
  row(row: Row): void;
  broken(row: LeftOutRow): void;
}

/** No line of a shop is worth a thousand million pounds; sums of what is below stay exact. */
const MOST_POUNDS = 1e9;
const LINES_AT_ONCE = 2000;
/** A quoted field may span so many lines; beyond, the quote counts as never closed. */
const QUOTED_LINES = 5;

/** Files of a path: the file itself, or the `.csv` files of the folder by name. Throws NOT_FOUND. */
export async function orderFiles(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info) {
    throw new TroupeError(
      'NOT_FOUND',
      `--orders ${path}: no such file or folder; name a CSV file or a folder of them`,
    );
  }
  if (!info.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.csv')).sort();
  if (names.length === 0) {
    throw new TroupeError('NOT_FOUND', `--orders ${path}: the folder has no .csv file`);
  }
  return names.map((name) => join(path, name));
}

/**
 * Reads the text of one file, row by row in file order. Gives way to other
 * work every few thousand lines. Throws INVALID_ARGUMENT when the header lacks
 * a column.
 */
export async function readRows(file: string, text: string, into: RowSink): Promise<void> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = cellsOfLine(lines[0] ?? '') ?? [];
  const places = columnPlaces(file, header);
  let batch: { text: string; line: number }[] = [];
  const flush = (): void => {
    const cells = cellsOf(batch.map((entry) => entry.text));
    for (const [index, { line }] of batch.entries()) {
      const found = cells[index];
      if (!found) {
        into.broken({ file, line, reason: 'quotes that do not match', unreadable: true });
      } else if (found.length !== header.length) {
        const reason = `${found.length} fields where the header has ${header.length}`;
        into.broken({ file, line, reason, unreadable: true });
      } else {
        toRow({ file, line, cells: places.map((place) => found[place]!) }, into);
      }
    }
    batch = [];
  };
  for (let index = 1; index < lines.length; index++) {
    const first = lines[index]!;
    if (first === '') continue;
    const line = index + 1;
    const span = oddQuotes(first) ? quotedSpan(lines, index, header.length) : 1;
    batch.push({ text: lines.slice(index, index + span).join('\n'), line });
    index += span - 1;
    if (batch.length >= LINES_AT_ONCE) {
      flush();
      await setImmediate();
    }
  }
  flush();
}

function columnPlaces(file: string, header: readonly string[]): number[] {
  const names = header.map((name) => name.trim());
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${file}:1: the header lacks ${missing.join(', ')}; the first line must name ${COLUMNS.join(',')}`,
    );
  }
  return COLUMNS.map((column) => names.indexOf(column));
}

function oddQuotes(line: string): boolean {
  let odd = false;
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

/** How many lines the record that starts at `index` takes; 1 when its quote is never closed. */
function quotedSpan(lines: readonly string[], index: number, columns: number): number {
  let record = lines[index]!;
  for (let span = 2; span <= QUOTED_LINES && index + span <= lines.length; span++) {
    record += `\n${lines[index + span - 1]!}`;
    if (!oddQuotes(record)) return cellsOfLine(record)?.length === columns ? span : 1;
  }
  return 1;
}

const OPTIONS = { relax_column_count: true, skip_empty_lines: false } as const;

/** Cells of each record; undefined for one that is not CSV. One bad record must not spoil its neighbours. */
function cellsOf(records: readonly string[]): (string[] | undefined)[] {
  if (records.length === 0) return [];
  try {
    const cells = parse(records.join('\n'), OPTIONS) as string[][];
    if (cells.length === records.length) return cells;
  } catch {
    // The records are read one by one below, which finds the bad ones.
  }
  return records.map(cellsOfLine);
}

function cellsOfLine(record: string): string[] | undefined {
  try {
    const cells = parse(record, OPTIONS) as string[][];
    return cells.length === 1 ? cells[0] : undefined;
  } catch {
    return undefined;
  }
}

const INTEGER = /^[+-]?\d{1,9}$/;
const DECIMAL = /^-?(\d+)(\.\d+)?$/;
const TIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/;

function toRow(
  { file, line, cells }: { file: string; line: number; cells: readonly string[] },
  into: RowSink,
): void {
  const [invoice, , description, quantity, time, unitPrice, customer, country] = cells.map((cell) =>
    cell.trim(),
  ) as [string, string, string, string, string, string, string, string];
  // Two codes may differ in nothing but a space, so a code stays as it is written.
  const code = cells[1]!;
  const broken = (reason: string): void =>
    into.broken({ file, line, reason, ...(invoice === '' ? {} : { invoice }), unreadable: true });
  if (invoice === '') return broken('no invoice number');
  if (code.trim() === '') return broken('no stock code');
  if (!INTEGER.test(quantity)) return broken('the quantity is not a whole number');
  if (!DECIMAL.test(unitPrice)) return broken('the unit price is not a decimal number');
  if (Math.abs(Number(quantity) * Number(unitPrice)) > MOST_POUNDS) {
    return broken('the amount is too large');
  }
  if (!TIME.test(time)) return broken('the invoice date is not YYYY-MM-DD HH:MM:SS');
  into.row({
    file,
    line,
    invoice,
    code,
    description,
    quantity: Number(quantity),
    time: time.length === 16 ? `${time.replace('T', ' ')}:00` : time.replace('T', ' '),
    unitPrice,
    customer: /^\d+\.0$/.test(customer) ? customer.slice(0, -2) : customer,
    country,
  });
}
