/**
 * How the value of a return is parted: what orders took back of each line, and
 * what is left of it. Pure.
 */
import type { Candidate, ReturnLine, ReturnMatched, ReturnWanted } from './api.ts';
import type { Invoice } from './request.ts';

export interface Settlement {
  /** What orders took back, in the order in which they were asked. */
  matched: ReturnMatched[];
}

interface Rest {
  quantity: number;
  amountPence: number;
}

function rests({ lines }: Invoice, { matched }: Settlement): Rest[] {
  const left = lines.map(({ quantity, amountPence }) => ({ quantity, amountPence }));
  for (const { line, quantity, amountPence } of matched) {
    const rest = left[line];
    if (!rest) continue;
    rest.quantity -= quantity;
    rest.amountPence -= amountPence;
  }
  return left;
}

/** What is still wanted of one earlier order. */
export function wantedFrom(
  invoice: Invoice,
  settlement: Settlement,
  { codes }: Candidate,
): ReturnWanted[] {
  const held = new Set(codes);
  const left = rests(invoice, settlement);
  return invoice.lines.flatMap(({ stockCode, unitPrice }, line) => {
    const rest = left[line];
    if (!rest || rest.quantity <= 0 || !held.has(stockCode)) return [];
    return [{ line, stockCode, unitPrice, ...rest }];
  });
}

export function bookMatches(settlement: Settlement, lines: readonly ReturnMatched[]): void {
  settlement.matched.push(...lines);
}

export function refundedPence({ matched }: Settlement): number {
  return matched.reduce((sum, { amountPence }) => sum + amountPence, 0);
}

/** The lines of the return with what became of them; until it is settled nothing is credited. */
export function linesOf(
  invoice: Invoice,
  settlement: Settlement,
  isSettled: boolean,
): ReturnLine[] {
  const left = rests(invoice, settlement);
  return invoice.lines.map((line, index) => {
    const rest = left[index]?.amountPence ?? 0;
    const matched = settlement.matched
      .filter((match) => match.line === index)
      .map(({ orderId, quantity, amountPence }) => ({ orderId, quantity, amountPence }));
    const refunded = line.amountPence - rest;
    return { ...line, refundedPence: refunded, creditPence: isSettled ? rest : 0, matched };
  });
}
