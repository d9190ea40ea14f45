/** Which depot takes which order: by country, and one actor a day. Pure. */
import type { CloudEvent } from 'troupe/actor';

/** Countries by the depot that goes there; every other country has `elsewhere`. */
export const AREAS: Readonly<Record<string, readonly string[]>> = {
  uk: ['United Kingdom'],
  ireland: ['EIRE', 'Ireland'],
  benelux: ['Belgium', 'Netherlands', 'Luxembourg'],
  france: ['France'],
  germany: ['Germany'],
  alps: ['Austria', 'Switzerland'],
  spain: ['Spain'],
  portugal: ['Portugal'],
};

const DEPOTS = new Map(
  Object.entries(AREAS).flatMap(([depot, countries]) =>
    countries.map((country) => [country, depot] as const),
  ),
);

export function depotOf(country: string): string {
  return DEPOTS.get(country) ?? 'elsewhere';
}

/** Id of the actor `Depot` for an order's country and the day on which it was placed. */
export function depotId(country: string, placedAt: string): string {
  return `${depotOf(country)}:${placedAt.slice(0, 10)}`;
}

/**
 * The depot that an event of topic `orders` is for. Events that say nothing of a
 * day are none of logistics', and go to the actor `none`, which drops them.
 */
export function depotIdOf({ data }: CloudEvent): string {
  const { country, placedAt } = (data ?? {}) as { country?: unknown; placedAt?: unknown };
  if (typeof country !== 'string' || typeof placedAt !== 'string') return 'none';
  return /^\d{4}-\d{2}-\d{2}/.test(placedAt) ? depotId(country, placedAt) : 'none';
}

/** The parts of a depot's id. */
export function partsOf(id: string): { depot: string; day: string } {
  const [depot = '', day = ''] = id.split(':');
  return { depot, day };
}
