/**
 * Charts as SVG text, drawn by ECharts without a browser. Colours are CSS
 * variables of the page, so that one drawing serves light and dark.
 */
import type { EChartsCoreOption } from 'echarts';
import { formatPence } from '../../actors/money.ts';
import type { Glance } from './glance.ts';

export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  /** What the drawing shows, for those who cannot see it. */
  readonly table: {
    readonly head: readonly string[];
    readonly rows: readonly string[][];
    /** Default `Figures`. */
    readonly title?: string;
    /** Shown without being asked for. */
    readonly open?: boolean;
  };
  /** Absent when there is nothing to draw. */
  readonly svg?: { readonly wide: string; readonly narrow: string };
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const FONT = 'system-ui, sans-serif';
export const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
const LINE = 'var(--line)';

export const axisText = { color: MUTED, fontFamily: FONT, fontSize: 12 };
const amounts = {
  type: 'value',
  axisLabel: axisText,
  splitLine: { lineStyle: { color: LINE } },
  minInterval: 1,
};
const pounds = (pence: number): string => `£${thousands(formatPence(pence))}`;
const thousands = (text: string): string => text.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
const short = (value: number): string =>
  value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value);

function overTime(glance: Glance, series: readonly object[]): EChartsCoreOption {
  const names = glance.buckets.map(({ label }) => (glance.unit === 'day' ? label.slice(5) : label));
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
    grid: { left: 44, right: 8, top: 36, bottom: 24 },
    xAxis: {
      type: 'category',
      data: names,
      axisLabel: { ...axisText, hideOverlap: true },
      axisLine: { lineStyle: { color: LINE } },
      axisTick: { show: false },
    },
    yAxis: { ...amounts, axisLabel: { ...axisText, formatter: short } },
    series,
  };
}

function ranking(
  rows: readonly { name: string; value: number }[],
  colour: string,
  { width }: Size,
): EChartsCoreOption {
  const label = { ...axisText, color: INK };
  // Without a browser the width of text is an estimate, a fifth too small at worst.
  const left = Math.round(width * 0.46);
  return {
    animation: false,
    grid: { left, right: 56, top: 4, bottom: 4 },
    xAxis: { ...amounts, axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ name }) => name),
      axisLabel: { ...label, width: Math.round(left * 0.76), overflow: 'truncate' },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barMaxWidth: 18,
        itemStyle: { color: colour, borderRadius: [0, 3, 3, 0] },
        label: {
          show: true,
          position: 'right',
          ...label,
          formatter: ({ value }: { value: number }) => thousands(String(value)),
        },
        data: rows.map(({ value }) => value),
      },
    ],
  };
}

const bars = (name: string, colour: string, data: readonly number[], stack = 'orders'): object => ({
  type: 'bar',
  name,
  stack,
  barMaxWidth: 36,
  itemStyle: { color: colour },
  data,
});

/** A drawing of itself: what ECharts adds for a browser that brings it to life is numbered by process, and not used. */
function withoutHover(svg: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class="zr[^"]*"|ecmeta_\w+="[^"]*")/g, '');
}

/** A drawing for wide pages and one for narrow ones, of a height that may depend on the width. */
export type Draw = (
  height: number | ((width: number) => number),
  option: (size: Size) => EChartsCoreOption,
) => { readonly wide: string; readonly narrow: string };

/** Needs the package `echarts`, which is loaded here and nowhere else. */
export async function openDrawing(): Promise<Draw> {
  const echarts = await import('echarts');
  const draw = (size: Size, option: EChartsCoreOption): string => {
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
    try {
      chart.setOption(option);
      return withoutHover(chart.renderToSVGString());
    } finally {
      chart.dispose();
    }
  };
  return (height, option) => {
    const [wide, narrow] = [540, 340].map((width) => ({
      width,
      height: typeof height === 'number' ? height : height(width),
    }));
    return { wide: draw(wide!, option(wide!)), narrow: draw(narrow!, option(narrow!)) };
  };
}

/** Draws the four charts of what became of the orders. */
export async function drawCharts(glance: Glance): Promise<Chart[]> {
  const both = await openDrawing();
  const { buckets, movers, reasons, unit } = glance;
  const list = (
    id: string,
    { title, note, head, colour }: { title: string; note: string; head: string[]; colour: string },
    rows: readonly { name: string; value: number }[],
  ): Chart => ({
    id,
    title,
    note,
    table: { head, rows: rows.map(({ name, value }) => [name, thousands(String(value))]) },
    ...(rows.length === 0
      ? {}
      : { svg: both(rows.length * 26 + 16, (size) => ranking(rows, colour, size)) }),
  });
  return [
    {
      id: 'orders',
      title: 'Orders over time',
      note: `Orders placed each ${unit}, by how they ended.`,
      table: {
        head: [unit, 'confirmed', 'rejected', 'cancelled'],
        rows: buckets.map((b) => [b.label, `${b.confirmed}`, `${b.rejected}`, `${b.cancelled}`]),
      },
      svg: both(260, () =>
        overTime(glance, [
          bars(
            'confirmed',
            'var(--good)',
            buckets.map((b) => b.confirmed),
          ),
          bars(
            'rejected',
            'var(--bad)',
            buckets.map((b) => b.rejected),
          ),
          bars(
            'cancelled',
            'var(--muted)',
            buckets.map((b) => b.cancelled),
          ),
        ]),
      ),
    },
    {
      id: 'revenue',
      title: 'Revenue',
      note: `Pounds of the orders confirmed, each ${unit}, before refunds.`,
      table: {
        head: [unit, 'revenue'],
        rows: buckets.map((b) => [b.label, pounds(b.revenuePence)]),
      },
      svg: both(240, () =>
        overTime(glance, [
          bars(
            'revenue in £',
            'var(--money)',
            buckets.map((b) => b.revenuePence / 100),
          ),
        ]),
      ),
    },
    list(
      'movers',
      {
        title: 'Stock that moved most',
        note: 'Units sold, returns not taken off.',
        head: ['stock code', 'units'],
        colour: 'var(--good)',
      },
      movers.map(({ code, description, sold }) => ({
        name: description === '' ? code : `${code} ${description}`,
        value: sold,
      })),
    ),
    list(
      'rejections',
      {
        title: 'Rejections by reason',
        note: 'Orders rejected, by the reason their customer was given.',
        head: ['reason', 'orders'],
        colour: 'var(--bad)',
      },
      reasons.map(({ reason, count }) => ({ name: reason, value: count })),
    ),
  ];
}
