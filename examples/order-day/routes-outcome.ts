/** What the depots ended with: collected by asking each, added up, held against the orders, and written down. */
import type { System } from 'troupe';
import type { DepotApi, DepotPlan, StopView } from '../../actors/logistics/api.ts';
import type { OrderView } from '../../actors/order/api.ts';
import { kindOf } from './glance.ts';
import { askEach, type Roster } from './roster.ts';
import type { Verdict } from './verify.ts';

export interface DepotDay extends DepotPlan {
  readonly orders: readonly StopView[];
}

export interface RouteTotals {
  /** Depots that had an order, each counted once a day. */
  readonly depotDays: number;
  /** Orders that a vehicle brings. */
  readonly stops: number;
  /** Tours; a vehicle drives one a day. */
  readonly vehicles: number;
  readonly unserved: number;
  readonly km: number;
  /** The same orders without a search. */
  readonly firstInFirstOutKm: number;
  readonly nearestNeighbourKm: number;
  readonly clarkeWrightKm: number;
  /** Where the customers' places come from. */
  readonly places: string;
}

const byId = (a: DepotDay, b: DepotDay): number => {
  const [one, other] = [`${a.day} ${a.depot}`, `${b.day} ${b.depot}`];
  return one < other ? -1 : one > other ? 1 : 0;
};
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const AT_ONCE = 64;

/** Asks every depot and day that has an order. */
export async function collectDepots(
  system: System,
  { roster, signal }: { readonly roster: Roster; readonly signal: AbortSignal },
): Promise<DepotDay[]> {
  const options = { signal };
  const ids = (await roster.ids('Depot')).filter((id) => id.includes(':'));
  const ask = async (id: string): Promise<DepotDay> => {
    const depot = system.ref<DepotApi>('Depot', id);
    const [plan, orders] = await Promise.all([
      depot.plan(undefined, options),
      depot.stops(undefined, options),
    ]);
    return { ...plan, orders };
  };
  const found = await askEach(ids, ask, { atOnce: AT_ONCE, signal });
  return found.filter(({ orders }) => orders.length > 0).toSorted(byId);
}

export function routeTotals(days: readonly DepotDay[], places: string): RouteTotals {
  const vehicles = days.flatMap((day) => day.vehicles);
  const simple = days.flatMap((day) => day.simple ?? []);
  const whole = (km: readonly number[]): number => Math.round(sum(km));
  return {
    depotDays: days.length,
    stops: sum(vehicles.map(({ stops }) => stops.length)),
    vehicles: vehicles.length,
    unserved: sum(days.map(({ unserved }) => unserved.length)),
    km: whole(days.map(({ km }) => km)),
    firstInFirstOutKm: whole(simple.map(({ firstInFirstOut }) => firstInFirstOut)),
    nearestNeighbourKm: whole(simple.map(({ nearestNeighbour }) => nearestNeighbour)),
    clarkeWrightKm: whole(simple.map(({ savings }) => savings)),
    places,
  };
}

/** Every confirmed order is in one tour or has a reason, and knows which. */
export function verifyRoutes(days: readonly DepotDay[], orders: readonly OrderView[]): Verdict {
  const known = new Map<string, { vehicle?: string; eta?: string; reason?: string }[]>();
  const note = (id: string, what: { vehicle?: string; eta?: string; reason?: string }): void => {
    known.set(id, [...(known.get(id) ?? []), what]);
  };
  for (const { vehicles, unserved } of days) {
    for (const { vehicle, stops } of vehicles) {
      for (const { orderId, eta } of stops) note(orderId, { vehicle, eta });
    }
    for (const { orderId, reason } of unserved) note(orderId, { reason });
  }
  const violations: string[] = [];
  const confirmed = orders.filter(({ state }) => kindOf(state) === 'confirmed');
  for (const { id, delivery } of confirmed) {
    const told = known.get(id) ?? [];
    if (told.length !== 1) violations.push(`order ${id} is in ${told.length} tours`);
    const { vehicle, eta, reason } = told[0] ?? {};
    if (delivery?.vehicle === vehicle && delivery?.eta === eta && delivery?.reason === reason) {
      continue;
    }
    violations.push(`order ${id} was told ${JSON.stringify(delivery ?? null)}`);
  }
  const ids = new Set(confirmed.map(({ id }) => id));
  for (const id of known.keys()) if (!ids.has(id)) violations.push(`order ${id} is not confirmed`);
  return {
    name: 'every confirmed order is in one tour, or has a reason',
    ok: violations.length === 0,
    checked: confirmed.length,
    violations: violations.slice(0, 20),
    violationCount: violations.length,
  };
}

/** routes.jsonl: one depot and day a line. */
export function routeLines(days: readonly DepotDay[]): string {
  return days
    .map(({ depot, day, km, simple, vehicles, unserved }) => {
      const routes = vehicles.map(({ vehicle, leaves, back, cartons, km: far, stops }) => ({
        vehicle,
        leaves,
        back,
        cartons,
        km: far,
        orders: stops.map(({ orderId }) => orderId),
        etas: stops.map(({ eta }) => eta),
      }));
      const left = unserved.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1));
      return `${JSON.stringify({ depot, day, km, simple: simple ?? null, routes, unserved: left })}\n`;
    })
    .join('');
}

const number = (value: number): string => value.toLocaleString('en-GB');

/** For people. */
export function routeText(totals: RouteTotals): string[] {
  const { stops, vehicles, depotDays, unserved, km, places } = totals;
  const against = (name: string, other: number): string =>
    `${number(other).padStart(14)}  km ${name}: ${other === 0 ? 0 : Math.round((1 - km / other) * 100)} % saved`;
  return [
    `routes   ${number(stops)} stops in ${number(vehicles)} tours of ${number(depotDays)} depots and days, ${number(km)} km; ${number(unserved)} unserved`,
    against('first in, first out', totals.firstInFirstOutKm),
    against('always to the nearest', totals.nearestNeighbourKm),
    against("by Clarke and Wright's savings", totals.clarkeWrightKm),
    `         ${places}`,
  ];
}
