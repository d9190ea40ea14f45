import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commitHold, hold, openedWith, putBack, releaseHold, type Stock } from './stock.ts';

function expectSound(stock: Stock): void {
  const { initial, onHand, reserved, sold, returned, holds } = stock;
  expect(onHand + reserved + sold - returned).toBe(initial);
  expect(Math.min(onHand, reserved, sold, returned)).toBeGreaterThanOrEqual(0);
  expect(Object.values(holds).reduce((sum, units) => sum + units, 0)).toBe(reserved);
}

it('reserves, sells, releases and takes back', () => {
  const stock = openedWith(10);
  expect(hold(stock, 'a', 4)).toBeUndefined();
  expect(hold(stock, 'b', 6)).toBeUndefined();
  expect(hold(stock, 'c', 1)).toBe('is short: 0 on hand, 1 wanted');
  commitHold(stock, 'a');
  releaseHold(stock, 'b');
  putBack(stock, 1);
  expect(stock).toEqual({ initial: 10, onHand: 7, reserved: 0, sold: 4, returned: 1, holds: {} });
});

it('holds once however often an order asks, and refuses no units', () => {
  const stock = openedWith(10);
  hold(stock, 'a', 4);
  expect(hold(stock, 'a', 4)).toBeUndefined();
  expect(stock.onHand).toBe(6);
  for (const quantity of [0, -1, 1.5]) expect(hold(stock, 'x', quantity)).toMatch(/cannot/);
});

it('changes nothing for an order without a hold', () => {
  const stock = openedWith(10);
  commitHold(stock, 'a');
  releaseHold(stock, 'toString');
  expect(stock).toEqual(openedWith(10));
});

it('stays balanced and never negative whatever is asked in whatever order', () => {
  const order = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.tuple(fc.constant('hold' as const), order, fc.integer({ min: -2, max: 12 })),
    fc.tuple(fc.constantFrom('commit' as const, 'release' as const), order, fc.constant(0)),
    fc.tuple(fc.constant('putBack' as const), order, fc.nat(5)),
  );
  fc.assert(
    fc.property(fc.nat(20), fc.array(step, { maxLength: 40 }), (initial, steps) => {
      const stock = openedWith(initial);
      let sold = 0;
      for (const [what, orderId, quantity] of steps) {
        if (what === 'hold') hold(stock, orderId, quantity);
        else if (what === 'commit') {
          sold += stock.holds[orderId] ?? 0;
          commitHold(stock, orderId);
        } else if (what === 'release') releaseHold(stock, orderId);
        else putBack(stock, Math.min(quantity, sold - stock.returned));
        expectSound(stock);
      }
      expect(stock.sold).toBe(sold);
    }),
  );
});
