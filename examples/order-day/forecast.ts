/**
 * The forecast of a run: asks the actor of every stock code what it would have
 * forecast for the last days of the input, on the evening before each, and
 * holds it against what was then sold. The baselines stand beside it, whoever
 * comes closest.
 */
import { setTimeout } from 'node:timers/promises';
import type { System } from 'troupe';
import { isTroupeError } from 'troupe/actor';
import { createCalendar } from '../../actors/index.ts';
import type { Calendar } from '../../actors/index.ts';
import type { PredictionApi, Review, SalesBookApi } from '../../actors/prediction/api.ts';
import { BASELINES, WEEK } from '../../actors/prediction/features.ts';
import type { Baseline } from '../../actors/prediction/features.ts';
import type { History } from './history.ts';
import { kindOf } from './glance.ts';
import type { Input } from './input.ts';
import type { Outcome } from './outcome.ts';
import { askEach, type Roster } from './roster.ts';

export interface CodeReview extends Review {
  readonly code: string;
}

/** WAPE: the sum of absolute errors over the units sold. */
export interface Errors {
  readonly forecasts: number;
  /** Sold. */
  readonly units: number;
  readonly wape: number | null;
  /** Of the baseline that comes closest. */
  readonly baselineWape: number | null;
  readonly baseline: Baseline | null;
  readonly wapes: Readonly<Record<Baseline, number | null>>;
}

/** Of the next day; `week` holds the same of the next week. */
export interface ForecastSummary extends Errors {
  /** Stock codes that had sold in the 40 open days before. */
  readonly codes: number;
  /** First and last of the days that were forecast; null: there was nothing to forecast by. */
  readonly from: string | null;
  readonly to: string | null;
  /** Null where the input has less than seven open days. */
  readonly week: Errors | null;
  /** Why there is no forecast. */
  readonly reason?: string;
}

export interface DayForecast {
  readonly summary: ForecastSummary;
  /** Sorted by code and day. */
  readonly reviews: readonly CodeReview[];
}

export interface ForecastOptions {
  readonly input: Input;
  readonly history: History | undefined;
  readonly outcome: Pick<Outcome, 'orders'>;
  readonly roster: Roster;
  readonly signal: AbortSignal;
  /** How long a broker outside the process may take to deliver the last orders. Default 10 s. */
  readonly patienceMs?: number;
}

const AT_ONCE = 128;
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** Days on which the input has orders, in order. */
export function openDaysOf({ invoices }: Pick<Input, 'invoices'>): string[] {
  const days = invoices.filter(({ kind }) => kind === 'order').map(({ time }) => time.slice(0, 10));
  return [...new Set(days)].sort();
}

/** The shop was open on the days of its history and its orders; after them every day but Saturday. */
export function calendarOf(input: Pick<Input, 'invoices'>, history: History | undefined): Calendar {
  const open = new Set([...(history?.days ?? []), ...openDaysOf(input)]);
  const last = [...open].sort().at(-1) ?? '';
  const { isOpen } = createCalendar();
  return createCalendar((day) => (day > last ? isOpen(day) : open.has(day)));
}

/**
 * Takes the sales to the stock codes and asks them for the last week of the
 * input, less where it is shorter. A model that cannot be asked is told as the
 * reason why there is no forecast.
 */
export async function forecastDemand(
  system: System,
  { input, history, outcome, roster, signal, patienceMs = PATIENCE_MS }: ForecastOptions,
): Promise<DayForecast> {
  if (history) await importHistory(system, history, signal);
  const confirmed = outcome.orders.filter(({ state }) => kindOf(state) === 'confirmed').length;
  const missing = await settleSales(system, { input, confirmed, patienceMs, signal });
  const days = openDaysOf(input).slice(-WEEK);
  if (missing > 0) {
    return forecastOf([], days, `confirmed orders that did not reach the sales books: ${missing}`);
  }
  try {
    return forecastOf(await reviewsOf(system, days, { roster, signal }), days);
  } catch (error) {
    if (signal.aborted || !isTroupeError(error)) throw error;
    return forecastOf([], days, error.message);
  }
}

