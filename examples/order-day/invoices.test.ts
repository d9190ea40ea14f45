import { expect, test } from 'vitest';
import { countReasons, createBookkeeper, requestOf } from './invoices.ts';
import type { Row } from './rows.ts';

const row = (invoice: string, changes: Partial<Row> = {}): Row => ({
  file: 'day.csv',
  line: 2,
  invoice,
  code: '85123A',
  description: 'LANTERN',
  quantity: 6,
  time: '2010-12-01 08:26:00',
  unitPrice: '2.55',
  customer: '17850',
  country: 'United Kingdom',
  ...changes,
});

test('rows of one invoice come together across files, with the first time and the first customer', () => {
  const keeper = createBookkeeper();
  keeper.row(row('2', { customer: '' }));
  keeper.row(row('1'));
  keeper.row(row('2', { file: 'next.csv', time: '2010-12-02 10:00:00', code: 'B' }));
  const { invoices, lines } = keeper.book();
  expect(lines).toBe(3);
  expect(invoices.map((invoice) => invoice.id)).toEqual(['2', '1']);
  expect(requestOf(invoices[0]!)).toMatchObject({
    customer: '17850',
    placedAt: '2010-12-01 08:26:00',
    lines: [{ stockCode: '85123A' }, { stockCode: 'B' }],
  });
});

test('an invoice that starts with C is a return, and its quantities are the units that come back', () => {
  const keeper = createBookkeeper();
  keeper.row(row('C9', { quantity: -4 }));
  keeper.row(row('C9', { quantity: 3, line: 3 }));
  const { invoices, leftOut } = keeper.book();
  expect(invoices[0]).toMatchObject({ kind: 'return', lines: [{ quantity: 4 }, { quantity: -3 }] });
  expect(leftOut).toEqual([
    {
      file: 'day.csv',
      line: 3,
      reason: 'quantity is not above 0',
      invoice: 'C9',
      unreadable: false,
    },
  ]);
});

test('lines that are not valid are counted by reason, and their invoice is still there', () => {
  const keeper = createBookkeeper();
  keeper.row(row('1', { quantity: -1 }));
  keeper.row(row('2', { unitPrice: '0.0' }));
  keeper.row(row('A3', { unitPrice: '-11062.06' }));
  keeper.broken({
    file: 'day.csv',
    line: 9,
    reason: 'no stock code',
    invoice: '4',
    unreadable: true,
  });
  keeper.broken({
    file: 'day.csv',
    line: 10,
    reason: 'quotes that do not match',
    unreadable: true,
  });
  const book = keeper.book();
  expect(book.lines).toBe(5);
  expect(book.invoices.map((invoice) => [invoice.id, invoice.kind])).toEqual([
    ['1', 'order'],
    ['2', 'order'],
    ['A3', 'order'],
    ['4', 'order'],
  ]);
  expect(countReasons(book.leftOut)).toEqual({
    'unit price is not above 0': 2,
    'no stock code': 1,
    'quantity is not above 0': 1,
    'quotes that do not match': 1,
  });
});

test('an invoice of which no row could be read has the time of the row before it', () => {
  const keeper = createBookkeeper();
  const unreadable = { file: 'day.csv', line: 2, reason: 'no stock code', unreadable: true };
  keeper.broken({ ...unreadable, invoice: '0' });
  keeper.row(row('1', { time: '2010-12-01 08:26:00', country: '' }));
  keeper.broken({ ...unreadable, invoice: '2' });
  keeper.row(row('3', { time: '2010-12-01 09:00:00' }));
  expect(keeper.book().invoices.map(({ time, country }) => [time, country])).toEqual([
    ['2010-12-01 08:26:00', 'Unspecified'],
    ['2010-12-01 08:26:00', 'Unspecified'],
    ['2010-12-01 08:26:00', 'Unspecified'],
    ['2010-12-01 09:00:00', 'United Kingdom'],
  ]);
});

test('what was ordered is added up over valid lines of orders alone, for every code in the file', () => {
  const keeper = createBookkeeper();
  keeper.row(row('1', { code: 'A', quantity: 5 }));
  keeper.row(row('2', { code: 'A', quantity: 7 }));
  keeper.row(row('2', { code: 'A', quantity: 100, unitPrice: '0' }));
  keeper.row(row('C3', { code: 'A', quantity: -2 }));
  keeper.row(row('C3', { code: 'ONLY BACK', quantity: -2 }));
  keeper.row(row('2', { code: 'a' }));
  expect([...keeper.book().ordered]).toEqual([
    ['A', 12],
    ['ONLY BACK', 0],
    ['a', 6],
  ]);
});
