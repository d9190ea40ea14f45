import { fileURLToPath } from 'node:url';
import { createSystem, type System } from 'troupe';
import { TroupeError } from 'troupe/actor';
import { describe, expect, test } from 'vitest';
import { createHashPaymentProvider, shopActors } from '../../actors/index.ts';
import type { Forecaster } from '../../actors/index.ts';
import { calendarOf, forecastDemand, forecastOf, openDaysOf } from './forecast.ts';
import type { CodeReview } from './forecast.ts';
import { drawForecast } from './forecast-chart.ts';
import { forecastFile, forecastLines } from './forecast-text.ts';
import { readHistory } from './history.ts';
import type { Input } from './input.ts';
import type { Invoice } from './invoices.ts';
import { order } from './sample.fixture.ts';

const baselines = (day: number, week: number): CodeReview['baselines'] => ({
  lastValue: { day, week },
  mean20: { day: day + 2, week: week + 20 },
  lastWeek: { day: day + 4, week: week + 40 },
  zero: { day: 0, week: 0 },
});

function review(code: string, day: string, sold: number, forecast: number): CodeReview {
  const what = { day: forecast, week: forecast * 6 };
  const units = { day: sold, week: sold * 6 };
  return { code, day, sold: units, forecast: what, baselines: baselines(sold + 1, 30) };
}

const WEEK = ['13', '14', '15', '16', '17', '18'].map((day) => `2011-02-${day}`);

const invoice = (id: string, day: string): Invoice => ({
  id,
  kind: id.startsWith('C') ? 'return' : 'order',
  customer: '1',
  country: 'EIRE',
  time: `${day} 10:00:00`,
  lines: [],
});
const inputOf = (...invoices: Invoice[]): Input => ({
  invoices,
  leftOut: [],
  lines: 0,
  ordered: new Map(),
  files: 1,
  fingerprint: '',
});

describe('the error of a forecast', () => {
  test('is the sum of the errors over the units sold, and names the baseline that comes closest', () => {
    const { summary } = forecastOf(
      [review('b', '2011-02-18', 10, 5), review('a', '2011-02-18', 30, 31)],
      ['2011-02-17', '2011-02-18'],
    );
    expect(summary).toEqual({
      codes: 2,
      from: '2011-02-18',
      to: '2011-02-18',
      forecasts: 2,
      units: 40,
      wape: 0.15,
      baselineWape: 0.05,
      baseline: 'lastValue',
      wapes: { lastValue: 0.05, mean20: 0.15, lastWeek: 0.25, zero: 1 },
      week: null,
    });
    expect(forecastLines(summary)).toEqual([
      'forecast 2 stock codes, 2011-02-18; closest: last value',
      '                next day: WAPE 0.150; last value 0.050, 20-day mean 0.150, same weekday last week 0.250, zero 1.000',
    ]);
  });

  test('of a week counts the codes that were known before it, by what they sold in all of it', () => {
    const known = WEEK.map((day) => review('a', day, 10, 9));
    const late = WEEK.slice(3).map((day) => review('late', day, 100, 100));
    const { summary } = forecastOf([...known, ...late], WEEK);
    expect(summary).toMatchObject({ codes: 2, forecasts: 9, units: 360 });
    // 54 were forecast and 60 sold; the last value said 30.
    expect(summary.week).toMatchObject({ forecasts: 1, units: 60, wape: 0.1, baseline: 'mean20' });
    expect(summary.week?.wapes).toMatchObject({ lastValue: 0.5, mean20: 0.1667 });
    expect(forecastLines(summary)[0]).toContain('2011-02-13 to 2011-02-18; closest: the model');
  });

  test('is none where nothing was sold', async () => {
    const nothing = forecastOf([], ['2011-02-18']);
    expect(nothing.summary).toMatchObject({ codes: 0, wape: null, baselineWape: null, week: null });
    expect(forecastLines(nothing.summary)).toHaveLength(1);
    expect((await drawForecast(nothing, () => '')).svg).toBeUndefined();
    const unsold = forecastOf([review('a', '2011-02-18', 0, 3)], ['2011-02-18']);
    expect(unsold.summary).toMatchObject({ codes: 1, wape: null, baseline: null });
    expect(forecastLines(unsold.summary)[1]).toContain('WAPE none');
  });

  test('does not depend on the order of the answers', () => {
    const reviews = WEEK.flatMap((day) => ['a', 'b'].map((code) => review(code, day, 7, 6.5)));
    const straight = forecastOf(reviews, WEEK);
    const reversed = forecastOf(reviews.toReversed(), WEEK);
    expect(reversed).toEqual(straight);
    expect(forecastFile(reversed)).toBe(forecastFile(straight));
    expect(forecastFile(straight).split('\n')[0]).toBe(
      '{"code":"a","day":"2011-02-13","forecast":6.5,"sold":7,"mean20":10}',
    );
  });
});

