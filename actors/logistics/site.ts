/** Depots as a host sets them up, checked once and with every default in place. */
import { TroupeError } from 'troupe/actor';
import type { DepotSite, Logistics } from './api.ts';

/** Longest search: its turn has to end within the 60 s of a durable send. */
const MOST_SECONDS = 20;
const CLOCK = /^([01]\d|2[0-4]):([0-5]\d)$/;

/** A site in numbers: minutes of the day on which its vehicles leave. */
export interface Site extends DepotSite {
  readonly opening: number;
  /** `Infinity` for no bound. */
  readonly closing: number;
  readonly kmPerMinute: number;
  readonly serviceMinutes: number;
  readonly unitsPerCarton: number;
  readonly budget: { readonly seconds?: number; readonly iterations?: number };
}

type Fail = (field: string, what: string) => never;

function minutes(text: string, fail: (what: string) => never): number {
  const [, hours, rest] = CLOCK.exec(text) ?? [];
  return hours === undefined ? fail('is a time such as 08:00') : Number(hours) * 60 + Number(rest);
}

const SETTLE = /^\d+(\.\d+)?(ms|s|m|h)$/;

/** What would otherwise come up only with the first order. */
function checkPlanning({ plans = 'when closed', settle = 0 }: DepotSite, fail: Fail): void {
  if (plans !== 'when closed' && plans !== 'as orders come') {
    fail('plans', 'is "as orders come" or "when closed"');
  }
  const isTime = typeof settle === 'number' ? settle >= 0 : SETTLE.test(settle);
  if (!isTime) fail('settle', 'is milliseconds or a time such as 500ms, 2s, 1m');
}

function checkFleets({ fleets }: DepotSite, fail: Fail): void {
  if (fleets.length === 0) fail('fleets', 'has one at least');
  const names = new Set<string>();
  for (const { name, vehicles, capacity, maxMinutes = 1 } of fleets) {
    if (!name || names.has(name)) fail('fleets', `has a fleet named "${name}" twice, or unnamed`);
    names.add(name);
    if (!Number.isInteger(vehicles) || vehicles < 1) fail(`${name}.vehicles`, 'is from 1');
    if (!(capacity > 0)) fail(`${name}.capacity`, 'is above 0');
    if (!(maxMinutes > 0)) fail(`${name}.maxMinutes`, 'is above 0');
  }
}

/** Throws TroupeError INVALID_ARGUMENT that names depot and field. */
export function readSite(depot: string, site: DepotSite): Site {
  const fail: Fail = (field, what) => {
    throw new TroupeError('INVALID_ARGUMENT', `depot "${depot}": ${field} ${what}`);
  };
  const { place, opens = '08:00', closes, budget = { seconds: 2 } } = site;
  const { speedKmh = 60, serviceMinutes = 10, unitsPerCarton = 24 } = site;
  if (!(Math.abs(place.lat) <= 85 && Math.abs(place.lon) <= 180)) fail('place', 'is no place');
  checkFleets(site, fail);
  checkPlanning(site, fail);
  if (!(speedKmh > 0)) fail('speedKmh', 'is above 0');
  if (!(serviceMinutes >= 0)) fail('serviceMinutes', 'is from 0');
  if (!(unitsPerCarton > 0)) fail('unitsPerCarton', 'is above 0');
  const { seconds, iterations } = budget;
  if (seconds === undefined && iterations === undefined) fail('budget', 'has seconds, iterations');
  if (seconds !== undefined && !(seconds > 0 && seconds <= MOST_SECONDS)) {
    fail('budget.seconds', `is at most ${MOST_SECONDS}`);
  }
  if (iterations !== undefined && !(Number.isInteger(iterations) && iterations > 0)) {
    fail('budget.iterations', 'is from 1');
  }
  const opening = minutes(opens, (what) => fail('opens', what));
  const closing = closes === undefined ? Infinity : minutes(closes, (what) => fail('closes', what));
  if (closing <= opening) fail('closes', 'is before it opens');
  return {
    ...site,
    opening,
    closing,
    kmPerMinute: speedKmh / 60,
    serviceMinutes,
    unitsPerCarton,
    budget,
  };
}

/** What goes into the host's `services` as `logistics`. Throws TroupeError INVALID_ARGUMENT for a depot that cannot be. */
export function createLogistics(options: Logistics): Logistics {
  for (const [depot, site] of Object.entries(options.depots)) {
    if (depot === '' || depot.includes(':')) {
      throw new TroupeError('INVALID_ARGUMENT', `a depot's name has no colon: "${depot}"`);
    }
    readSite(depot, site);
  }
  return options;
}
