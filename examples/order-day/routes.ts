/**
 * The deliveries of a run: tells each depot when the last order of its day has
 * ended, upon which the depot plans, in a worker thread beside the turns of the
 * days that follow. What it does may be done again after a crash.
 */
import type { System } from 'troupe';
import { isActorError, isTroupeError } from 'troupe/actor';
import { createLogistics, hashPlace } from '../../actors/index.ts';
import type { Logistics } from '../../actors/index.ts';
import type { DepotApi } from '../../actors/logistics/api.ts';
import { depotId } from '../../actors/logistics/area.ts';
import type { OrderApi } from '../../actors/order/api.ts';
import { planRoutes } from '../../workers/planning.ts';
import { createPool } from '../../workers/pool.ts';
import { kindOf } from './glance.ts';
import type { Invoice } from './invoices.ts';
import { DEPOTS } from './routes-depots.ts';

/** Said wherever routes are shown: the input has no addresses. */
export const PLACES_NOTE =
  "customers' places are made up from id and country; they are nobody's address";

/** The service of the depots, over a thread of its own that starts with the first plan. */
export function openLogistics({ stop }: { stop: AbortSignal }): Logistics & AsyncDisposable {
  const pool = createPool({ name: 'routes', workers: 1 });
  return {
    ...createLogistics({
      planner: {
        plan: (input, { signal }) =>
          planRoutes(pool, input, { signal: AbortSignal.any([signal, stop]) }),
      },
      depots: DEPOTS,
      locate: hashPlace,
    }),
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

export interface Deliveries {
  /** An order or return has ended. */
  ended(invoice: Invoice): void;
  /** Resolves when every day whose orders have all ended is closed in its depot. */
  closed(): Promise<void>;
}

/** Watches over the days of the invoices. */
export function createDeliveries(
  system: System,
  { invoices, signal }: { invoices: readonly Invoice[]; signal: AbortSignal },
): Deliveries {
  const days = new Map<string, { readonly orders: string[]; left: number }>();
  const dayOf = ({ country, time }: Invoice): string => depotId(country, time);
  for (const invoice of invoices) {
    if (invoice.kind === 'return') continue;
    const id = dayOf(invoice);
    const day = days.get(id) ?? { orders: [], left: 0 };
    day.orders.push(invoice.id);
    day.left++;
    days.set(id, day);
  }
  const closings: Promise<void>[] = [];
  const close = async (id: string, orders: readonly string[]): Promise<void> => {
    try {
      const confirmed = await Promise.all(orders.map((order) => isConfirmed(system, order)));
      const wanted = orders.filter((_, index) => confirmed[index]);
      if (wanted.length === 0) return;
      await system.ref<DepotApi>('Depot', id).close({ orders: wanted }, { signal });
    } catch (error) {
      // A depot that has planned for other orders is told of by verifyRoutes, which names them.
      const planned = isActorError(error) && error.code === 'CONFLICT';
      if (!signal.aborted && !planned) throw error;
    }
  };
  return {
    ended(invoice) {
      const id = dayOf(invoice);
      const day = invoice.kind === 'order' ? days.get(id) : undefined;
      if (!day || --day.left > 0) return;
      const closing = close(id, day.orders);
      // It may fail before anybody awaits it.
      closing.catch(() => {});
      closings.push(closing);
    },
    async closed() {
      await Promise.all(closings);
    },
  };
}

/** False for an order that the shop did not take in any form. */
async function isConfirmed(system: System, id: string): Promise<boolean> {
  try {
    return kindOf((await system.ref<OrderApi>('Order', id).status()).state) === 'confirmed';
  } catch (error) {
    if (isTroupeError(error) && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}
