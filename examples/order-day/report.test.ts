import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { reportFiles, writeReport } from './report.ts';
import { OUTCOME } from './sample.fixture.ts';

test('rows are sorted by code units and have the keys of the format in a fixed order', () => {
  const files = reportFiles(OUTCOME);
  expect(files['orders.jsonl']).toBe(
    [
      '{"id":"10","customer":null,"state":"rejected","reason":"no valid line","totalPence":0,"refundedPence":0}',
      '{"id":"9","customer":"17850","state":"confirmed","reason":null,"totalPence":1530,"refundedPence":510}',
      '{"id":"B","customer":"17850","state":"cancelled","reason":"asked for","totalPence":1530,"refundedPence":0}',
      '{"id":"a7","customer":"17850","state":"rejected","reason":"payment <declined> & \\"gone\\"","totalPence":1530,"refundedPence":0}',
      '',
    ].join('\n'),
  );
  expect(files['stock.jsonl']).toBe(
    [
      '{"code":"85123A","initial":9,"onHand":0,"reserved":0,"sold":9,"returned":0}',
      '{"code":"B","initial":1,"onHand":1,"reserved":0,"sold":0,"returned":0}',
      '{"code":"b","initial":9,"onHand":6,"reserved":0,"sold":5,"returned":2}',
      '',
    ].join('\n'),
  );
  expect(files['ledger.jsonl']).toBe(
    [
      '{"account":"cash","orderId":"9","amountPence":-510}',
      '{"account":"cash","orderId":"9","amountPence":1530}',
      '{"account":"refunds","orderId":"9","amountPence":510}',
      '{"account":"sales","orderId":"9","amountPence":-1530}',
      '',
    ].join('\n'),
  );
  expect(files['returns.jsonl']?.split('\n')[0]).toBe(
    '{"id":"C10","customer":"17850","state":"rejected","reason":"no valid line","totalPence":510,"refundedPence":510,"creditPence":0}',
  );
});

test('the order in which actors answer does not change a byte', () => {
  const { orders, returns, stock, payments } = OUTCOME;
  const otherWay = {
    orders: orders.toReversed(),
    returns: returns.toReversed(),
    stock: stock.toReversed(),
    payments: payments.map((one) => ({ ...one, postings: one.postings.toReversed() })),
  };
  expect(reportFiles(otherWay)).toEqual(reportFiles(OUTCOME));
});

test('files are written whole into a folder that may not be there yet', async () => {
  const root = await mkdtemp(join(tmpdir(), 'report-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const folder = join(root, 'a', 'b');
  await writeReport(folder, { 'orders.jsonl': 'old' });
  await writeReport(folder, { 'orders.jsonl': 'new' });
  expect(await readdir(folder)).toEqual(['orders.jsonl']);
  expect(await readFile(join(folder, 'orders.jsonl'), 'utf8')).toBe('new');
});
