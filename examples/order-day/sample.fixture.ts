/** A small outcome for tests of what is made of one. */
import type { OrderView, ReturnView } from '../../actors/order/api.ts';
import type { Outcome } from './outcome.ts';

export function order(id: string, changes: Partial<OrderView> = {}): OrderView {
  return {
    id,
    customer: '17850',
    country: 'United Kingdom',
    state: 'confirmed',
    totalPence: 1530,
    capturedPence: 1530,
    refundedPence: 0,
    currency: 'GBP',
    placedAt: '2026-03-02 09:15:00',
    changedAt: 1_780_000_000_000,
    waiting: 0,
    lines: [],
    leftOut: [],
    ...changes,
  };
}

export function returned(id: string, changes: Partial<ReturnView> = {}): ReturnView {
  return {
    id,
    customer: '17850',
    country: 'United Kingdom',
    state: 'settled',
    totalPence: 510,
    refundedPence: 510,
    creditPence: 0,
    currency: 'GBP',
    placedAt: '2026-03-02 12:00:00',
    lines: [],
    leftOut: [],
    ...changes,
  };
}

export const OUTCOME: Outcome = {
  orders: [
    order('9', { placedAt: '2026-03-02 11:59:00', refundedPence: 510 }),
    order('10', { customer: null, state: 'rejected', reason: 'no valid line', totalPence: 0 }),
    order('a7', { state: 'rejected', reason: 'payment <declined> & "gone"' }),
    order('B', { state: 'cancelled', reason: 'asked for' }),
  ],
  returns: [returned('C2'), returned('C10', { state: 'rejected', reason: 'no valid line' })],
  stock: [
    { code: 'b', initial: 9, onHand: 6, reserved: 0, sold: 5, returned: 2 },
    { code: 'B', initial: 1, onHand: 1, reserved: 0, sold: 0, returned: 0 },
    { code: '85123A', initial: 9, onHand: 0, reserved: 0, sold: 9, returned: 0 },
  ],
  payments: [
    {
      id: '9',
      state: 'captured',
      authorisedPence: 1530,
      capturedPence: 1530,
      refundedPence: 510,
      creditPence: 0,
      postings: [
        { account: 'sales', orderId: '9', amountPence: -1530, operation: 'capture' },
        { account: 'cash', orderId: '9', amountPence: 1530, operation: 'capture' },
        { account: 'refunds', orderId: '9', amountPence: 510, operation: 'refund:C2' },
        { account: 'cash', orderId: '9', amountPence: -510, operation: 'refund:C2' },
      ],
    },
  ],
};
