import { expect, test } from 'vitest';
import { drawCharts } from './charts.ts';
import { glanceAt } from './glance.ts';
import type { Outcome } from './outcome.ts';
import { renderPage } from './page.ts';
import { order, OUTCOME } from './sample.fixture.ts';

const VERDICTS = [
  { name: 'the ledger sums to zero', ok: true, checked: 4, violations: [], violationCount: 0 },
  {
    name: 'no orphan reservation',
    ok: false,
    checked: 3,
    violations: ['b: 1 unit'],
    violationCount: 1,
  },
];

async function pageOf(outcome: Outcome): Promise<string> {
  const glance = glanceAt(outcome, (code) => (code === '85123A' ? 'HEART <T-LIGHT> & CO' : ''));
  const leftOut = [
    { file: 'day.csv', line: 9, reason: 'quotes that do not match', unreadable: true },
  ];
  return renderPage({ glance, charts: await drawCharts(glance), verdicts: VERDICTS, leftOut });
}

const VOID = new Set(['meta', 'br']);

/** Names the first tag that is not closed in its order, after taking out what may hold free text. */
function firstMismatch(html: string): string | undefined {
  const open: string[] = [];
  const text = html
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, '');
  for (const [, close, name = '', , self] of text.matchAll(
    /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*(\/?)>/g,
  )) {
    if (self === '/' || VOID.has(name)) continue;
    if (close !== '/') open.push(name);
    else if (open.pop() !== name) return name;
  }
  return open.pop();
}

test('the page is well formed, escapes what it is given and needs no network', async () => {
  const page = await pageOf(OUTCOME);
  expect(page.startsWith('<!doctype html>')).toBe(true);
  expect(firstMismatch(page)).toBeUndefined();
  expect(page).toContain('85123A HEART &lt;T-LIGHT&gt; &amp; CO');
  expect(page).not.toContain('<T-LIGHT>');
  expect(page).not.toContain('<declined>');
  const urls = [...page.matchAll(/\b(?:https?:)?\/\/[\w.-]+[^"'\s<)]*/g)].map(([url]) => url);
  expect(new Set(urls)).toEqual(
    new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']),
  );
  expect(page).not.toContain('<script');
});

test('the page has the totals, four charts, the invariants and the lines left out', async () => {
  const page = await pageOf(OUTCOME);
  expect(page).toContain('<dt>Revenue</dt><dd>£15.30</dd>');
  expect(page.match(/<svg /g)?.length).toBe(8);
  expect(page).toMatch(/holds<\/span><span>the ledger sums to zero/);
  expect(page).toMatch(/broken<\/span><span>no orphan reservation/);
  expect(page).toContain('day.csv:9');
});

test('the same figures give the same figures and drawings, also for a day without an order', async () => {
  const nothing = { orders: [], returns: [], stock: [], payments: [] };
  expect(firstMismatch(await pageOf(nothing))).toBeUndefined();
  expect(await pageOf(OUTCOME)).toBe(await pageOf(OUTCOME));
});

test('one day is shown by the hour and several by the day, quiet ones included', () => {
  const day = glanceAt(OUTCOME, () => '');
  expect(day.unit).toBe('hour');
  expect(day.buckets.map(({ label, confirmed, rejected }) => [label, confirmed, rejected])).toEqual(
    [
      ['09:00', 0, 2],
      ['10:00', 0, 0],
      ['11:00', 1, 0],
    ],
  );
  const orders = [
    order('1', { placedAt: '2026-02-27 09:00:00' }),
    order('2', { placedAt: '2026-03-02 09:00:00' }),
  ];
  const days = glanceAt({ ...OUTCOME, orders }, () => '');
  expect(days.span).toBe('2026-02-27 to 2026-03-02');
  expect(days.buckets.map(({ label, confirmed }) => [label, confirmed])).toEqual([
    ['2026-02-27', 1],
    ['2026-02-28', 0],
    ['2026-03-01', 0],
    ['2026-03-02', 1],
  ]);
});

test('stock is ranked by units sold, and rare reasons are added up', () => {
  const orders = Array.from({ length: 14 }, (_, i) =>
    order(`r${i}`, { state: 'rejected', reason: i < 3 ? 'frequent' : `rare ${i}` }),
  );
  const glance = glanceAt({ ...OUTCOME, orders }, () => '');
  expect(glance.movers.map(({ code }) => code)).toEqual(['85123A', 'b']);
  expect(glance.reasons[0]).toEqual({ reason: 'frequent', count: 3 });
  expect(glance.reasons.at(-1)).toEqual({ reason: 'other reasons', count: 3 });
  expect(glance.reasons.length).toBe(10);
  const short = [order('1', { state: 'rejected', reason: '10100 is short: 0 on hand, 12 wanted' })];
  expect(glanceAt({ ...OUTCOME, orders: short }, () => '').reasons).toEqual([
    { reason: 'stock is short', count: 1 },
  ]);
});
