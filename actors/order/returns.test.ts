import { createTestHost, type TestHost } from 'troupe/test';
import { describe, expect, it } from 'vitest';
import { checkInvariants, createHashPaymentProvider, shopActors } from '../index.ts';
import {
  inventory,
  invoice,
  line,
  openStock,
  order,
  payment,
  returns,
  snapshotOf,
} from '../testing.ts';
import type { LineRequest } from './api.ts';

async function openShop(): Promise<TestHost> {
  const payments = createHashPaymentProvider({ declineRate: 0 });
  const host = await createTestHost({ actors: shopActors, services: { payments } });
  await openStock(host, { a: 100, b: 100 });
  return host;
}

async function buy(
  host: TestHost,
  id: string,
  lines: LineRequest[],
  customer: string | null = 'c',
) {
  await order(host, id).create(invoice(customer, lines));
  await host.settled();
}

async function giveBack(
  host: TestHost,
  id: string,
  lines: LineRequest[],
  customer: string | null = 'c',
) {
  await returns(host, id).create(invoice(customer, lines));
  await host.settled();
  return returns(host, id).get();
}

async function expectSound(host: TestHost, orders: string[], returnIds: string[]): Promise<void> {
  const outboxPending = host.system.stats().pendingOutbox;
  const ids = { orders, returns: returnIds, codes: ['a', 'b'], outboxPending };
  const results = checkInvariants(await snapshotOf(host, ids));
  expect(results.flatMap(({ violations }) => violations)).toEqual([]);
}

describe('a return', () => {
  it('is refunded by the latest order of the code first, then by the one before', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 5, '1.00')]);
    await buy(host, '2', [line('b', 1, '9.00')]);
    await buy(host, '3', [line('a', 2, '1.00')]);
    const view = await giveBack(host, 'C4', [line('a', 4, '1.00'), line('b', 1, '8.00')]);
    expect(view).toMatchObject({
      state: 'settled',
      totalPence: 1200,
      refundedPence: 1200,
      creditPence: 0,
    });
    expect(view.lines.map(({ matched }) => matched)).toEqual([
      [
        { orderId: '3', quantity: 2, amountPence: 200 },
        { orderId: '1', quantity: 2, amountPence: 200 },
      ],
      [{ orderId: '2', quantity: 1, amountPence: 800 }],
    ]);
    expect(await order(host, '1').get()).toMatchObject({ state: 'confirmed', refundedPence: 200 });
    expect(await inventory(host, 'a').view()).toMatchObject({ onHand: 97, sold: 7, returned: 4 });
    await expectSound(host, ['1', '2', '3'], ['C4']);
  });

  it('becomes a credit note for what no earlier order can take', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 1, '1.00')]);
    const view = await giveBack(host, 'C2', [line('a', 3, '1.50'), line('b', 1, '2.00')]);
    expect(view).toMatchObject({ totalPence: 650, refundedPence: 100, creditPence: 550 });
    expect((await payment(host, 'C2').statement()).postings).toEqual([
      { account: 'refunds', orderId: 'C2', amountPence: 550, operation: 'credit-note' },
      { account: 'credit-notes', orderId: 'C2', amountPence: -550, operation: 'credit-note' },
    ]);
    await expectSound(host, ['1'], ['C2']);
  });

  it('of a guest, or of another customer, is a credit note', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 1, '1.00')], null);
    await buy(host, '2', [line('a', 1, '1.00')], 'c');
    expect(await giveBack(host, 'C3', [line('a', 1, '1.00')], null)).toMatchObject({
      creditPence: 100,
    });
    expect(await giveBack(host, 'C4', [line('a', 1, '1.00')], 'd')).toMatchObject({
      creditPence: 100,
    });
    await expectSound(host, ['1', '2'], ['C3', 'C4']);
  });

  it('never takes the same units back twice', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 3, '1.00')]);
    expect(await giveBack(host, 'C2', [line('a', 2, '1.00')])).toMatchObject({
      refundedPence: 200,
    });
    expect(await giveBack(host, 'C3', [line('a', 2, '1.00')])).toMatchObject({
      refundedPence: 100,
      creditPence: 100,
    });
    await expectSound(host, ['1'], ['C2', 'C3']);
  });

  it('gets nothing from a rejected or cancelled order', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 101, '1.00')]);
    await buy(host, '2', [line('a', 1, '1.00')]);
    await order(host, '2').cancel({ reason: 'changed my mind' });
    expect(await giveBack(host, 'C3', [line('a', 1, '1.00')])).toMatchObject({
      refundedPence: 0,
      creditPence: 100,
    });
    await expectSound(host, ['1', '2'], ['C3']);
  });

  it('before its order is cancelled leaves the rest to the cancelling', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 3, '1.00')]);
    await giveBack(host, 'C2', [line('a', 2, '0.50')]);
    expect(await order(host, '1').cancel({ reason: 'the rest too' })).toMatchObject({
      refundedPence: 300,
    });
    await host.settled();
    expect(await inventory(host, 'a').view()).toMatchObject({ onHand: 100, sold: 3, returned: 3 });
    await expectSound(host, ['1'], ['C2']);
  });

  it('of everything delivered ends the order as returned', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 3, '1.00')]);
    await order(host, '1').ship({ shipmentId: 's1' });
    await order(host, '1').deliver();
    await giveBack(host, 'C2', [line('a', 3, '1.00')]);
    expect((await order(host, '1').get()).state).toBe('returned');
    await expect(order(host, '1').cancel({ reason: 'x' })).rejects.toMatchObject({
      code: 'WRONG_STATE',
      details: { state: 'returned' },
    });
    await expectSound(host, ['1'], ['C2']);
  });

  it('has one effect however often it is created, and refuses another body', async () => {
    await using host = await openShop();
    await buy(host, '1', [line('a', 3, '1.00')]);
    const body = invoice('c', [line('a', 1, '1.00')]);
    const first = await returns(host, 'C2').create(body);
    expect(await returns(host, 'C2').create(body)).toEqual(first);
    await host.settled();
    expect(await returns(host, 'C2').create(body)).toEqual(first);
    await host.settled();
    await expectSound(host, ['1'], ['C2']);
    const other = invoice('c', [line('a', 2, '1.00')]);
    await expect(returns(host, 'C2').create(other)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('without a valid line is rejected with the reason', async () => {
    await using host = await openShop();
    expect(await giveBack(host, 'C1', [line('a', -1, '1.00')])).toMatchObject({
      state: 'rejected',
      reason: 'no valid line',
      totalPence: 0,
    });
    await expectSound(host, [], ['C1']);
  });

  it('that was never created is not found', async () => {
    await using host = await openShop();
    await expect(returns(host, 'C9').get()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      status: 404,
    });
  });
});

it('remembers what a customer bought, latest first, across a restart', async () => {
  await using host = await openShop();
  for (const id of ['1', '2', '3']) await buy(host, id, [line('a', 1, '1.00')]);
  await host.restart();
  const purchases = host.ref<{ view(): Promise<unknown> }>('Purchases', 'c');
  expect(await purchases.view()).toEqual({ customer: 'c', orders: 3, latest: ['3', '2', '1'] });
});
