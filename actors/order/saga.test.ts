import { createTestHost, type TestHost } from 'troupe/test';
import { describe, expect, it } from 'vitest';
import { checkInvariants, createHashPaymentProvider, shopActors } from '../index.ts';
import { inventory, invoice, line, openStock, order, payment, snapshotOf } from '../testing.ts';
import type { NotificationApi } from '../notification/api.ts';

const LINES = [line('a', 2, '1.50'), line('b', 1, '0.99'), line('a', 1, '1.50')];

async function openShop(declineRate = 0): Promise<TestHost> {
  const payments = createHashPaymentProvider({ declineRate });
  const host = await createTestHost({ actors: shopActors, services: { payments } });
  await openStock(host, { a: 10, b: 1 });
  return host;
}

async function expectSound(host: TestHost, orders: string[]): Promise<void> {
  const { pendingOutbox, parkedMessages } = host.system.stats();
  const outboxPending = pendingOutbox + parkedMessages;
  const snapshot = await snapshotOf(host, { orders, codes: ['a', 'b'], outboxPending });
  expect(checkInvariants(snapshot).flatMap(({ violations }) => violations)).toEqual([]);
}

describe('an order', () => {
  it('is confirmed once all stock is reserved and the money is taken', async () => {
    await using host = await openShop();
    expect(await order(host, '1').create(invoice('17850', LINES))).toEqual({
      id: '1',
      accepted: true,
      totalPence: 549,
      currency: 'GBP',
      lines: 3,
      leftOut: 0,
    });
    await host.settled();
    expect(await order(host, '1').get()).toMatchObject({
      state: 'confirmed',
      totalPence: 549,
      capturedPence: 549,
      refundedPence: 0,
      waiting: 0,
    });
    expect(await inventory(host, 'a').view()).toMatchObject({ onHand: 7, reserved: 0, sold: 3 });
    expect((await payment(host, '1').statement()).postings).toEqual([
      { account: 'cash', orderId: '1', amountPence: 549, operation: 'capture' },
      { account: 'sales', orderId: '1', amountPence: -549, operation: 'capture' },
    ]);
    const steps = (await order(host, '1').history()).map(({ state }) => state);
    expect(steps).toEqual(['created', 'reserved', 'authorised', 'confirmed']);
    await expectSound(host, ['1']);
  });

  it('is rejected when a code is short, and gives back what it had reserved', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice('17850', [line('a', 3, '1'), line('b', 2, '1')]));
    await host.settled();
    expect(await order(host, '1').get()).toMatchObject({
      state: 'rejected',
      reason: 'b is short: 1 on hand, 2 wanted',
      capturedPence: 0,
    });
    expect(await inventory(host, 'a').view()).toMatchObject({ onHand: 10, reserved: 0, sold: 0 });
    await expectSound(host, ['1']);
  });

  it('is rejected when the shop has no such stock code', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice(null, [line('a', 3, '1'), line('zz', 1, '1')]));
    await host.settled();
    expect((await order(host, '1').get()).reason).toBe('zz is not a stock code of the shop');
    await expectSound(host, ['1']);
  });

  it('is rejected when the payment is declined', async () => {
    await using host = await openShop(1);
    await order(host, '1').create(invoice('17850', LINES));
    await host.settled();
    expect(await order(host, '1').get()).toMatchObject({
      state: 'rejected',
      reason: 'payment declined by the provider',
    });
    expect((await payment(host, '1').statement()).postings).toEqual([]);
    await expectSound(host, ['1']);
  });

  it('is rejected at once without a valid line', async () => {
    await using host = await openShop();
    const receipt = await order(host, '1').create(invoice(null, [line('a', 0, '1')]));
    expect(receipt).toMatchObject({ accepted: false, reason: 'no valid line', leftOut: 1 });
    expect(await order(host, '1').get()).toMatchObject({
      state: 'rejected',
      reason: 'no valid line',
    });
    await host.settled();
    await expectSound(host, ['1']);
  });

  it('worth nothing in pence goes its way without a posting', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice('1', [line('a', 1, '0.001')]));
    await host.settled();
    expect(await order(host, '1').get()).toMatchObject({ state: 'confirmed', totalPence: 0 });
    await expectSound(host, ['1']);
  });

  it('gives the same answer to the same body at any time, and one effect', async () => {
    await using host = await openShop();
    const first = await order(host, '1').create(invoice('17850', LINES));
    expect(await order(host, '1').create(invoice('17850', LINES))).toEqual(first);
    await host.settled();
    expect(await order(host, '1').create(invoice('17850', LINES))).toEqual(first);
    await host.settled();
    await expectSound(host, ['1']);
    expect(await inventory(host, 'a').view()).toMatchObject({ sold: 3 });
  });

  it('refuses another body under the same id', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice('17850', LINES));
    await expect(order(host, '1').create(invoice('17851', LINES))).rejects.toMatchObject({
      code: 'CONFLICT',
      status: 409,
    });
  });

  it('that was never created is not found', async () => {
    await using host = await openShop();
    const missing = { code: 'NOT_FOUND', status: 404 };
    await expect(order(host, '9').get()).rejects.toMatchObject(missing);
    await expect(order(host, '9').cancel({ reason: 'x' })).rejects.toMatchObject(missing);
    await expect(order(host, '9').ship({ shipmentId: 's' })).rejects.toMatchObject(missing);
    await expect(order(host, '9').retry()).rejects.toMatchObject(missing);
  });

  it('takes no word of its saga from outside', async () => {
    await using host = await openShop();
    const forbidden = { code: 'FORBIDDEN', status: 403 };
    await order(host, '1').create(invoice('17850', [line('a', 99, '1')]));
    await expect(order(host, '1').paymentCaptured()).rejects.toMatchObject(forbidden);
    await expect(payment(host, '1').capture()).rejects.toMatchObject(forbidden);
    const forged = inventory(host, 'a').reserve({ orderId: '1', item: 0, quantity: 1 });
    await expect(forged).rejects.toMatchObject(forbidden);
  });
});

