import { expect, it } from 'vitest';
import { noFulfilment, outstanding, ship, takeBack, unreturned } from './fulfilment.ts';

const demands = [
  { stockCode: 'a', quantity: 10, amountPence: 1000 },
  { stockCode: 'b', quantity: 1, amountPence: 250 },
];

function wanted(stockCode: string, quantity: number, unitPrice: string, amountPence: number) {
  return {
    orderId: '1',
    lines: [{ line: 0, stockCode, quantity, unitPrice, amountPence }],
  };
}

it('ships in parts and refuses more than is left', () => {
  const record = noFulfilment();
  ship(demands, record, { shipmentId: 's1', lines: [{ stockCode: 'a', quantity: 4 }] });
  expect(outstanding(demands, record)).toEqual([
    { stockCode: 'a', quantity: 6 },
    { stockCode: 'b', quantity: 1 },
  ]);
  const tooMuch = { shipmentId: 's2', lines: [{ stockCode: 'a', quantity: 7 }] };
  expect(() => ship(demands, record, tooMuch)).toThrow('6 of a are left to ship, not 7');
  const unknown = { shipmentId: 's3', lines: [{ stockCode: 'c', quantity: 1 }] };
  expect(() => ship(demands, record, unknown)).toThrow('0 of c are left to ship, not 1');
});

it('takes back at the price of the return', () => {
  const record = noFulfilment();
  expect(takeBack(demands, record, wanted('a', 3, '0.90', 270))).toEqual([
    { line: 0, orderId: '1', quantity: 3, amountPence: 270 },
  ]);
  expect(unreturned(demands, record)).toEqual([
    { stockCode: 'a', quantity: 7 },
    { stockCode: 'b', quantity: 1 },
  ]);
});

it('never takes back more units than were bought, nor more pence than were paid', () => {
  const record = noFulfilment();
  expect(takeBack(demands, record, wanted('a', 8, '1.20', 960))[0]).toMatchObject({
    quantity: 8,
    amountPence: 960,
  });
  expect(takeBack(demands, record, wanted('a', 8, '1.20', 960))[0]).toMatchObject({
    quantity: 2,
    amountPence: 40,
  });
  expect(takeBack(demands, record, wanted('a', 1, '1.20', 120))).toEqual([]);
  expect(takeBack(demands, record, wanted('c', 1, '1.20', 120))).toEqual([]);
});

it('never gives more than the line of the return still asks for', () => {
  const record = noFulfilment();
  expect(takeBack(demands, record, wanted('a', 3, '0.005', 1))[0]?.amountPence).toBe(1);
});

it('ships no more what came back before it was shipped', () => {
  const record = noFulfilment();
  ship(demands, record, { shipmentId: 's1', lines: [{ stockCode: 'a', quantity: 2 }] });
  takeBack(demands, record, wanted('a', 5, '1', 500));
  expect(outstanding(demands, record)[0]).toEqual({ stockCode: 'a', quantity: 5 });
});
