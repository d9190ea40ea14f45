/** What the model card claims of the held-back week comes out of the actors' own code, over the real days. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { admitLines } from '../../actors/index.ts';
import { baselinesOf, featuresOf, soldFrom, WEEK } from '../../actors/prediction/features.ts';
import { demandOf } from '../../actors/prediction/sales.ts';
import type { Sale } from '../../actors/prediction/sales.ts';
import { calendarOf, forecastOf, openDaysOf } from './forecast.ts';
import type { CodeReview } from './forecast.ts';
import { openForecaster } from './forecaster.ts';
import { readInput } from './input.ts';
import type { Input } from './input.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DAYS = join(process.env['TROUPE_DATA'] ?? join(ROOT, '../shared/data'), 'online-retail');
const REASON = existsSync(DAYS) ? '' : ` (there are no real days at ${DAYS})`;

/** Units of each code by day, as if every order with a valid line were confirmed. */
function soldBy({ invoices }: Input): Map<string, Record<string, number>> {
  const byDay = Map.groupBy(invoices, ({ time }) => time.slice(0, 10));
  const sold = new Map<string, Record<string, number>>();
  for (const [day, found] of byDay) {
    const salesOf = (kind: 'order' | 'return'): Sale[] =>
      found
        .filter((invoice) => invoice.kind === kind)
        .map(({ customer, lines }) => ({
          customer: customer === '' ? null : customer,
          units: admitLines(lines).lines.map(({ stockCode, quantity }) => [stockCode, quantity]),
          cancelled: false,
        }));
    for (const [code, units] of demandOf(salesOf('order'), salesOf('return'))) {
      const days = sold.get(code) ?? {};
      sold.set(code, Object.assign(days, { [day]: units }));
    }
  }
  return sold;
}

test.skipIf(REASON !== '')(
  `the errors of the held-back week are those of the card${REASON}`,
  async () => {
    const input = await readInput(DAYS);
    const calendar = calendarOf(input, undefined);
    const days = openDaysOf(input).slice(-WEEK);
    const asked = [...soldBy(input)].flatMap(([code, sold]) =>
      days.flatMap((day) => {
        const features = featuresOf(sold, day, calendar);
        return features ? [{ code, sold, day, features }] : [];
      }),
    );
    await using forecaster = openForecaster();
    const options = { signal: new AbortController().signal, deadline: Date.now() + 60_000 };
    const reviews: CodeReview[] = [];
    for (let at = 0; at < asked.length; at += 1000) {
      const rows = asked.slice(at, at + 1000);
      const features = Float32Array.from(rows.flatMap((row) => [...row.features]));
      const answer = await forecaster.predict(features, options);
      for (const [row, { code, sold, day }] of rows.entries()) {
        const forecast = { day: answer[row * 2]!, week: answer[row * 2 + 1]! };
        const baselines = baselinesOf(sold, day, calendar);
        reviews.push({ code, day, forecast, baselines, sold: soldFrom(sold, day, calendar) });
      }
    }
    const { summary } = forecastOf(reviews, days);
    const card = await readFile(join(ROOT, 'workers/models/demand/card.md'), 'utf8');
    const claimed = [...card.matchAll(/^\| [\w -]+ \| \**(\d\.\d{4})\** \|/gm)].map(([, wape]) =>
      Number(wape),
    );
    const measured = [summary, summary.week!].flatMap(({ wape, wapes }) => [
      wape,
      wapes.lastValue,
      wapes.mean20,
      wapes.lastWeek,
      wapes.zero,
    ]);
    expect(measured).toEqual(claimed);
  },
);
