/** What a run ended with, as the actors tell it: collected by calling each of them. */
import type { System } from 'troupe';
import type { InventoryApi, StockView } from '../../actors/inventory/api.ts';
import type { OrderApi, OrderView, ReturnsApi, ReturnView } from '../../actors/order/api.ts';
import type { PaymentApi, Statement } from '../../actors/payment/api.ts';
import { askEach, type Roster, type RosterType } from './roster.ts';

export interface Outcome {
  readonly orders: readonly OrderView[];
  readonly returns: readonly ReturnView[];
  readonly stock: readonly StockView[];
  readonly payments: readonly Statement[];
}

const AT_ONCE = 64;

/** Asks every order, return, stock code and payment of the run. */
export async function collectOutcome(
  system: System,
  { roster, signal }: { readonly roster: Roster; readonly signal: AbortSignal },
): Promise<Outcome> {
  const each = async <T>(type: RosterType, ask: (id: string) => Promise<T>): Promise<T[]> =>
    askEach(await roster.ids(type), ask, { atOnce: AT_ONCE, signal });
  const options = { signal };
  const payments = await each('Payment', (id) =>
    system.ref<PaymentApi>('Payment', id).statement(undefined, options),
  );
  return {
    orders: await each('Order', (id) => system.ref<OrderApi>('Order', id).get(undefined, options)),
    returns: await each('Returns', (id) =>
      system.ref<ReturnsApi>('Returns', id).get(undefined, options),
    ),
    stock: await each('Inventory', (id) =>
      system.ref<InventoryApi>('Inventory', id).view(undefined, options),
    ),
    // One that was never used has neither.
    payments: payments.filter(({ state, postings }) => state !== 'none' || postings.length > 0),
  };
}