test('the page shows what was forecast highest, every error, and who comes closest', async () => {
  const reviews = Array.from({ length: 20 }, (_, n) => review(`${n}`, '2011-02-18', 50 - n, n));
  const chart = await drawForecast(forecastOf(reviews, ['2011-02-18']), (code) => `<${code}>`);
  expect(chart.table.rows.map(([name]) => name)).toEqual([
    'the model',
    'last value',
    '20-day mean',
    'same weekday last week',
    'zero',
  ]);
  expect(chart.note).toContain('the 12 of which most was forecast, of 20 stock codes');
  expect(chart.note).toContain('Closest: last value.');
  expect(chart.svg?.wide).toContain('19 &lt;19&gt;');
  expect(chart.svg?.wide).not.toContain('7 &lt;7&gt;');
});

test('open days are those of orders and history; after them all but Saturdays', async () => {
  const history = { days: ['2011-02-10', '2011-02-11'], sold: new Map() };
  const input = inputOf(
    invoice('1', '2011-02-15'),
    invoice('C2', '2011-02-16'),
    invoice('3', '2011-02-17'),
  );
  expect(openDaysOf(input)).toEqual(['2011-02-15', '2011-02-17']);
  const calendar = calendarOf(input, history);
  expect(calendar.before('2011-02-20', 4)).toEqual([
    '2011-02-18',
    '2011-02-17',
    '2011-02-15',
    '2011-02-11',
  ]);
});

test('the history of the generated shop has every code on 40 open days before its day', async () => {
  const { days, sold } = await readHistory(fileURLToPath(new URL('history.csv', import.meta.url)));
  expect(days.length).toBe(40);
  expect(days.at(-1)).toBe('2026-03-01');
  expect(sold.size).toBe(56);
  const units = [...sold.values()].flatMap((byDay) => Object.values(byDay));
  expect(units.length).toBe(56 * 40);
  expect(units.every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true);
});

function openShop(predict: Forecaster['predict']): Promise<System> {
  const payments = createHashPaymentProvider({ declineRate: 0 });
  const forecaster: Forecaster = { model: 'demand', predict };
  return createSystem({ actors: shopActors, services: { payments, forecaster } });
}

test('a model that cannot be asked is told as the reason, and the run goes on', async () => {
  await using system = await openShop(() =>
    Promise.reject(new TroupeError('UNAVAILABLE', 'the thread ended')),
  );
  const history = { days: ['2011-02-14'], sold: new Map([['a', { '2011-02-14': 3 }]]) };
  const { summary } = await forecastDemand(system, {
    input: inputOf(invoice('1', '2011-02-15')),
    history,
    outcome: { orders: [] },
    roster: { ids: (type) => system.actors.list(type) },
    signal: new AbortController().signal,
  });
  expect(summary).toMatchObject({ codes: 0, reason: expect.stringContaining('the thread ended') });
  expect(forecastLines(summary)[0]).toContain('forecast none: ');
});

test('sales that a broker has not delivered are told as the reason, not left out silently', async () => {
  await using system = await openShop(async () => Float32Array.of());
  const { summary } = await forecastDemand(system, {
    input: inputOf(invoice('9', '2026-03-02')),
    history: undefined,
    outcome: { orders: [order('9')] },
    roster: { ids: (type) => system.actors.list(type) },
    signal: new AbortController().signal,
    patienceMs: 0,
  });
  expect(summary.reason).toBe('confirmed orders that did not reach the sales books: 1');
});
