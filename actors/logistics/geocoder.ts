/**
 * Places for customers of whom only the country is known: made up, the same for
 * the same customer each time, spread evenly over a box inside the country. No
 * address is behind them.
 */
import { stableHash } from '../payment/provider.ts';
import type { Addressee, Place } from './api.ts';

/** South, west, north, east of a part of each country that is mostly land. */
const BOXES: Readonly<Record<string, readonly [number, number, number, number]>> = {
  'United Kingdom': [51.0, -3.0, 54.6, 0.4],
  EIRE: [52.2, -9.0, 54.2, -6.4],
  Ireland: [52.2, -9.0, 54.2, -6.4],
  Germany: [48.3, 7.5, 53.4, 13.0],
  Austria: [47.0, 13.0, 48.4, 16.4],
  Switzerland: [46.3, 6.8, 47.5, 9.3],
  France: [44.0, -0.5, 49.6, 5.8],
  Belgium: [50.0, 3.2, 51.2, 5.8],
  Netherlands: [51.5, 4.5, 52.9, 6.6],
  Luxembourg: [49.5, 5.9, 50.1, 6.4],
  Spain: [37.5, -6.0, 42.5, -0.8],
  Portugal: [37.3, -8.6, 41.7, -7.2],
};

/** Undefined for a country that is not on its map. A guest's order has a place of its own. */
export function hashPlace({ orderId, customer, country }: Addressee): Place | undefined {
  if (!Object.hasOwn(BOXES, country)) return undefined;
  const [south, west, north, east] = BOXES[country]!;
  const name = `${country}/${customer ?? `order ${orderId}`}`;
  const part = (axis: string): number => stableHash(`${axis}:${name}`) / 0x1_0000_0000;
  const degrees = (from: number, to: number, axis: string): number =>
    Math.round((from + (to - from) * part(axis)) * 10_000) / 10_000;
  return { lat: degrees(south, north, 'lat'), lon: degrees(west, east, 'lon') };
}
