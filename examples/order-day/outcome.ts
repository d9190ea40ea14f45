/** What a run ended with, as the actors tell it: collected by calling each of them. */
import type { System } from 'troupe';
import type { InventoryApi, StockView } from '../../actors/inventory/api.ts';
import type { OrderApi, OrderView, ReturnsApi, ReturnView } from '../../actors/order/api.ts';
import type { PaymentApi, Statement } from '../../actors/payment/api.ts';

export interface Outcome {
  readonly orders: readonly OrderView[];
  readonly returns: readonly ReturnView[];
  readonly stock: readonly StockView[];
  readonly payments: readonly Statement[];
}

const PAGE = 500;
const AT_ONCE = 64;

/** Asks every order, return, stock code and payment that has state. */
export async function collectOutcome(
  system: System,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Outcome> {
  const each = async <T>(type: string, ask: (id: string) => Promise<T>): Promise<T[]> => {
    const found: T[] = [];
    for (let after: string | undefined; ;) {
      const page = await system.actors.list(type, {
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (let start = 0; start < page.length; start += AT_ONCE) {
        signal?.throwIfAborted();
        found.push(...(await Promise.all(page.slice(start, start + AT_ONCE).map(ask))));
      }
      if (page.length < PAGE) return found;
      after = page.at(-1)!;
    }
  };
  const options = signal ? { signal } : {};
  return {
    orders: await each('Order', (id) => system.ref<OrderApi>('Order', id).get(undefined, options)),
    returns: await each('Returns', (id) =>
      system.ref<ReturnsApi>('Returns', id).get(undefined, options),
    ),
    stock: await each('Inventory', (id) =>
      system.ref<InventoryApi>('Inventory', id).view(undefined, options),
    ),
    payments: await each('Payment', (id) =>
      system.ref<PaymentApi>('Payment', id).statement(undefined, options),
    ),
  };
}
