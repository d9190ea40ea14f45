/**
 * What the shop's tests share: bodies of orders, and a snapshot of a running
 * shop for the invariants. It asks actors only through refs it is given, so it
 * serves a test host and a real system alike.
 */
import type { ActorRef } from 'troupe/actor';
import type { InventoryApi } from './inventory/api.ts';
import type { ShopSnapshot } from './invariants.ts';
import type { CreateOrder, LineRequest, OrderApi, ReturnsApi } from './order/api.ts';
import type { PaymentApi } from './payment/api.ts';

/** Anything that gives refs: a system, a test host. */
export interface Shop {
  ref<T extends object>(type: string, id: string): ActorRef<T>;
}

/** `['22423', 2, '12.75']` as a line. */
export function line(stockCode: string, quantity: number, unitPrice: string): LineRequest {
  return { stockCode, description: `THE ${stockCode}`, quantity, unitPrice };
}

export function invoice(
  customer: string | null,
  lines: readonly LineRequest[],
  change: Partial<CreateOrder> = {},
): CreateOrder {
  const placedAt = '2010-12-01 08:26:00';
  return { customer, country: 'United Kingdom', currency: 'GBP', placedAt, lines, ...change };
}

export function order(shop: Shop, id: string): ActorRef<OrderApi> {
  return shop.ref<OrderApi>('Order', id);
}

export function returns(shop: Shop, id: string): ActorRef<ReturnsApi> {
  return shop.ref<ReturnsApi>('Returns', id);
}

export function inventory(shop: Shop, code: string): ActorRef<InventoryApi> {
  return shop.ref<InventoryApi>('Inventory', code);
}

export function payment(shop: Shop, id: string): ActorRef<PaymentApi> {
  return shop.ref<PaymentApi>('Payment', id);
}

/** Opens every code with as many units. */
export async function openStock(
  shop: Shop,
  stock: Readonly<Record<string, number>>,
): Promise<void> {
  for (const [code, initial] of Object.entries(stock)) {
    await inventory(shop, code).open({ initial });
  }
}

/** Reads orders, returns, stock and ledger of a shop that has come to rest. */
export async function snapshotOf(
  shop: Shop,
  ids: {
    readonly orders: readonly string[];
    readonly returns?: readonly string[];
    readonly codes: readonly string[];
    readonly outboxPending: number;
  },
): Promise<ShopSnapshot> {
  const { orders, returns: returnIds = [], codes, outboxPending } = ids;
  const statements = [...orders, ...returnIds].map((id) => payment(shop, id).statement());
  return {
    orders: await Promise.all(orders.map((id) => order(shop, id).get())),
    returns: await Promise.all(returnIds.map((id) => returns(shop, id).get())),
    stock: await Promise.all(codes.map((code) => inventory(shop, code).view())),
    ledger: (await Promise.all(statements)).flatMap(({ postings }) => postings),
    outboxPending,
  };
}
