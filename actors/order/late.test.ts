import { TroupeError } from 'troupe/actor';
import { createTestHost, type TestHost } from 'troupe/test';
import { describe, expect, it } from 'vitest';
import { checkInvariants, createHashPaymentProvider, shopActors } from '../index.ts';
import type { PaymentProvider } from '../payment/api.ts';
import { inventory, invoice, line, openStock, order, payment, snapshotOf } from '../testing.ts';

/** Calls (`Type/method` or `Type/id/method`) and provider operations that get no answer for now. */
class Outage {
  readonly down = new Set<string>();

  provider(): PaymentProvider {
    const inner = createHashPaymentProvider({ declineRate: 0 });
    const assertUp = (operation: string): void => {
      if (this.down.has(operation)) throw new Error(`${operation}: no answer`);
    };
    return {
      authorise: async (request) => (assertUp('authorise'), inner.authorise(request)),
      capture: async (request) => (assertUp('capture'), inner.capture(request)),
      void: async (request) => (assertUp('void'), inner.void(request)),
      refund: async (request) => (assertUp('refund'), inner.refund(request)),
    };
  }

  async open(): Promise<TestHost> {
    const host = await createTestHost({
      actors: shopActors,
      services: { payments: this.provider() },
      interceptors: [
        {
          incoming: async ({ actor, method }, next) => {
            if (
              this.down.has(`${actor.type}/${method}`) ||
              this.down.has(`${actor.type}/${actor.id}/${method}`)
            ) {
              throw new TroupeError('UNAVAILABLE', `${actor.type} is out of reach`);
            }
            return next();
          },
        },
      ],
    });
    await openStock(host, { a: 10, b: 10 });
    return host;
  }
}

const BODY = invoice('17850', [line('a', 2, '1.50'), line('b', 1, '1.00')]);

async function expectSoundAtRest(host: TestHost): Promise<void> {
  await host.clock.advance('2m');
  const { pendingOutbox, parkedMessages } = host.system.stats();
  expect(parkedMessages).toBe(0);
  const ids = { orders: ['1'], codes: ['a', 'b'], outboxPending: pendingOutbox };
  const results = checkInvariants(await snapshotOf(host, ids));
  expect(results.flatMap(({ violations }) => violations)).toEqual([]);
}

const STAGES = [
  ['created', 'Inventory/b/reserve'],
  ['created', 'Order/reserved'],
  ['reserved', 'authorise'],
  ['reserved', 'Order/paymentAuthorised'],
  ['authorised', 'capture'],
  ['authorised', 'Order/paymentCaptured'],
  ['authorised', 'Purchases/record'],
  ['authorised', 'Order/purchaseRecorded'],
] as const;

describe.each(STAGES)('while %s because %s gets no answer', (state, what) => {
  it('cancelling compensates, also what arrives late', async () => {
    const outage = new Outage();
    await using host = await outage.open();
    outage.down.add(what);
    await order(host, '1').create(BODY);
    await host.settled();
    expect((await order(host, '1').get()).state).toBe(state);
    await order(host, '1').cancel({ reason: 'no patience' });
    await host.settled();
    outage.down.clear();
    await expectSoundAtRest(host);
    expect(await order(host, '1').get()).toMatchObject({
      state: 'cancelled',
      reason: 'no patience',
    });
    expect(await inventory(host, 'a').view()).toMatchObject({ onHand: 10, reserved: 0, sold: 0 });
  });

  it('the order goes on when the answer comes within hold and grace', async () => {
    const outage = new Outage();
    await using host = await outage.open();
    outage.down.add(what);
    await order(host, '1').create(BODY);
    await host.clock.advance('31m');
    expect((await order(host, '1').get()).state).toBe(state);
    outage.down.clear();
    await expectSoundAtRest(host);
    expect((await order(host, '1').get()).state).toBe('confirmed');
    await host.clock.advance('1h');
    expect((await order(host, '1').get()).state).toBe('confirmed');
  });

  it('the order is rejected after hold and grace, and late answers leave nothing behind', async () => {
    const outage = new Outage();
    await using host = await outage.open();
    outage.down.add(what);
    await order(host, '1').create(BODY);
    await host.clock.advance('34m');
    expect((await order(host, '1').get()).state).toBe(state);
    await host.clock.advance('2m');
    outage.down.clear();
    await expectSoundAtRest(host);
    expect(await order(host, '1').get()).toMatchObject({
      state: 'rejected',
      reason: 'not confirmed in time',
    });
    expect(await inventory(host, 'a').view()).toMatchObject({ onHand: 10, reserved: 0, sold: 0 });
  });

  it('a retry by hand is one more message and never a second effect', async () => {
    const outage = new Outage();
    await using host = await outage.open();
    outage.down.add(what);
    await order(host, '1').create(BODY);
    await host.settled();
    await order(host, '1').retry();
    await order(host, '1').retry();
    outage.down.clear();
    await expectSoundAtRest(host);
    expect((await order(host, '1').get()).state).toBe('confirmed');
    expect((await payment(host, '1').statement()).postings).toHaveLength(2);
    await expect(order(host, '1').retry()).rejects.toMatchObject({
      code: 'WRONG_STATE',
      details: { state: 'confirmed' },
    });
  });
});

it('a cancelled order is refunded when the provider is back', async () => {
  const outage = new Outage();
  await using host = await outage.open();
  await order(host, '1').create(BODY);
  await host.settled();
  outage.down.add('refund');
  await order(host, '1').cancel({ reason: 'changed my mind' });
  await host.clock.advance('3h');
  expect((await payment(host, '1').statement()).refundedPence).toBe(0);
  outage.down.clear();
  await expectSoundAtRest(host);
  expect((await payment(host, '1').statement()).refundedPence).toBe(400);
});
