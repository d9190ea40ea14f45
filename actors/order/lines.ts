/**
 * Which lines of an invoice take part, and what they cost. Pure: the shop's
 * rule of a valid line lives here and nowhere else.
 */
import { lineAmountPence, parseDecimal } from '../money.ts';
import type { LeftOutLine, LineRequest, OrderLine } from './api.ts';

/** Units and pence of one stock code of an order: what is reserved and refunded as one. */
export interface Demand {
  readonly stockCode: string;
  readonly quantity: number;
  readonly amountPence: number;
}

/** Why a line takes no part, or undefined when it does. */
export function lineFault(line: {
  readonly stockCode: string;
  readonly quantity: number;
  readonly unitPrice: string;
}): string | undefined {
  if (line.stockCode === '') return 'no stock code';
  if (line.stockCode in Object.prototype) return 'not a stock code';
  if (!Number.isSafeInteger(line.quantity)) return 'quantity is not a whole number';
  if (line.quantity <= 0) return 'quantity is not above 0';
  const price = parseDecimal(line.unitPrice);
  if (!price) return 'unit price is not a decimal amount';
  if (price.units <= 0n) return 'unit price is not above 0';
  return undefined;
}

/** Parts lines into those that take part, priced, and those left out with their reason; both keep their order. */
export function admitLines(requested: readonly LineRequest[]): {
  lines: OrderLine[];
  leftOut: LeftOutLine[];
} {
  const lines: OrderLine[] = [];
  const leftOut: LeftOutLine[] = [];
  for (const { stockCode, description, quantity, unitPrice } of requested) {
    const reason = lineFault({ stockCode, quantity, unitPrice });
    if (reason !== undefined) leftOut.push({ stockCode, quantity, unitPrice, reason });
    else {
      const amountPence = lineAmountPence(unitPrice, quantity);
      lines.push({ stockCode, description, quantity, unitPrice, amountPence });
    }
  }
  return { lines, leftOut };
}

/** Lines added up by stock code, in the order in which codes first appear. */
export function demandOf(lines: readonly OrderLine[]): Demand[] {
  const byCode = new Map<string, { stockCode: string; quantity: number; amountPence: number }>();
  for (const { stockCode, quantity, amountPence } of lines) {
    const demand = byCode.get(stockCode);
    if (demand) {
      demand.quantity += quantity;
      demand.amountPence += amountPence;
    } else byCode.set(stockCode, { stockCode, quantity, amountPence });
  }
  return [...byCode.values()];
}
