import { describe, expect, it } from 'vitest';
import { checkInvariants, type LedgerRow, type ShopSnapshot } from './invariants.ts';

function posted(orderId: string, operation: string, pence: number, pair: string): LedgerRow[] {
  const [debit = '', credit = ''] = pair.split(' ');
  return [
    { account: debit, orderId, amountPence: pence, operation },
    { account: credit, orderId, amountPence: -pence, operation },
  ];
}

/** Order 1 sold with a part returned, order 2 cancelled after it was sold, order 3 rejected. */
function soundShop(): ShopSnapshot {
  return {
    orders: [
      {
        id: '1',
        state: 'confirmed',
        totalPence: 1000,
        refundedPence: 200,
        lines: [{ stockCode: 'a', quantity: 10 }],
      },
      {
        id: '2',
        state: 'cancelled',
        totalPence: 500,
        refundedPence: 500,
        lines: [{ stockCode: 'a', quantity: 5 }],
      },
      {
        id: '3',
        state: 'rejected',
        totalPence: 70,
        refundedPence: 0,
        lines: [{ stockCode: 'b', quantity: 1 }],
      },
    ],
    returns: [
      {
        id: 'C4',
        state: 'settled',
        totalPence: 400,
        refundedPence: 300,
        creditPence: 100,
        lines: [
          {
            stockCode: 'a',
            quantity: 4,
            matched: [
              { orderId: '2', quantity: 1, amountPence: 100 },
              { orderId: '1', quantity: 2, amountPence: 200 },
            ],
          },
        ],
      },
    ],
    stock: [
      { code: 'a', initial: 100, onHand: 93, reserved: 0, sold: 15, returned: 8 },
      { code: 'b', initial: 3, onHand: 3, reserved: 0, sold: 0, returned: 0 },
    ],
    ledger: [
      ...posted('1', 'capture', 1000, 'cash sales'),
      ...posted('1', 'refund:C4', 200, 'refunds cash'),
      ...posted('2', 'capture', 500, 'cash sales'),
      ...posted('2', 'refund:C4', 100, 'refunds cash'),
      ...posted('2', 'void', 400, 'refunds cash'),
      ...posted('C4', 'credit-note', 100, 'refunds credit-notes'),
    ],
    outboxPending: 0,
  };
}

function broken(snapshot: ShopSnapshot, options?: { settled?: boolean }): string[] {
  return checkInvariants(snapshot, options)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
}

const shop = soundShop();
const [order, ...otherOrders] = shop.orders;
const [stock, ...otherStock] = shop.stock;

it('finds nothing wrong with a sound shop, and says how much it looked at', () => {
  const results = checkInvariants(shop);
  expect(results.map(({ name, ok, checked }) => [name, ok, checked])).toEqual([
    ['initial = on hand + reserved + sold - returned', true, 2],
    ['stock is never negative', true, 2],
    ['the ledger sums to zero', true, 12],
    ['one effect per idempotency key', true, 12],
    ['never more refunded than captured', true, 2],
    ['captured - refunded = amount due', true, 3],
    ['refunded + credited = value of the return', true, 1],
    ['every order reaches a terminal state', true, 3],
    ['no orphan reservation', true, 2],
    ['sold - returned = what orders took', true, 2],
    ['the outbox is empty', true, 1],
  ]);
});

