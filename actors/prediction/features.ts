/**
 * What the model is given of one stock code, and the forecasts that need no
 * model. Pure. The same is computed in workers/models/demand/features.py, by
 * which the model was trained; rows of both are compared bit by bit.
 */
import { addDays, weekdayOf, type Calendar } from './calendar.ts';

/** Units by day; a day that is not named had none. */
export type Sold = Readonly<Record<string, number>>;

/** All but the first are free of the size in which a code sells: divided by it, or counts of days. */
export const FEATURES = [
  'scale',
  'last',
  'mean3',
  'mean6',
  'mean12',
  'mean20',
  'mean40',
  'max20',
  'median20',
  'meanOfSoldDays20',
  'mean20WithoutMax',
  'lastWeek',
  'sameWeekday4',
  'soldDays20',
  'soldDays40',
  'sinceLast',
  'age',
  'weekday',
] as const;

/** Open days that are looked back on. */
export const WINDOW = 40;
/** Open days of a week. */
export const WEEK = 6;
const MONTH = 20;

const unitsOn = (sold: Sold, day: string): number =>
  Object.hasOwn(sold, day) ? (sold[day] ?? 0) : 0;

/** Units of the open days before a day, latest first; `WINDOW` of them, days that are not known as 0. */
export function windowBefore(sold: Sold, day: string, calendar: Calendar): number[] {
  const units = calendar.before(day, WINDOW).map((open) => unitsOn(sold, open));
  while (units.length < WINDOW) units.push(0);
  return units;
}

const sum = (units: readonly number[]): number => units.reduce((total, one) => total + one, 0);

function median(units: readonly number[]): number {
  const sorted = units.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** In the order of `FEATURES`, of what was sold before the day; undefined when nothing was sold within `WINDOW`. */
export function featuresOf(sold: Sold, day: string, calendar: Calendar): Float32Array | undefined {
  const window = windowBefore(sold, day, calendar);
  const since = window.findIndex((units) => units > 0);
  if (since === -1) return undefined;
  const month = window.slice(0, MONTH);
  const sum20 = sum(month);
  const max20 = Math.max(...month);
  const soldDays20 = month.filter((units) => units > 0).length;
  const weeks = [7, 14, 21, 28].map((days) => addDays(day, -days));
  const openWeeks = weeks.filter((open) => calendar.isOpen(open)).length;
  const same = sum(weeks.map((open) => unitsOn(sold, open)));
  const soldDays40 = window.filter((units) => units > 0).length;
  const scale = sum(window) / soldDays40;
  const mean = (days: number): number => sum(window.slice(0, days)) / days / scale;
  return Float32Array.of(
    scale,
    window[0]! / scale,
    mean(3),
    mean(6),
    mean(12),
    mean(MONTH),
    mean(WINDOW),
    max20 / scale,
    median(month) / scale,
    soldDays20 > 0 ? sum20 / soldDays20 / scale : 0,
    (sum20 - max20) / (MONTH - 1) / scale,
    unitsOn(sold, weeks[0]!) / scale,
    (openWeeks > 0 ? same / openWeeks : same) / scale,
    soldDays20,
    soldDays40,
    since + 1,
    window.findLastIndex((units) => units > 0) + 1,
    weekdayOf(day),
  );
}

/** Units of a day, and of the week of open days from it. */
export function soldFrom(
  sold: Sold,
  day: string,
  calendar: Calendar,
): { readonly day: number; readonly week: number } {
  let week = 0;
  for (let count = 0, next = day; count < WEEK; count++) {
    const open = calendar.onOrAfter(next);
    week += unitsOn(sold, open);
    next = addDays(open, 1);
  }
  return { day: unitsOn(sold, day), week };
}

export const BASELINES = ['lastValue', 'mean20', 'lastWeek', 'zero'] as const;
export type Baseline = (typeof BASELINES)[number];

/** The forecasts that the model has to beat, of the day and of the week from it. */
export function baselinesOf(
  sold: Sold,
  day: string,
  calendar: Calendar,
): Record<Baseline, { readonly day: number; readonly week: number }> {
  const window = windowBefore(sold, day, calendar);
  const mean20 = sum(window.slice(0, MONTH)) / MONTH;
  return {
    lastValue: { day: window[0]!, week: window[0]! * WEEK },
    mean20: { day: mean20, week: mean20 * WEEK },
    lastWeek: { day: unitsOn(sold, addDays(day, -7)), week: sum(window.slice(0, WEEK)) },
    zero: { day: 0, week: 0 },
  };
}
