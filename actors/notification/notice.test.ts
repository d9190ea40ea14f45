import type { CloudEvent } from 'troupe/actor';
import { expect, it } from 'vitest';
import { noticeOf } from './notice.ts';

function event(data: unknown): CloudEvent {
  return {
    id: 'e1',
    source: 'troupe',
    type: 'x',
    specversion: '1.0',
    topic: 'orders',
    pubsubname: 'pubsub',
    data,
  };
}

it.each([
  [{ type: 'order.confirmed', orderId: '1', totalPence: 1230 }, 'Order 1 is confirmed: GBP 12.30.'],
  [
    { type: 'order.rejected', orderId: '1', reason: 'a is short' },
    'Order 1 could not be accepted: a is short.',
  ],
  [
    { type: 'order.cancelled', orderId: '1', refundedPence: 5 },
    'Order 1 is cancelled; GBP 0.05 are refunded.',
  ],
  [{ type: 'order.shipped', orderId: '1', complete: false }, 'Order 1 is on its way in part.'],
  [{ type: 'order.delivered', orderId: '1' }, 'Order 1 has arrived.'],
  [
    { type: 'return.settled', returnId: 'C1', refundedPence: 100, creditPence: 20 },
    'Return C1: GBP 1.00 refunded, GBP 0.20 as a credit note.',
  ],
])('says %j as %s', (data, text) => {
  expect(noticeOf(event(data))?.text).toBe(text);
});

it.each([[undefined], [null], ['text'], [{ type: 'invoice.paid' }]])(
  'says nothing of %j',
  (data) => {
    expect(noticeOf(event(data))).toBeUndefined();
  },
);
