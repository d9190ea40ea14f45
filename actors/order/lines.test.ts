import { expect, it } from 'vitest';
import { admitLines, demandOf, lineFault } from './lines.ts';

const line = { stockCode: '22423', description: 'CAKESTAND', quantity: 2, unitPrice: '12.75' };

it('prices valid lines and leaves the others out with their reason, in order', () => {
  const { lines, leftOut } = admitLines([
    line,
    { ...line, stockCode: '21587', quantity: -53, unitPrice: '0.0' },
    { ...line, stockCode: 'POST', quantity: 1, unitPrice: '0.0' },
    { ...line, stockCode: '85123A', quantity: 1, unitPrice: '2.955' },
  ]);
  expect(lines.map(({ stockCode, amountPence }) => [stockCode, amountPence])).toEqual([
    ['22423', 2550],
    ['85123A', 296],
  ]);
  expect(leftOut).toEqual([
    { stockCode: '21587', quantity: -53, unitPrice: '0.0', reason: 'quantity is not above 0' },
    { stockCode: 'POST', quantity: 1, unitPrice: '0.0', reason: 'unit price is not above 0' },
  ]);
});

it.each([
  [{ quantity: 0 }, 'quantity is not above 0'],
  [{ quantity: 1.5 }, 'quantity is not a whole number'],
  [{ unitPrice: '-1' }, 'unit price is not above 0'],
  [{ unitPrice: 'free' }, 'unit price is not a decimal amount'],
  [{ stockCode: '' }, 'no stock code'],
  [{ stockCode: '__proto__' }, 'not a stock code'],
])('names what is wrong with %j', (change, reason) => {
  expect(lineFault({ ...line, ...change })).toBe(reason);
});

it('adds lines up by stock code as written, in order of first appearance', () => {
  const { lines } = admitLines([
    { ...line, stockCode: 'b' },
    { ...line, stockCode: 'B' },
    { ...line, stockCode: 'b', quantity: 1, unitPrice: '0.005' },
  ]);
  expect(demandOf(lines)).toEqual([
    { stockCode: 'b', quantity: 3, amountPence: 2551 },
    { stockCode: 'B', quantity: 2, amountPence: 2550 },
  ]);
});
