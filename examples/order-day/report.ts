/**
 * The four files of a run: one JSON object a line, sorted by id in code-unit
 * order, keys in a fixed order, no times and no random ids, so that two runs
 * over the same input can be compared byte by byte.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from './outcome.ts';

/** Contents by file name. */
export type ReportFiles = Readonly<Record<string, string>>;

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function jsonLines<T>(items: readonly T[], sortKey: (item: T) => string, row: (item: T) => object) {
  return items
    .map((item) => ({ key: sortKey(item), text: JSON.stringify(row(item)) }))
    .sort((a, b) => byCodeUnits(a.key, b.key) || byCodeUnits(a.text, b.text))
    .map(({ text }) => `${text}\n`)
    .join('');
}

/** orders.jsonl, stock.jsonl, ledger.jsonl and returns.jsonl of what a run ended with. */
export function reportFiles({ orders, stock, payments, returns }: Outcome): ReportFiles {
  return {
    'orders.jsonl': jsonLines(
      orders,
      ({ id }) => id,
      ({ id, customer, state, reason, totalPence, refundedPence }) => ({
        id,
        customer,
        state,
        reason: reason ?? null,
        totalPence,
        refundedPence,
      }),
    ),
    'stock.jsonl': jsonLines(
      stock,
      ({ code }) => code,
      ({ code, initial, onHand, reserved, sold, returned }) => ({
        code,
        initial,
        onHand,
        reserved,
        sold,
        returned,
      }),
    ),
    'ledger.jsonl': jsonLines(
      payments.flatMap(({ postings }) => postings),
      ({ orderId }) => orderId,
      ({ account, orderId, amountPence }) => ({ account, orderId, amountPence }),
    ),
    'returns.jsonl': jsonLines(
      returns,
      ({ id }) => id,
      ({ id, customer, state, reason, totalPence, refundedPence, creditPence }) => ({
        id,
        customer,
        state,
        reason: reason ?? null,
        totalPence,
        refundedPence,
        creditPence,
      }),
    ),
  };
}

/** Writes the files into a folder, made if absent. A reader never sees half a file. */
export async function writeReport(folder: string, files: ReportFiles): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(`${path}.part`, text);
    await rename(`${path}.part`, path);
  }
}
