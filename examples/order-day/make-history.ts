/**
 * Writes history.csv, what the generated shop sold before its day:
 * `node examples/order-day/make-history.ts > examples/order-day/history.csv`.
 * Orders are made up as those of day.csv, fewer on Sundays, none on Saturdays.
 * One row a stock code, one column an open day. The same seed gives the same file.
 */
import { createCalendar } from '../../actors/index.ts';
import { diceOf, generator, GOODS } from './made-up.ts';

const SEED = 20260115;
const DAYS = 40;
/** The day of day.csv. */
const DAY = '2026-03-02';
const isSunday = (day: string): boolean => new Date(`${day}T00:00:00Z`).getUTCDay() === 0;

const { whole, popular, quantity } = diceOf(generator(SEED));
const days = createCalendar().before(DAY, DAYS).toReversed();
const sold = new Map(GOODS.map(({ code }) => [code, days.map(() => 0)]));
for (const [at, day] of days.entries()) {
  const orders = isSunday(day) ? whole(40, 70) : whole(100, 140);
  for (let order = 0; order < orders; order++) {
    for (let line = whole(1, 9); line > 0; line--) {
      sold.get(popular(GOODS).code)![at]! += quantity();
    }
  }
}
const rows = [...sold].map(([code, units]) => [code, ...units].join(','));
process.stdout.write(`${[['StockCode', ...days].join(','), ...rows].join('\n')}\n`);