describe('cancelling', () => {
  it('a confirmed order refunds it and puts the goods back', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice('17850', LINES));
    await host.settled();
    expect(await order(host, '1').cancel({ reason: 'changed my mind' })).toMatchObject({
      state: 'cancelled',
      reason: 'changed my mind',
      refundedPence: 549,
    });
    expect(await order(host, '1').cancel({ reason: 'again' })).toMatchObject({
      reason: 'changed my mind',
    });
    await host.settled();
    expect(await inventory(host, 'a').view()).toEqual({
      code: 'a',
      initial: 10,
      onHand: 10,
      reserved: 0,
      sold: 3,
      returned: 3,
    });
    await expectSound(host, ['1']);
  });

  it('an order whose saga still runs leaves nothing behind', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice('17850', LINES));
    expect(await order(host, '1').cancel({ reason: 'at once' })).toMatchObject({
      state: 'cancelled',
    });
    await host.settled();
    expect(await inventory(host, 'a').view()).toMatchObject({ onHand: 10, reserved: 0 });
    await expectSound(host, ['1']);
  });

  it('a shipped or delivered order calls the parcel back', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice('17850', LINES));
    await host.settled();
    await order(host, '1').ship({ shipmentId: 's1' });
    await order(host, '1').deliver();
    await order(host, '1').cancel({ reason: 'broken' });
    await host.settled();
    await expectSound(host, ['1']);
  });

  it('a rejected order is refused with its state', async () => {
    await using host = await openShop(1);
    await order(host, '1').create(invoice('17850', LINES));
    await host.settled();
    await expect(order(host, '1').cancel({ reason: 'x' })).rejects.toMatchObject({
      code: 'WRONG_STATE',
      details: { state: 'rejected' },
    });
  });
});

describe('shipping', () => {
  it('goes in parts, once a shipment, and ends with the delivery', async () => {
    await using host = await openShop();
    await order(host, '1').create(invoice('17850', LINES));
    await expect(order(host, '1').ship({ shipmentId: 's1' })).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
    await host.settled();
    const part = { shipmentId: 's1', lines: [{ stockCode: 'a', quantity: 2 }] };
    expect(await order(host, '1').ship(part)).toMatchObject({ state: 'shipped' });
    expect(await order(host, '1').ship(part)).toMatchObject({ state: 'shipped' });
    await expect(order(host, '1').deliver()).rejects.toThrow(/a part of it is not shipped/);
    await order(host, '1').ship({ shipmentId: 's2' });
    await expect(order(host, '1').ship({ shipmentId: 's3' })).rejects.toThrow(/nothing is left/);
    expect(await order(host, '1').deliver()).toMatchObject({ state: 'delivered' });
    await host.settled();
    const { count, latest } = await host.ref<NotificationApi>('Notification', '17850').view();
    expect([count, ...latest.map(({ text }) => text)]).toEqual([
      4,
      'Order 1 is confirmed: GBP 5.49.',
      'Order 1 is on its way in part.',
      'Order 1 is on its way.',
      'Order 1 has arrived.',
    ]);
  });
});
