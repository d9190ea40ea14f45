import { expect, it } from 'vitest';
import type { CreateOrder } from './api.ts';
import { assertSameInvoice, readInvoice, receiptOf } from './request.ts';

const line = { stockCode: '22423', description: 'CAKESTAND', quantity: 2, unitPrice: '12.75' };
const body: CreateOrder = {
  customer: '13284',
  country: 'United Kingdom',
  currency: 'GBP',
  placedAt: '2011-01-13 09:23:00',
  lines: [line],
};

it('answers with what takes part and what does not', () => {
  const invoice = readInvoice({
    ...body,
    lines: [line, { ...line, quantity: -1 }],
    leftOut: [{ stockCode: 'X', quantity: 1, unitPrice: '?', reason: 'unreadable' }],
  });
  expect(receiptOf('540993', invoice)).toEqual({
    id: '540993',
    accepted: true,
    totalPence: 2550,
    currency: 'GBP',
    lines: 1,
    leftOut: 2,
  });
});

it('does not accept an invoice without a valid line', () => {
  expect(receiptOf('1', readInvoice({ ...body, lines: [] }))).toMatchObject({
    accepted: false,
    reason: 'no valid line',
    totalPence: 0,
  });
});

it.each([
  [{ customer: 7 }, 'customer (null for a guest) must be text'],
  [{ customer: '' }, 'customer (null for a guest) must be text'],
  [{ country: undefined }, 'country must be text'],
  [{ currency: 'EUR' }, 'currency must be GBP, not "EUR"'],
  [{ placedAt: 'yesterday' }, 'placedAt must be a time'],
  [{ lines: 'none' }, 'lines must be an array'],
  [{ leftOut: 1 }, 'leftOut must be an array'],
  [{ lines: [null] }, 'lines[0] must be an object'],
  [{ lines: [{ ...line, quantity: '2' }] }, 'lines[0].quantity must be a number'],
  [{ lines: [{ ...line, unitPrice: 12.75 }] }, 'lines[0].unitPrice must be decimal text'],
  [{ lines: [{ ...line, amountPence: 2549 }] }, 'lines[0].amountPence is 2549'],
  [{ lines: [{ ...line, unitPrice: '999999999999', quantity: 1e12 }] }, 'worth more than'],
  [{ leftOut: [{ stockCode: 'a' }] }, 'leftOut[0].reason must be text'],
])('refuses %j and names the field', (change, message) => {
  expect(() => readInvoice({ ...body, ...change } as unknown as CreateOrder)).toThrow(message);
});

it('refuses a body that is none, with status 400', () => {
  expect(() => readInvoice(undefined as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_ORDER', status: 400 }),
  );
});

it('tells a repetition from another body', () => {
  const again = { ...body, leftOut: [], lines: [{ ...line, amountPence: 2550 }] };
  assertSameInvoice('order 1', readInvoice(body), readInvoice(again));
  const other = readInvoice({ ...body, country: 'France' });
  expect(() => assertSameInvoice('order 1', readInvoice(body), other)).toThrow(
    expect.objectContaining({ code: 'CONFLICT', status: 409 }),
  );
});
