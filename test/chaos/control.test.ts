/** What the comparison of kills.test.ts would say of a run that lost an order, or charged one twice. */
import { copyFile, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkshop, REPORTS, type Workshop } from './order-day.fixture.ts';

let workshop: Workshop;

/** A day of three orders. */
beforeAll(async () => {
  workshop = await openWorkshop();
  const head =
    'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
  const lines = ['1', '2', '3'].map((id) => `${id},A,MUG,2,2026-03-03 09:00:00,1.25,${id}.0,EIRE`);
  await writeFile(workshop.at('day.csv'), head + lines.join('\n'));
  await workshop.finish('calm', ...DAY, '--report', workshop.at('calm'));
});
afterAll(() => workshop[Symbol.asyncDispose]());

const DAY = ['--orders', 'day.csv'];

/** The day once more over its state, which was changed behind the back of the shop. */
async function meddled(
  name: string,
  meddle: (database: DatabaseSync) => void,
): Promise<{ differing: string[]; code: number | NodeJS.Signals; err: string }> {
  await copyFile(workshop.at('calm.db'), workshop.at(`${name}.db`));
  const database = new DatabaseSync(workshop.at(`${name}.db`));
  meddle(database);
  database.close();
  const again = workshop.start(name, '--once', ...DAY, '--report', workshop.at(name));
  const code = await again.ended;
  const [calm, other] = [await workshop.report('calm'), await workshop.report(name)];
  return { differing: REPORTS.filter((file) => calm[file] !== other[file]), code, err: again.err };
}

it('a calm state gives the same files again', async () => {
  expect(await meddled('again', () => {})).toMatchObject({ differing: [], code: 0 });
});

it('negative control: a charge that is booked twice differs, and breaks an invariant', async () => {
  const { differing, code, err } = await meddled('twice', (database) => {
    change(database, 'Payment||2||account', (account) => {
      const postings = account['postings'] as unknown[];
      return { ...account, postings: [...postings, ...postings] };
    });
  });
  expect(differing).toContain('ledger.jsonl');
  expect(code).toBe(1);
  expect(err).toMatch(/order-day: .*2/);
});

it('negative control: an order whose confirmation is lost differs, and breaks an invariant', async () => {
  const { differing, code, err } = await meddled('lost', (database) => {
    change(database, 'Order||2||status', (status) => ({ ...status, state: 'rejected' }));
  });
  expect(differing).toContain('orders.jsonl');
  expect(code).toBe(1);
  expect(err).toMatch(/order-day: .*2/);
});

function change(
  database: DatabaseSync,
  row: string,
  to: (value: Record<string, unknown>) => Record<string, unknown>,
): void {
  const key = `order-day||${row}`;
  const { value } = database.prepare('SELECT value FROM state WHERE key = ?').get(key)!;
  const changed = JSON.stringify(to(JSON.parse(String(value)) as Record<string, unknown>));
  database.prepare('UPDATE state SET value = ? WHERE key = ?').run(changed, key);
}
