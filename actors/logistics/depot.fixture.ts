/** A depot on trial: its planner is the real pool, behind a gate that a test opens and shuts. */
import type { ActorRef } from 'troupe/actor';
import { createTestHost, type TestHost } from 'troupe/test';
import { planRoutes } from '../../workers/planning.ts';
import type { Pool } from '../../workers/pool.ts';
import type { PlanInput, PlanOutput } from '../../workers/protocol.ts';
import { createLogistics, logisticsActors } from '../index.ts';
import type { DepotApi, DepotSite, Logistics, Place, Planner } from './api.ts';

export const DAY = '2010-12-01';
export const UK = `uk:${DAY}`;
export const HOME: Place = { lat: 52.5, lon: -1.5 };

export const SITE: DepotSite = {
  place: HOME,
  fleets: [{ name: 'van', vehicles: 3, capacity: 6 }],
  budget: { iterations: 300 },
};

/** Where `o1`, `o2` and so on go: on a ring of 50 km around the depot, by their number. */
export function ringPlace(orderId: string): Place {
  const angle = (Number(orderId.slice(1)) * Math.PI) / 6;
  return { lat: HOME.lat + 0.45 * Math.sin(angle), lon: HOME.lon + 0.74 * Math.cos(angle) };
}

/** `o<from>` to `o<to>`. */
export const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `o${from + i}`);

export interface Gate extends Planner {
  /** Searches asked for, the latest last. */
  readonly asked: PlanInput[];
  shut(): void;
  open(): void;
  /** Ends the searches that run, with the best they have. */
  finish: AbortSignal | undefined;
  /** Changes the next answers. */
  bend: ((output: PlanOutput, input: PlanInput) => PlanOutput | Promise<PlanOutput>) | undefined;
}

export function createGate(pool: Pool): Gate {
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  return {
    asked: [],
    bend: undefined,
    finish: undefined,
    shut() {
      gate = Promise.withResolvers<void>();
    },
    open: () => gate.resolve(),
    async plan(input, options) {
      this.asked.push(input);
      await gate.promise;
      const end = this.finish ? { finish: this.finish } : {};
      const output = await planRoutes(pool, input, { ...options, ...end });
      return this.bend ? this.bend(output, input) : output;
    },
  };
}

export interface Trial extends AsyncDisposable {
  readonly host: TestHost;
  readonly depot: ActorRef<DepotApi>;
  /** Publishes that these orders are confirmed, each of so many units. */
  confirm(...orderIds: string[]): Promise<void>;
  confirmUnits(orderId: string, units: number): Promise<void>;
  cancel(orderId: string): Promise<void>;
  /** What was told on topic `deliveries`, by order, each its latest. */
  readonly told: Map<string, { readonly type: string; readonly [key: string]: unknown }>;
}

const about = (orderId: string) => ({
  orderId,
  customer: `c-${orderId}`,
  country: 'United Kingdom',
  placedAt: `${DAY} 09:${orderId.slice(1).padStart(2, '0')}:00`,
  currency: 'GBP',
  totalPence: 100,
});

export async function openTrial(
  planner: Planner,
  site: Partial<DepotSite> = {},
  locate: Logistics['locate'] = ({ orderId }) => ringPlace(orderId),
): Promise<Trial> {
  const logistics = createLogistics({ planner, depots: { uk: { ...SITE, ...site } }, locate });
  const host = await createTestHost({ actors: logisticsActors, services: { logistics } });
  const told: Trial['told'] = new Map();
  await host.system.subscribe({ topic: 'deliveries' }, async ({ data }) => {
    const event = data as { type: string; orderId: string };
    told.set(event.orderId, event);
  });
  const confirmUnits = (orderId: string, units: number): Promise<void> =>
    host.system.publish('orders', {
      type: 'order.confirmed',
      ...about(orderId),
      lines: [{ stockCode: 'a', quantity: units }],
    });
  return {
    host,
    depot: host.ref<DepotApi>('Depot', UK),
    told,
    confirmUnits,
    async confirm(...orderIds) {
      for (const orderId of orderIds) await confirmUnits(orderId, 24);
    },
    cancel: (orderId) =>
      host.system.publish('orders', { type: 'order.cancelled', ...about(orderId), reason: 'no' }),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

/** Orders by vehicle, as they are visited. */
export async function toursOf(depot: ActorRef<DepotApi>): Promise<Record<string, string[]>> {
  const vehicles = await depot.vehicles();
  return Object.fromEntries(
    vehicles.map(({ vehicle, stops }) => [vehicle, stops.map(({ orderId }) => orderId)]),
  );
}
