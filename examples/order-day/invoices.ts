/**
 * Groups rows into invoices, across files, and makes of each the request that
 * its order or return is created with. An invoice keeps the place of its first
 * row, so the order of invoices is the order of the files. Which lines count
 * is the shop's rule (actors/order/lines.ts); here they are only counted.
 */
import { lineFault } from '../../actors/order/lines.ts';
import type { CreateOrder, LineRequest } from '../../actors/order/api.ts';
import type { LeftOutRow, RowSink } from './rows.ts';

export interface Invoice {
  readonly id: string;
  /** An id that starts with C is a return. */
  readonly kind: 'order' | 'return';
  /** Of the first row that has one; empty when none has. */
  customer: string;
  /** Of the first row that has one; `Unspecified` when none has. */
  country: string;
  /** Of the first row that could be read, else of the row before it, `YYYY-MM-DD HH:MM:SS`. */
  time: string;
  /** Every line that could be read, in file order. For a return, quantities are the units that come back. */
  readonly lines: LineRequest[];
}

export interface Book {
  /** In file order. */
  readonly invoices: readonly Invoice[];
  /** Lines that count nowhere: not readable, or not valid by the shop's rule. */
  readonly leftOut: readonly LeftOutRow[];
  /** Lines read, those left out included. */
  readonly lines: number;
  /** Units ordered on valid lines, of every stock code in the files; 0 for one that is only returned or never valid. */
  readonly ordered: ReadonlyMap<string, number>;
}

export interface Bookkeeper extends RowSink {
  book(): Book;
}

/** Collects rows; `book` gives what came together. */
export function createBookkeeper(): Bookkeeper {
  const invoices = new Map<string, Invoice>();
  const ordered = new Map<string, number>();
  const leftOut: LeftOutRow[] = [];
  let lines = 0;
  let lastTime = '';
  const invoice = (id: string): Invoice => {
    let found = invoices.get(id);
    if (!found) {
      const kind = id.startsWith('C') ? 'return' : 'order';
      found = { id, kind, customer: '', country: '', time: lastTime, lines: [] };
      invoices.set(id, found);
    }
    return found;
  };
  return {
    row(row) {
      lines++;
      const target = invoice(row.invoice);
      target.customer ||= row.customer;
      target.country ||= row.country;
      if (target.lines.length === 0) target.time = row.time;
      lastTime = row.time;
      const line: LineRequest = {
        stockCode: row.code,
        description: row.description,
        quantity: target.kind === 'order' ? row.quantity : -row.quantity || 0,
        unitPrice: row.unitPrice,
      };
      target.lines.push(line);
      const reason = lineFault(line);
      if (reason !== undefined) {
        leftOut.push({
          file: row.file,
          line: row.line,
          reason,
          invoice: row.invoice,
          unreadable: false,
        });
      }
      const units = target.kind === 'order' && reason === undefined ? line.quantity : 0;
      ordered.set(row.code, (ordered.get(row.code) ?? 0) + units);
    },
    broken(row) {
      lines++;
      if (row.invoice !== undefined) invoice(row.invoice);
      leftOut.push(row);
    },
    book() {
      const listed = [...invoices.values()];
      const firstTime = listed.find(({ time }) => time !== '')?.time ?? '1970-01-01 00:00:00';
      for (const one of listed) {
        one.country ||= 'Unspecified';
        one.time ||= firstTime;
      }
      return { invoices: listed, leftOut, lines, ordered };
    },
  };
}

/** What the order, or the return, of an invoice is created with. */
export function requestOf({ customer, country, time, lines }: Invoice): CreateOrder {
  return {
    customer: customer === '' ? null : customer,
    country,
    currency: 'GBP',
    placedAt: time,
    lines,
  };
}

/** How many lines were left out for each reason, most frequent first. */
export function countReasons(leftOut: readonly LeftOutRow[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of leftOut) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Object.fromEntries(
    [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : a > b ? 1 : 0)),
  );
}
