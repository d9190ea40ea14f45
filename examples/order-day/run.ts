/**
 * One run from flags to report: reads the input, opens the system, takes the
 * day through it, checks what came out, writes it down, and then serves until
 * it is told to stop. Stopping at any point leaves a state that the same
 * command goes on from.
 */
import { join } from 'node:path';
import { createSystem } from 'troupe';
import type { System } from 'troupe';
import { isActorError, TroupeError } from 'troupe/actor';
import { createHashPaymentProvider, logisticsActors, shopActors } from '../../actors/index.ts';
import type { LogisticsServices, ShopServices } from '../../actors/index.ts';
import { drawCharts } from './charts.ts';
import { OrderDay } from './day-actor.ts';
import type { DayPlan, OrderDayApi } from './day-actor.ts';
import { drive } from './drive.ts';
import type { Flags, Output } from './flags.ts';
import { drawForecast } from './forecast-chart.ts';
import { forecastFile } from './forecast-text.ts';
import { calendarOf, forecastDemand } from './forecast.ts';
import { openForecaster } from './forecaster.ts';
import { glanceAt } from './glance.ts';
import { readHistory } from './history.ts';
import type { History } from './history.ts';
import { readInput } from './input.ts';
import type { Input } from './input.ts';
import { renderPage } from './page.ts';
import { findHosting, type Hosting } from './hosting.ts';
import { prepareState } from './places.ts';
import type { Places } from './places.ts';
import { createProgress } from './progress.ts';
import { reportFiles, writeReport } from './report.ts';
import { createRoster } from './roster.ts';
import { createDeliveries, openLogistics, PLACES_NOTE } from './routes.ts';
import { drawRoutes } from './routes-map.ts';
import { routeLines, routeTotals, verifyRoutes } from './routes-outcome.ts';
import { settledOutcome } from './settle.ts';
import { summarise, summaryText } from './summary.ts';
import { verify } from './verify.ts';
import type { Verdict } from './verify.ts';

export interface RunOptions {
  readonly flags: Flags;
  /** The day that is run when no orders are named. */
  readonly generatedDay: string;
  /** What its shop sold before. */
  readonly generatedHistory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly output: Output & { readonly stderr: { readonly isTTY?: boolean } };
  /** Aborts when the user asks to stop. */
  readonly stop: AbortSignal;
  /** Milliseconds on the clock of `performance.now()` at which the run began. */
  readonly startedAt: number;
}

/** Unreadable rows told one by one; the page of the report has more. */
const ROWS_TOLD = 20;

/** Resolves to the exit code: 1 when an invariant is broken, else 0. Throws what is to be told to the user. */
export async function run(options: RunOptions): Promise<number> {
  const { flags, env, output, stop } = options;
  const say = (text: string): unknown => (flags.json ? output.stderr : output.stdout).write(text);
  const hosting = await findHosting(flags, env);
  const { places } = hosting;
  const path = flags.orders ?? options.generatedDay;
  say(`state    ${places.state}\ninput    ${flags.orders ?? 'the generated day'}\n`);
  for (const note of places.notes) output.stderr.write(`order-day: ${note}\n`);
  const input = await readInput(path);
  tellBroken(input, output);
  if (stop.aborted) return 0;
  const history = flags.orders ? undefined : await readHistory(options.generatedHistory);
  await prepareState(places, flags.fresh);
  await using forecaster = openForecaster();
  await using logistics = openLogistics({ stop });
  const calendar = calendarOf(input, history);
  await using system = await open(options, hosting, { forecaster, calendar, logistics });
  const work = await runDay(system, { ...options, input, history, places });
  if (!work) {
    output.stderr.write('order-day: stopped; the same command goes on from here\n');
    return 0;
  }
  const { summary, verdicts } = work;
  if (flags.json) output.stdout.write(`${JSON.stringify(summary)}\n`);
  else output.stdout.write(summaryText(summary));
  for (const { name, violations } of verdicts) {
    for (const violation of violations) output.stderr.write(`order-day: ${name}: ${violation}\n`);
  }
  const api = hosting.api === 'of the system' ? system.http : hosting.api;
  if (!flags.once && api) {
    const { host, port } = api;
    const id = exampleOrder(input);
    const call = `curl -X PUT http://${host}:${port}/v1.0/actors/Order/${encodeURIComponent(id)}/method/get`;
    say(`ready    ${call}\n`);
    await aborted(stop);
  }
  return summary.ok ? 0 : 1;
}

function open(
  { flags }: RunOptions,
  { options }: Hosting,
  own: Required<Pick<ShopServices, 'forecaster' | 'calendar'>> & LogisticsServices,
): Promise<System> {
  const services: ShopServices & LogisticsServices = {
    payments: createHashPaymentProvider({ declineRate: flags.declineRate }),
    ...own,
  };
  const actors = [...shopActors, ...logisticsActors, OrderDay];
  return createSystem({ ...options, actors, services });
}

