import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPence, lineAmountPence, parseDecimal, sumPence } from './money.ts';

describe('lineAmountPence', () => {
  it.each([
    ['2.55', 6, 1530],
    ['18.0', 1, 1800],
    ['110', 4, 44_000],
    ['0.001', 1, 0],
    ['0.005', 1, 1],
    ['0.004999', 1, 0],
    ['1.005', 1, 101],
    ['1.255', 3, 377],
    ['0.07', 100, 700],
    ['-1.005', 1, -101],
    ['2.5', -3, -750],
  ])('%s times %i is %i pence, half a penny rounded up', (price, quantity, pence) => {
    expect(lineAmountPence(price, quantity)).toBe(pence);
  });

  it('is exact where binary fractions are not', () => {
    expect(lineAmountPence('4.35', 100)).toBe(43_500);
    expect(lineAmountPence('1.15', 3)).toBe(345);
  });

  it('equals whole pence times quantity for every price in whole pence', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.integer({ min: 1, max: 100_000 }), (pence, quantity) => {
        const price = `${Math.floor(pence / 100)}.${String(pence % 100).padStart(2, '0')}`;
        expect(lineAmountPence(price, quantity)).toBe(pence * quantity);
      }),
    );
  });

  it.each(['', 'abc', '1e3', '1,50', '.5', '1.', ' 1', 'NaN', '0x10'])('refuses %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
    expect(() => lineAmountPence(text, 1)).toThrow(/not a decimal amount/);
  });

  it('refuses a quantity that is not whole, and an amount beyond exact counting', () => {
    expect(() => lineAmountPence('1', 1.5)).toThrow(/not a whole quantity/);
    expect(() => lineAmountPence('999999999999', 1_000_000)).toThrow(/too large/);
  });
});

it('sums pence and refuses a sum that cannot be exact', () => {
  expect(sumPence([1, 2, -3])).toBe(0);
  expect(() => sumPence([Number.MAX_SAFE_INTEGER, 1])).toThrow(/too large/);
});

it('writes pence as pounds', () => {
  expect([0, 5, 123, -1205].map(formatPence)).toEqual(['0.00', '0.05', '1.23', '-12.05']);
});
