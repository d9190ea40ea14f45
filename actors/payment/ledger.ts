/** Double entry: the postings of each operation, which sum to zero. Pure. */
import type { Account, Posting } from './api.ts';

function post(
  orderId: string,
  operation: string,
  amountPence: number,
  [debit, credit]: readonly [Account, Account],
): Posting[] {
  if (amountPence === 0) return [];
  return [
    { account: debit, orderId, amountPence, operation },
    { account: credit, orderId, amountPence: -amountPence, operation },
  ];
}

/** Money comes in for goods. */
export function postCapture(orderId: string, operation: string, amountPence: number): Posting[] {
  return post(orderId, operation, amountPence, ['cash', 'sales']);
}

/** Money goes back. */
export function postRefund(orderId: string, operation: string, amountPence: number): Posting[] {
  return post(orderId, operation, amountPence, ['refunds', 'cash']);
}

/** The shop owes the customer. */
export function postCreditNote(orderId: string, operation: string, amountPence: number): Posting[] {
  return post(orderId, operation, amountPence, ['refunds', 'credit-notes']);
}