/** Undefined when it was stopped before its end. */
async function runDay(
  system: System,
  options: RunOptions & {
    readonly input: Input;
    readonly history: History | undefined;
    readonly places: Places;
  },
) {
  const { flags, input, history, places, stop, output, startedAt } = options;
  const progress = createProgress(output.stderr);
  const continued = (await begin(system, options)) === 'continued';
  const opening = new Map(
    [...input.ordered].map(([code, units]) => [code, flags.openingStock ?? units]),
  );
  const drivenFrom = performance.now();
  const turnsBefore = system.stats().durableTurns;
  const total = input.invoices.length;
  const deliveries = createDeliveries(system, { invoices: input.invoices, signal: stop });
  try {
    await drive(system, {
      invoices: input.invoices,
      opening,
      concurrency: flags.concurrency,
      continued,
      signal: stop,
      onRefused: ({ kind, id }, message) =>
        void output.stderr.write(`order-day: ${kind} ${id} is refused: ${message}\n`),
      onEnded: deliveries.ended,
      onProgress: (done) => {
        const turns = system.stats().durableTurns - turnsBefore;
        const rate = Math.round(turns / ((performance.now() - drivenFrom) / 1000));
        progress.show(`${done} of ${total} invoices, ${rate} durable turns a second`);
      },
    });
    await deliveries.closed();
    if (!stop.aborted) await Promise.race([system.outboxIdle(), aborted(stop)]);
  } finally {
    progress.clear();
  }
  if (stop.aborted) return undefined;
  const drivenMs = performance.now() - drivenFrom;
  const durableTurns = system.stats().durableTurns - turnsBefore;
  const roster = createRoster(system, { input, history, signal: stop });
  const settling = settledOutcome(system, {
    roster,
    invoices: input.invoices,
    signal: stop,
    ...(places.hasOwnBroker ? { patienceMs: 0 } : {}),
  });
  const found = await settling.catch((error: unknown) => {
    if (stop.aborted) return undefined;
    throw error;
  });
  if (!found) return undefined;
  const { outcome, depots } = found;
  const forecast = await forecastDemand(system, {
    input,
    history,
    outcome,
    roster,
    signal: stop,
  }).catch((error: unknown) => {
    if (stop.aborted) return undefined;
    throw error;
  });
  if (!forecast) return undefined;
  const { pendingOutbox: pending, parkedMessages: parked } = system.stats();
  const verdicts = [
    ...verify(outcome, { invoices: input.invoices, outbox: { pending, parked } }),
    verifyRoutes(depots, outcome.orders),
  ];
  const describe = descriptionsOf(input);
  const glance = glanceAt(outcome, describe);
  if (flags.report !== undefined) {
    const charts = [
      ...(await drawCharts(glance)),
      await drawRoutes(depots),
      await drawForecast(forecast, describe),
    ];
    const page = renderPage({ glance, charts, verdicts, leftOut: input.leftOut });
    await writeReport(flags.report, {
      ...reportFiles(outcome),
      'routes.jsonl': routeLines(depots),
      'forecast.jsonl': forecastFile(forecast),
      'index.html': page,
    });
  }
  const totalMs = performance.now() - startedAt;
  const summary = summarise({
    input,
    glance,
    forecast: forecast.summary,
    routes: routeTotals(depots, PLACES_NOTE),
    verdicts,
    measures: { durableTurns, drivenMs, totalMs },
    state: places.state,
    continued,
    report: flags.report === undefined ? null : join(flags.report, 'index.html'),
  });
  return { summary, verdicts } satisfies { verdicts: readonly Verdict[]; summary: object };
}

async function begin(
  system: System,
  { flags, input, places }: { flags: Flags; input: Input; places: Places },
): Promise<'started' | 'continued'> {
  const plan: DayPlan = {
    fingerprint: input.fingerprint,
    openingStock: flags.openingStock ?? 'ordered',
    declineRate: flags.declineRate,
    delivers: true,
  };
  try {
    return await system.ref<OrderDayApi>('OrderDay', 'run').begin(plan);
  } catch (error) {
    if (!isActorError(error) || error.code !== 'CONFLICT') throw error;
    throw new TroupeError(
      'CONFLICT',
      `${places.state} holds another run: ${error.message}. Give the same input and options to continue it, --fresh to delete it and start afresh, or another place with --state sqlite:FILE`,
    );
  }
}

function tellBroken({ leftOut }: Input, { stderr }: Output): void {
  const broken = leftOut.filter(({ unreadable }) => unreadable);
  for (const { file, line, reason } of broken.slice(0, ROWS_TOLD)) {
    stderr.write(`order-day: ${file}:${line}: left out: ${reason}\n`);
  }
  const more = broken.length - ROWS_TOLD;
  if (more > 0) stderr.write(`order-day: and ${more} more rows that cannot be read\n`);
}

function descriptionsOf({ invoices }: Input): (code: string) => string {
  const known = new Map<string, string>();
  for (const { lines } of invoices) {
    for (const { stockCode, description } of lines) {
      if (description !== '' && !known.has(stockCode)) known.set(stockCode, description);
    }
  }
  return (code) => known.get(code) ?? '';
}

/** An order of the input to show, one with lines if there is one. */
function exampleOrder({ invoices }: Input): string {
  const orders = invoices.filter(({ kind }) => kind === 'order');
  return (orders.find(({ lines }) => lines.length > 0) ?? orders[0])?.id ?? 'none';
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
