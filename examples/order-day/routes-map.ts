/** The map of the page: the tours of the busiest day, as SVG text. */
import type { EChartsCoreOption } from 'echarts';
import type { Place } from '../../actors/logistics/api.ts';
import { type Chart, openDrawing, type Size } from './charts.ts';
import { PLACES_NOTE } from './routes.ts';
import { DEPOTS } from './routes-depots.ts';
import type { DepotDay } from './routes-outcome.ts';

/** Told apart on light and dark paper; tours that lie beside each other mostly differ. */
const COLOURS = [
  '#2f7d6b',
  '#c4532d',
  '#3a6ea8',
  '#a9822a',
  '#8a5aa8',
  '#5c8f2e',
  '#b34a78',
  '#2b8fa3',
];
const MARGIN = 18;
const TALLEST = 560;

type Point = readonly [number, number];

/** East and north in degrees of latitude, so that a kilometre is as long either way. */
function pointOf({ lat, lon }: Place, middle: number): Point {
  return [lon * Math.cos((middle * Math.PI) / 180), lat];
}

interface Line {
  readonly points: readonly Point[];
}

interface Map {
  readonly lines: readonly Line[];
  readonly depots: readonly { readonly name: string; readonly at: Point }[];
}

function mapOf(days: readonly DepotDay[]): Map {
  const used = days.filter(({ depot, vehicles }) => depot in DEPOTS && vehicles.length > 0);
  const latitudes = used.map(({ depot }) => DEPOTS[depot]!.place.lat);
  const middle = latitudes.reduce((sum, lat) => sum + lat, 0) / Math.max(1, latitudes.length);
  const lines = used.flatMap(({ depot, vehicles, orders }) => {
    const home = pointOf(DEPOTS[depot]!.place, middle);
    const places = new globalThis.Map(orders.map(({ orderId, place }) => [orderId, place]));
    return vehicles.map(({ stops }) => {
      const way = stops.map(({ orderId }) => pointOf(places.get(orderId)!, middle));
      return { points: [home, ...way, home] };
    });
  });
  const depots = used.map(({ depot }) => ({
    name: depot,
    at: pointOf(DEPOTS[depot]!.place, middle),
  }));
  return { lines, depots };
}

function extent(points: readonly Point[]): { min: Point; max: Point } {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return {
    min: [Math.min(...xs), Math.min(...ys)],
    max: [Math.max(...xs), Math.max(...ys)],
  };
}

/** Height that shows the map as wide as the page, unless that is too tall. */
function heightOf({ lines }: Map): (width: number) => number {
  const { min, max } = extent(lines.flatMap(({ points }) => points));
  const ratio = (max[1] - min[1]) / Math.max(max[0] - min[0], 1e-9);
  return (width) => Math.round(Math.min(TALLEST, (width - 2 * MARGIN) * ratio + 2 * MARGIN));
}

function option({ lines, depots }: Map, { width, height }: Size): EChartsCoreOption {
  const { min, max } = extent(lines.flatMap(({ points }) => points));
  const [across, up] = [width - 2 * MARGIN, height - 2 * MARGIN];
  const degree = Math.max((max[0] - min[0]) / across, (max[1] - min[1]) / up, 1e-9);
  const axis = (index: 0 | 1, pixels: number) => {
    const centre = (min[index] + max[index]) / 2;
    const half = (pixels * degree) / 2;
    return { type: 'value', show: false, min: centre - half, max: centre + half };
  };
  return {
    animation: false,
    grid: { left: MARGIN, right: MARGIN, top: MARGIN, bottom: MARGIN },
    xAxis: axis(0, across),
    yAxis: axis(1, up),
    series: [
      ...lines.map(({ points }, index) => ({
        type: 'line',
        data: points,
        symbol: 'circle',
        symbolSize: 4,
        showAllSymbol: true,
        lineStyle: { width: 1.4, color: COLOURS[index % COLOURS.length] },
        itemStyle: { color: COLOURS[index % COLOURS.length] },
      })),
      {
        type: 'scatter',
        data: depots.map(({ name, at }) => ({ name, value: at })),
        symbol: 'rect',
        symbolSize: 11,
        itemStyle: { color: 'var(--ink)', borderColor: 'var(--card)', borderWidth: 2 },
        label: {
          show: true,
          position: 'top',
          formatter: '{b}',
          color: 'var(--ink)',
          fontFamily: 'system-ui, sans-serif',
          fontSize: 13,
          fontWeight: 'bold',
          textBorderColor: 'var(--card)',
          textBorderWidth: 3,
        },
        z: 5,
      },
    ],
  };
}

function busiestDay(days: readonly DepotDay[]): string {
  const stops = new globalThis.Map<string, number>();
  for (const { day, vehicles } of days) {
    const here = vehicles.reduce((sum, one) => sum + one.stops.length, 0);
    stops.set(day, (stops.get(day) ?? 0) + here);
  }
  return [...stops].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0]?.[0] ?? '';
}

function rowsOf(days: readonly DepotDay[]): string[][] {
  const number = (value: number): string => Math.round(value).toLocaleString('en-GB');
  return [...new Set(days.map(({ depot }) => depot))].toSorted().map((depot) => {
    const own = days.filter((day) => day.depot === depot);
    const total = (of: (day: DepotDay) => number): string =>
      number(own.reduce((sum, day) => sum + of(day), 0));
    return [
      depot,
      total(({ vehicles }) => vehicles.reduce((sum, { stops }) => sum + stops.length, 0)),
      total(({ unserved }) => unserved.length),
      total(({ vehicles }) => vehicles.length),
      total(({ km }) => km),
      total(({ simple }) => simple?.firstInFirstOut ?? 0),
      total(({ simple }) => simple?.nearestNeighbour ?? 0),
      total(({ simple }) => simple?.savings ?? 0),
    ];
  });
}

/** One chart for the page. Without a tour it has figures only. */
export async function drawRoutes(days: readonly DepotDay[]): Promise<Chart> {
  const day = busiestDay(days);
  const map = mapOf(days.filter((one) => one.day === day));
  const when = day === '' ? '' : ` of ${day}`;
  const head = ['depot', 'stops', 'unserved', 'tours', 'km'];
  return {
    id: 'routes',
    title: `Routes of the orders${when}`,
    note: `Each line is one vehicle's way from its depot and back, along straight lines; ${PLACES_NOTE}. The figures are of every day.`,
    table: {
      head: [...head, 'first in, first out', 'always to the nearest', 'Clarke and Wright'],
      rows: rowsOf(days),
    },
    ...(map.lines.length === 0
      ? {}
      : { svg: (await openDrawing())(heightOf(map), (size) => option(map, size)) }),
  };
}
