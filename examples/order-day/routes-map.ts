/** The map of the page: the tours of the busiest depot and day, as SVG text. */
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
const colour = (index: number) => COLOURS[index % COLOURS.length];
const MARGIN = 18;
const TALLEST = 560;

type Point = readonly [number, number];

/** East and north in degrees of latitude, so that a kilometre is as long either way. */
function pointOf({ lat, lon }: Place, middle: number): Point {
  return [lon * Math.cos((middle * Math.PI) / 180), lat];
}

interface RouteMap {
  readonly depot: Point;
  /** One a vehicle, from the depot and back to it. */
  readonly lines: readonly (readonly Point[])[];
}

function mapOf({ depot, vehicles, orders }: DepotDay): RouteMap {
  const { place } = DEPOTS[depot]!;
  const home = pointOf(place, place.lat);
  const places = new Map(orders.map((order) => [order.orderId, order.place]));
  const lines = vehicles.map(({ stops }) => {
    const way = stops.map(({ orderId }) => pointOf(places.get(orderId)!, place.lat));
    return [home, ...way, home];
  });
  return { depot: home, lines };
}

function extent(points: readonly Point[]): { min: Point; max: Point } {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return {
    min: [Math.min(...xs), Math.min(...ys)],
    max: [Math.max(...xs), Math.max(...ys)],
  };
}

/** Height that shows the map as wide as the page, unless that is too tall. */
function heightOf({ lines }: RouteMap): (width: number) => number {
  const { min, max } = extent(lines.flat());
  const ratio = (max[1] - min[1]) / Math.max(max[0] - min[0], 1e-9);
  return (width) => Math.round(Math.min(TALLEST, (width - 2 * MARGIN) * ratio + 2 * MARGIN));
}

function option({ lines, depot }: RouteMap, { width, height }: Size): EChartsCoreOption {
  const { min, max } = extent(lines.flat());
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
      {
        type: 'lines',
        coordinateSystem: 'cartesian2d',
        polyline: true,
        // A clip would be numbered by process, and nothing reaches over the edge.
        clip: false,
        data: lines.map((points, index) => ({
          coords: points,
          lineStyle: { width: 1.4, opacity: 1, color: colour(index) },
        })),
      },
      {
        type: 'scatter',
        symbolSize: 4,
        clip: false,
        data: lines.flatMap((points, index) =>
          points.slice(1, -1).map((value) => ({
            value,
            itemStyle: { color: colour(index), opacity: 1 },
          })),
        ),
      },
      {
        type: 'scatter',
        data: [depot],
        clip: false,
        symbol: 'rect',
        symbolSize: 11,
        itemStyle: {
          color: 'var(--ink)',
          borderColor: 'var(--card)',
          borderWidth: 2,
          opacity: 1,
        },
        z: 5,
      },
    ],
  };
}

/** The depot and day with the most stops; undefined when no vehicle leaves. */
function busiest(days: readonly DepotDay[]): DepotDay | undefined {
  const stops = ({ vehicles }: DepotDay): number =>
    vehicles.reduce((sum, one) => sum + one.stops.length, 0);
  return days.filter((day) => stops(day) > 0).toSorted((a, b) => stops(b) - stops(a))[0];
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
  const day = busiest(days);
  const map = day && mapOf(day);
  const which = day ? `: ${day.depot}, the orders of ${day.day}` : '';
  const head = ['depot', 'stops', 'unserved', 'tours', 'km'];
  return {
    id: 'routes',
    title: `Routes${which}`,
    note: `The busiest depot and day: each line is one van's way from the depot and back, along straight lines; ${PLACES_NOTE}. The figures are of every day, in km.`,
    table: {
      head: [...head, 'first in, first out', 'always to the nearest', 'Clarke and Wright'],
      rows: rowsOf(days),
    },
    ...(map ? { svg: (await openDrawing())(heightOf(map), (size) => option(map, size)) } : {}),
  };
}
