/** The forecast on the page: the stock forecast highest against what was sold, and every error. */
import { BASELINES } from '../../actors/prediction/features.ts';
import { axisText, openDrawing, INK } from './charts.ts';
import type { Chart } from './charts.ts';
import type { CodeReview, DayForecast } from './forecast.ts';
import { BASELINE_NAMES, closest, wapeText } from './forecast-text.ts';

const MOST = 12;

interface Row {
  readonly name: string;
  readonly sold: number;
  readonly forecast: number;
}

function highest(
  reviews: readonly CodeReview[],
  describe: (code: string) => string,
  horizon: 'day' | 'week',
): Row[] {
  const rows = reviews.map(({ code, forecast, sold }) => {
    const description = describe(code);
    return {
      name: description === '' ? code : `${code} ${description}`,
      sold: sold[horizon],
      forecast: forecast[horizon],
    };
  });
  // Codes are sorted already, so that equal ones keep their order.
  return rows.toSorted((a, b) => b.forecast - a.forecast).slice(0, MOST);
}

/** A week as a whole where there is one, else the last day. */
export async function drawForecast(
  { summary, reviews }: DayForecast,
  describe: (code: string) => string,
): Promise<Chart> {
  const { from, to, week, codes } = summary;
  const horizon = week ? 'week' : 'day';
  const shown = reviews.filter(({ day }) => day === (week ? from : to));
  const rows = highest(shown, describe, horizon);
  const errors = (name: string, day: number | null, whole: number | null | undefined) => [
    name,
    wapeText(day),
    ...(week ? [wapeText(whole ?? null)] : []),
  ];
  const table = {
    title: 'Error (WAPE, less is better)',
    head: ['forecast', 'next day', ...(week ? ['next week'] : [])],
    rows: [
      errors('the model', summary.wape, week?.wape),
      ...BASELINES.map((one) => errors(BASELINE_NAMES[one], summary.wapes[one], week?.wapes[one])),
    ],
    open: true,
  };
  const period = week ? `the week from ${from}` : `${to}`;
  const best = week
    ? `Closest next day: ${closest(summary)}; next week: ${closest(week)}.`
    : `Closest: ${closest(summary)}.`;
  const note =
    rows.length === 0
      ? (summary.reason ?? 'Nothing was sold before the last days of the input.')
      : `Units of ${period}, forecast on the evening before, and what was then sold; the ${rows.length} of which most was forecast, of ${codes.toLocaleString('en-GB')} stock codes. ${best}`;
  const chart = { id: 'forecast', title: 'Demand forecast', note, table };
  if (rows.length === 0) return chart;
  const both = await openDrawing();
  return { ...chart, svg: both(rows.length * 34 + 44, ({ width }) => bars(rows, width)) };
}

function bars(rows: readonly Row[], width: number) {
  const left = Math.round(width * 0.46);
  const series = (name: string, color: string, values: readonly number[]): object => ({
    type: 'bar',
    name,
    barMaxWidth: 12,
    barGap: '10%',
    itemStyle: { color, borderRadius: [0, 3, 3, 0] },
    label: {
      show: true,
      position: 'right',
      ...axisText,
      fontSize: 11,
      color: INK,
      formatter: ({ value }: { value: number }) => value.toLocaleString('en-GB'),
    },
    data: values,
  });
  return {
    animation: false,
    legend: {
      top: 0,
      left: 0,
      itemGap: 26,
      itemWidth: 12,
      itemHeight: 12,
      textStyle: { ...axisText, color: INK },
    },
    grid: { left, right: 56, top: 32, bottom: 4 },
    xAxis: { type: 'value', axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ name }) => name),
      axisLabel: {
        ...axisText,
        color: INK,
        width: Math.round(left * 0.76),
        overflow: 'truncate',
      },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      series(
        'forecast',
        'var(--money)',
        rows.map(({ forecast }) => Math.round(forecast)),
      ),
      series(
        'sold',
        'var(--good)',
        rows.map(({ sold }) => sold),
      ),
    ],
  };
}