describe('each invariant fails when it should', () => {
  it('stock that does not balance', () => {
    const lost = { ...stock!, onHand: stock!.onHand - 1 };
    expect(broken({ ...shop, stock: [lost, ...otherStock] })).toEqual([
      'initial = on hand + reserved + sold - returned',
    ]);
  });

  it('stock below zero, also as a number that is none', () => {
    const oversold = { ...stock!, initial: 7, onHand: 0 };
    expect(broken({ ...shop, stock: [oversold, ...otherStock] })).toEqual([]);
    const negative = { ...stock!, initial: 6, onHand: -1 };
    expect(broken({ ...shop, stock: [negative, ...otherStock] })).toEqual([
      'stock is never negative',
    ]);
    const none = { ...stock!, onHand: Number.NaN };
    expect(broken({ ...shop, stock: [none, ...otherStock] })).toContain('stock is never negative');
  });

  it('a posting without its other side', () => {
    const ledger = shop.ledger.filter(({ account }) => account !== 'sales');
    expect(broken({ ...shop, ledger })).toContain('the ledger sums to zero');
  });

  it('postings that sum to zero only over two operations', () => {
    const ledger = [
      ...shop.ledger,
      { account: 'credit-notes', orderId: 'C4', amountPence: 5, operation: 'x' },
      { account: 'refunds', orderId: 'C4', amountPence: -5, operation: 'y' },
    ];
    expect(broken({ ...shop, ledger })).toContain('the ledger sums to zero');
  });

  it('a double charge', () => {
    const again = posted('1', 'capture', 1000, 'cash sales');
    expect(broken({ ...shop, ledger: [...shop.ledger, ...again] })).toEqual([
      'one effect per idempotency key',
      'captured - refunded = amount due',
    ]);
  });

  it('a double charge under another key', () => {
    const again = posted('1', 'capture-2', 1000, 'cash sales');
    expect(broken({ ...shop, ledger: [...shop.ledger, ...again] })).toContain(
      'one effect per idempotency key',
    );
  });

  it('a refund given twice', () => {
    const again = posted('1', 'refund:C4', 200, 'refunds cash');
    expect(broken({ ...shop, ledger: [...shop.ledger, ...again] })).toEqual([
      'one effect per idempotency key',
      'captured - refunded = amount due',
    ]);
  });

  it('more refunded than captured', () => {
    const more = posted('2', 'refund:C9', 1, 'refunds cash');
    expect(broken({ ...shop, ledger: [...shop.ledger, ...more] })).toContain(
      'never more refunded than captured',
    );
  });

  it('a confirmed order that was never charged', () => {
    const ledger = shop.ledger.filter(({ orderId }) => orderId !== '1');
    expect(broken({ ...shop, ledger })).toContain('captured - refunded = amount due');
  });

  it('a rejected order whose money was kept', () => {
    const kept = posted('3', 'capture', 70, 'cash sales');
    expect(broken({ ...shop, ledger: [...shop.ledger, ...kept] })).toEqual([
      'captured - refunded = amount due',
    ]);
  });

  it('an order that says another refund than the ledger', () => {
    expect(broken({ ...shop, orders: [{ ...order!, refundedPence: 0 }, ...otherOrders] })).toEqual([
      'captured - refunded = amount due',
    ]);
  });

  it('money of an order that nobody knows', () => {
    const ghost = posted('99', 'capture', 1, 'cash sales');
    expect(broken({ ...shop, ledger: [...shop.ledger, ...ghost] })).toEqual([
      'captured - refunded = amount due',
    ]);
  });

  it('a return whose credit note is missing', () => {
    const ledger = shop.ledger.filter(({ orderId }) => orderId !== 'C4');
    expect(broken({ ...shop, ledger })).toEqual(['refunded + credited = value of the return']);
  });

  it('a return that never settles', () => {
    const returns = shop.returns.map((row) => ({ ...row, state: 'matching' }));
    expect(broken({ ...shop, returns })).toContain('refunded + credited = value of the return');
  });

  it('an order that never ends', () => {
    const stuck = { ...otherOrders[1]!, state: 'created' };
    expect(broken({ ...shop, orders: [order!, otherOrders[0]!, stuck] })).toEqual([
      'every order reaches a terminal state',
    ]);
  });

  it('an orphan reservation', () => {
    const orphan = { ...stock!, onHand: stock!.onHand - 2, reserved: 2 };
    expect(broken({ ...shop, stock: [orphan, ...otherStock] })).toEqual(['no orphan reservation']);
  });

  it('a lost reservation: the order is confirmed, the goods were never sold', () => {
    const lost = { ...stock!, onHand: stock!.onHand + 10, sold: stock!.sold - 10 };
    expect(broken({ ...shop, stock: [lost, ...otherStock] })).toEqual([
      'sold - returned = what orders took',
    ]);
  });

  it('goods of a stock code that is not there', () => {
    expect(broken({ ...shop, stock: otherStock })).toEqual(['sold - returned = what orders took']);
  });

  it('goods put back twice', () => {
    const twice = { ...stock!, onHand: stock!.onHand + 4, returned: stock!.returned + 4 };
    expect(broken({ ...shop, stock: [twice, ...otherStock] })).toEqual([
      'sold - returned = what orders took',
    ]);
  });

  it('an outbox with something left, or parked', () => {
    expect(broken({ ...shop, outboxPending: 1 })).toEqual(['the outbox is empty']);
    expect(broken({ ...shop, outboxParked: 1 })).toEqual(['the outbox is empty']);
  });
});

it('asks of a running shop only what holds at any moment', () => {
  const running: ShopSnapshot = {
    ...shop,
    orders: [...shop.orders, { ...order!, id: '5', state: 'created', refundedPence: 0 }],
    outboxPending: 3,
  };
  expect(broken(running, { settled: false })).toEqual([]);
  expect(broken(running)).not.toEqual([]);
});

it('tells at most 20 violations and counts all', () => {
  const many = Array.from({ length: 50 }, (_, i) => ({ ...stock!, code: `c${i}`, initial: 0 }));
  const [result] = checkInvariants({ ...shop, stock: many });
  expect([result?.violations.length, result?.violationCount]).toEqual([20, 50]);
});