/** What was sold before the input. Taken over again it changes nothing. */
async function importHistory(system: System, { sold }: History, signal: AbortSignal) {
  const imports = [...sold].map(([code, days]) =>
    system.ref<PredictionApi>('Prediction', code).importSales({ days }, { signal }),
  );
  await Promise.all(imports);
}

/** Waits for the books and lets them tell the stock codes. Gives how many orders never came. */
async function settleSales(
  system: System,
  {
    input,
    confirmed,
    patienceMs,
    signal,
  }: { input: Input; confirmed: number; patienceMs: number; signal: AbortSignal },
): Promise<number> {
  const months = [...new Set(openDaysOf(input).map((day) => day.slice(0, 7)))];
  const books = months.map((month) => system.ref<SalesBookApi>('SalesBook', month));
  const until = performance.now() + patienceMs;
  const missing = async (): Promise<number> => {
    const views = await Promise.all(books.map((book) => book.view(undefined, { signal })));
    return confirmed - views.reduce((sum, { orders }) => sum + orders, 0);
  };
  while ((await missing()) > 0 && performance.now() < until) {
    await setTimeout(LOOK_EVERY_MS, undefined, { signal });
  }
  await Promise.all(books.map((book) => book.passOn(undefined, { signal })));
  await system.outboxIdle();
  return missing();
}

async function reviewsOf(
  system: System,
  days: readonly string[],
  { roster, signal }: { readonly roster: Roster; readonly signal: AbortSignal },
): Promise<CodeReview[]> {
  const ask = async (code: string): Promise<CodeReview[]> => {
    const prediction = system.ref<PredictionApi>('Prediction', code);
    const found = await prediction.review({ days }, { signal });
    return found.map((review) => ({ code, ...review }));
  };
  const codes = await roster.ids('Prediction');
  return (await askEach(codes, ask, { atOnce: AT_ONCE, signal })).flat();
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const ratio = (part: number, whole: number): number | null =>
  whole > 0 ? Math.round((part / whole) * 10_000) / 10_000 : null;

/** Adds up what the stock codes said. Pure. */
export function forecastOf(
  unsorted: readonly CodeReview[],
  days: readonly string[],
  reason?: string,
): DayForecast {
  const reviews = unsorted.toSorted((a, b) => compare(a.code, b.code) || compare(a.day, b.day));
  const forecastDays = days.filter((day) => reviews.some((review) => review.day === day));
  const byCode = Map.groupBy(reviews, ({ code }) => code);
  // The week as a whole is forecast on the evening before its first day, by codes that could then.
  const weeks = forecastDays.length < WEEK ? [] : reviews.filter(({ day }) => day === days[0]);
  const summary: ForecastSummary = {
    codes: byCode.size,
    from: forecastDays[0] ?? null,
    to: forecastDays.at(-1) ?? null,
    ...errorsOf(reviews, 'day'),
    week: weeks.length === 0 ? null : errorsOf(weeks, 'week'),
    ...(reason === undefined ? {} : { reason }),
  };
  return { summary, reviews };
}

function errorsOf(reviews: readonly Review[], horizon: 'day' | 'week'): Errors {
  const units = reviews.reduce((sum, { sold }) => sum + sold[horizon], 0);
  const error = (of: (review: Review) => number): number =>
    reviews.reduce((sum, review) => sum + Math.abs(of(review) - review.sold[horizon]), 0);
  const wapes = Object.fromEntries(
    BASELINES.map((name) => [
      name,
      ratio(
        error((one) => one.baselines[name][horizon]),
        units,
      ),
    ]),
  ) as Record<Baseline, number | null>;
  const baseline =
    units > 0
      ? BASELINES.reduce((best, name) => (wapes[name]! < wapes[best]! ? name : best))
      : null;
  return {
    forecasts: reviews.length,
    units,
    wape: ratio(
      error(({ forecast }) => forecast[horizon]),
      units,
    ),
    baselineWape: baseline && wapes[baseline],
    baseline,
    wapes,
  };
}
