/** The forecast as lines for people and as rows of a file. */
import type { DayForecast, Errors, ForecastSummary } from './forecast.ts';
import { BASELINES } from '../../actors/prediction/features.ts';
import type { Baseline } from '../../actors/prediction/features.ts';

export const BASELINE_NAMES: Readonly<Record<Baseline, string>> = {
  lastValue: 'last value',
  mean20: '20-day mean',
  lastWeek: 'same weekday last week',
  zero: 'zero',
};

/** `0.949`. */
export const wapeText = (wape: number | null): string => (wape === null ? 'none' : wape.toFixed(3));

/** Who comes closest, the model first among equals. */
export function closest({ wape, wapes }: Errors): string {
  const better = BASELINES.filter((name) => wape !== null && (wapes[name] ?? Infinity) < wape);
  const [best] = better.toSorted((a, b) => wapes[a]! - wapes[b]!);
  return best === undefined ? 'the model' : BASELINE_NAMES[best];
}

function errorLine(name: string, errors: Errors): string {
  const others = BASELINES.map((one) => `${BASELINE_NAMES[one]} ${wapeText(errors.wapes[one])}`);
  return `                ${name}: WAPE ${wapeText(errors.wape)}; ${others.join(', ')}`;
}

export function forecastLines(summary: ForecastSummary): string[] {
  const { codes, from, to, week, reason } = summary;
  if (reason !== undefined) return [`forecast none: ${reason}`];
  if (from === null) return ['forecast none: nothing was sold before the last days of the input'];
  const span = from === to ? from : `${from} to ${to}`;
  return [
    `forecast ${codes.toLocaleString('en-GB')} stock codes, ${span}; closest: ${closest(summary)}`,
    errorLine('next day', summary),
    ...(week ? [errorLine('next week', week)] : []),
  ];
}

const round = (units: number): number => Math.round(units * 1000) / 1000;

/** forecast.jsonl: each stock code and day with what was forecast and what was sold. */
export function forecastFile({ reviews }: DayForecast): string {
  return reviews
    .map(({ code, day, forecast, sold, baselines }) => {
      const row = {
        code,
        day,
        forecast: round(forecast.day),
        sold: sold.day,
        mean20: round(baselines.mean20.day),
      };
      return `${JSON.stringify(row)}\n`;
    })
    .join('');
}
