/** What a run says of itself: one object for `--json`, a few lines for people. */
import { formatPence } from '../../actors/money.ts';
import type { ForecastSummary } from './forecast.ts';
import { forecastLines } from './forecast-text.ts';
import type { Glance } from './glance.ts';
import type { Input } from './input.ts';
import { countReasons } from './invoices.ts';
import { routeText, type RouteTotals } from './routes-outcome.ts';
import type { Verdict } from './verify.ts';

export interface Summary {
  /** True when every invariant holds. */
  readonly ok: boolean;
  readonly files: number;
  readonly lines: number;
  /** Lines that count nowhere, by reason. */
  readonly linesLeftOut: Readonly<Record<string, number>>;
  /** In the input: orders and returns. */
  readonly invoices: number;
  readonly orders: number;
  readonly confirmed: number;
  readonly rejected: number;
  readonly cancelled: number;
  readonly rejections: Readonly<Record<string, number>>;
  readonly returns: number;
  /** Of the orders confirmed, before refunds. */
  readonly revenuePence: number;
  /** Given back to payments by returns; what had no payment to go to is in `creditPence`. */
  readonly refundedPence: number;
  readonly creditPence: number;
  /** Demand by the model of workers/models, against what was then sold. */
  readonly forecast: ForecastSummary;
  readonly routes: RouteTotals;
  /** Turns of this run that changed state, each synced to disk by a durable store. */
  readonly durableTurns: number;
  /** Over the time in which orders were under way. */
  readonly durableTurnsPerSecond: number;
  /** From start to end of the run. */
  readonly seconds: number;
  readonly invariants: readonly { name: string; ok: boolean; checked: number }[];
  readonly state: string;
  /** True when the state had been used before. */
  readonly continued: boolean;
  readonly report: string | null;
}

export interface Measures {
  readonly durableTurns: number;
  /** Milliseconds in which orders were under way. */
  readonly drivenMs: number;
  /** Milliseconds from start to end. */
  readonly totalMs: number;
}

export function summarise(run: {
  readonly input: Input;
  readonly glance: Glance;
  readonly forecast: ForecastSummary;
  readonly routes: RouteTotals;
  readonly verdicts: readonly Verdict[];
  readonly measures: Measures;
  readonly state: string;
  readonly continued: boolean;
  readonly report: string | null;
}): Summary {
  const { input, glance, forecast, routes, verdicts, measures, state, continued, report } = run;
  const { durableTurns, drivenMs, totalMs } = measures;
  return {
    ok: verdicts.every(({ ok }) => ok),
    files: input.files,
    lines: input.lines,
    linesLeftOut: countReasons(input.leftOut),
    invoices: input.invoices.length,
    orders: glance.orders,
    confirmed: glance.confirmed,
    rejected: glance.rejected,
    cancelled: glance.cancelled,
    rejections: Object.fromEntries(glance.reasons.map(({ reason, count }) => [reason, count])),
    returns: glance.returns,
    revenuePence: glance.revenuePence,
    refundedPence: glance.refundedPence,
    creditPence: glance.creditPence,
    forecast,
    routes,
    durableTurns,
    durableTurnsPerSecond: Math.round(durableTurns / Math.max(drivenMs / 1000, 0.001)),
    seconds: Math.round(totalMs) / 1000,
    invariants: verdicts.map(({ name, ok, checked }) => ({ name, ok, checked })),
    state,
    continued,
    report,
  };
}

const number = (value: number): string => value.toLocaleString('en-GB');
const pounds = (pence: number): string =>
  `£${number(Math.trunc(pence / 100))}${formatPence(pence).slice(-3)}`;

const reasonLine = (count: number, reason: string): string =>
  `${number(count).padStart(14)}  ${reason}`;

/** The summary for people. */
export function summaryText(summary: Summary): string {
  const leftOut = Object.values(summary.linesLeftOut).reduce((sum, count) => sum + count, 0);
  const cancelled = summary.cancelled > 0 ? `, ${number(summary.cancelled)} cancelled` : '';
  const reasons = Object.entries(summary.rejections).map(([why, n]) => reasonLine(n, why));
  return [
    `lines    ${number(summary.lines)} read, ${number(leftOut)} left out`,
    ...Object.entries(summary.linesLeftOut).map(([why, n]) => reasonLine(n, why)),
    `orders   ${number(summary.orders)}: ${number(summary.confirmed)} confirmed, ${number(summary.rejected)} rejected${cancelled}`,
    ...reasons,
    `returns  ${number(summary.returns)}`,
    `money    ${pounds(summary.revenuePence)} revenue, ${pounds(summary.refundedPence)} refunded, ${pounds(summary.creditPence)} in credit notes`,
    ...forecastLines(summary.forecast),
    ...routeText(summary.routes),
    `turns    ${number(summary.durableTurns)} durable, ${number(summary.durableTurnsPerSecond)} a second; ${summary.seconds.toFixed(1)} s in all`,
    ...summary.invariants.map(
      ({ name, ok, checked }) =>
        `${ok ? 'holds' : 'BROKEN'}${ok ? ' ' : ''}   ${name} (${number(checked)} checked)`,
    ),
    ...(summary.report === null ? [] : [`report   ${summary.report}`]),
    '',
  ].join('\n');
}
