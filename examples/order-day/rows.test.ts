import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { COLUMNS, orderFiles, readRows } from './rows.ts';
import type { LeftOutRow, Row } from './rows.ts';

const HEADER = COLUMNS.join(',');

async function read(
  text: string,
  file = 'day.csv',
): Promise<{ rows: Row[]; broken: LeftOutRow[] }> {
  const rows: Row[] = [];
  const broken: LeftOutRow[] = [];
  await readRows(file, text, { row: (row) => rows.push(row), broken: (row) => broken.push(row) });
  return { rows, broken };
}

const GOOD = '536365,85123A,LANTERN,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom';

test('a row is read with its file and line, and the customer number loses its ".0"', async () => {
  const { rows, broken } = await read(`${HEADER}\n${GOOD}\n`);
  expect(broken).toEqual([]);
  expect(rows).toEqual([
    {
      file: 'day.csv',
      line: 2,
      invoice: '536365',
      code: '85123A',
      description: 'LANTERN',
      quantity: 6,
      time: '2010-12-01 08:26:00',
      unitPrice: '2.55',
      customer: '17850',
      country: 'United Kingdom',
    },
  ]);
});

test('quoted commas, doubled quotes and a quoted line break stay in their field', async () => {
  const { rows, broken } = await read(
    [
      HEADER,
      '1,A,"LOUNGE,METAL SIGN",2,2010-12-01 09:41:00,2.1,,EIRE',
      '1,B,"FRAME 7"" SIZE ",48,2010-12-01 09:41:00,2.1,,EIRE',
      '1,C,"TWO\nLINES",1,2010-12-01 09:41:00,2.1,,EIRE',
      '1,D,PLAIN,1,2010-12-01 09:41:00,2.1,,EIRE',
    ].join('\n'),
  );
  expect(broken).toEqual([]);
  expect(rows.map((row) => row.description)).toEqual([
    'LOUNGE,METAL SIGN',
    'FRAME 7" SIZE',
    'TWO\nLINES',
    'PLAIN',
  ]);
  expect(rows.map((row) => row.line)).toEqual([2, 3, 4, 6]);
});

test('what a year of the data holds is read: odd codes, "?" descriptions, negative and three-digit prices', async () => {
  const { rows, broken } = await read(
    [
      HEADER,
      'A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom',
      '550193,BANK CHARGES,?,1,2011-04-15 09:27:00,0.001,12681.0,France',
      '540699,47503J ,,1000,2011-01-11 09:32:00,0.0,,United Kingdom',
      'C541433,23166,JAR,-74215,2011-01-18 10:17,1.04,12346.0,United Kingdom',
    ].join('\r\n'),
  );
  expect(broken).toEqual([]);
  expect(rows.map(({ code, quantity, unitPrice }) => [code, quantity, unitPrice])).toEqual([
    ['B', 1, '-11062.06'],
    ['BANK CHARGES', 1, '0.001'],
    ['47503J ', 1000, '0.0'],
    ['23166', -74215, '1.04'],
  ]);
  expect(rows[3]!.time).toBe('2011-01-18 10:17:00');
});

test.each([
  ['536365,85123A,LANTERN,6', '4 fields where the header has 8', undefined],
  [`${GOOD},more`, '9 fields where the header has 8', undefined],
  [GOOD.replace(',6,', ',six,'), 'the quantity is not a whole number', '536365'],
  [GOOD.replace(',6,', ',6.5,'), 'the quantity is not a whole number', '536365'],
  [GOOD.replace('2.55', '2,55'), '9 fields where the header has 8', undefined],
  [GOOD.replace('2.55', 'free'), 'the unit price is not a decimal number', '536365'],
  [
    GOOD.replace('2010-12-01', '2010-13-01'),
    'the invoice date is not YYYY-MM-DD HH:MM:SS',
    '536365',
  ],
  [GOOD.replace(',6,', ',99999999,').replace('2.55', '99999'), 'the amount is too large', '536365'],
  [GOOD.replace('536365', ''), 'no invoice number', undefined],
  [GOOD.replace('85123A', ' '), 'no stock code', '536365'],
  [GOOD.replace('LANTERN', '"LANTERN'), 'quotes that do not match', undefined],
  [GOOD.replace('LANTERN', 'LAN"TE"RN'), 'quotes that do not match', undefined],
])(
  'row %s is left out because of %s, and its neighbours are read',
  async (row, reason, invoice) => {
    const { rows, broken } = await read([HEADER, GOOD, row, GOOD, GOOD].join('\n'), 'monday.csv');
    expect(broken).toEqual([
      {
        file: 'monday.csv',
        line: 3,
        reason,
        ...(invoice === undefined ? {} : { invoice }),
        unreadable: true,
      },
    ]);
    expect(rows.map((read) => read.line)).toEqual([2, 4, 5]);
  },
);

test('columns may stand in another order', async () => {
  const { rows } = await read(
    [COLUMNS.toReversed().join(','), GOOD.split(',').toReversed().join(',')].join('\n'),
  );
  expect(rows[0]).toMatchObject({ invoice: '536365', quantity: 6, country: 'United Kingdom' });
});

test('a header without a column is an error that names file and column', async () => {
  await expect(read('InvoiceNo,StockCode,Quantity\n', 'x.csv')).rejects.toThrow(
    'x.csv:1: the header lacks Description, InvoiceDate, UnitPrice, CustomerID, Country',
  );
  await expect(read('', 'empty.csv')).rejects.toThrow('empty.csv:1: the header lacks InvoiceNo');
});

test('a folder gives its CSV files by name; a missing path and a folder without any are named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rows-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await expect(orderFiles(folder)).rejects.toThrow(/has no \.csv file/);
  for (const name of ['b.csv', 'a.CSV', 'notes.txt']) await writeFile(join(folder, name), HEADER);
  expect(await orderFiles(folder)).toEqual([join(folder, 'a.CSV'), join(folder, 'b.csv')]);
  expect(await orderFiles(join(folder, 'b.csv'))).toEqual([join(folder, 'b.csv')]);
  await expect(orderFiles(join(folder, 'none'))).rejects.toThrow(/none: no such file or folder/);
});
