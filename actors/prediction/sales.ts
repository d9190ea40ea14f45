/**
 * What counts as demand: translates events of the order context into sales,
 * and adds up a day of them. Pure.
 */
import type { CloudEvent } from 'troupe/actor';
import type { OrderEvent } from '../order/events.ts';

/** Units by stock code, as pairs. */
export type Units = readonly (readonly [code: string, units: number])[];

export interface Sale {
  readonly customer: string | null;
  readonly units: Units;
  /** The order was cancelled: it counts no more. */
  readonly cancelled: boolean;
}

export type Entry =
  | {
      readonly kind: 'sold' | 'returned';
      readonly id: string;
      readonly day: string;
      readonly sale: Sale;
    }
  | { readonly kind: 'cancelled'; readonly id: string; readonly day: string };

/** What an event means for the sales of its day, if anything. */
export function entryOf(event: CloudEvent): Entry | undefined {
  const data = event.data as OrderEvent | null | undefined;
  if (typeof data !== 'object' || data === null) return undefined;
  switch (data.type) {
    case 'order.confirmed':
      return { kind: 'sold', id: data.orderId, day: dayIn(data.placedAt), sale: saleOf(data) };
    case 'return.settled':
      return { kind: 'returned', id: data.returnId, day: dayIn(data.placedAt), sale: saleOf(data) };
    case 'order.cancelled':
      return { kind: 'cancelled', id: data.orderId, day: dayIn(data.placedAt) };
    case 'order.rejected':
    case 'order.shipped':
    case 'order.delivered':
    case 'order.returned':
    case 'return.rejected':
      return undefined;
    default:
      data satisfies never;
      return undefined;
  }
}

const dayIn = (placedAt: string): string => placedAt.slice(0, 10);

function saleOf(event: {
  readonly customer: string | null;
  readonly lines: readonly { readonly stockCode: string; readonly quantity: number }[];
}): Sale {
  const units = new Map<string, number>();
  for (const { stockCode, quantity } of event.lines) {
    units.set(stockCode, (units.get(stockCode) ?? 0) + quantity);
  }
  return { customer: event.customer, units: [...units], cancelled: false };
}

/**
 * Units of each code that were asked for on a day. What a customer returned on
 * the day on which they bought it was a mistake, and no demand; other returns
 * are of earlier days and change nothing here. Codes of cancelled orders are
 * there with 0, so that whoever was told more is put right.
 */
export function demandOf(sales: readonly Sale[], returns: readonly Sale[]): Map<string, number> {
  const back = unitsByBuyer(returns);
  const demand = new Map<string, number>();
  for (const { units } of sales) for (const [code] of units) demand.set(code, 0);
  for (const [customer, units] of unitsByBuyer(sales)) {
    const returned = customer === null ? undefined : back.get(customer);
    for (const [code, count] of units) {
      const kept = count - Math.min(count, returned?.get(code) ?? 0);
      demand.set(code, demand.get(code)! + kept);
    }
  }
  return demand;
}

function unitsByBuyer(sales: readonly Sale[]): Map<string | null, Map<string, number>> {
  const buyers = new Map<string | null, Map<string, number>>();
  for (const { customer, units, cancelled } of sales) {
    if (cancelled) continue;
    let bought = buyers.get(customer);
    if (!bought) buyers.set(customer, (bought = new Map()));
    for (const [code, count] of units) bought.set(code, (bought.get(code) ?? 0) + count);
  }
  return buyers;
}
