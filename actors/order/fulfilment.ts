/**
 * What happens to an order after it is confirmed: what was shipped, what came
 * back and for how much. Pure bookkeeping on one plain record.
 */
import { ActorError } from 'troupe/actor';
import { lineAmountPence } from '../money.ts';
import type { Quantity, ReturnMatched, ReturnWanted } from './api.ts';
import type { Demand } from './lines.ts';

interface Returned {
  quantity: number;
  /** Units of `quantity` that came back (or were taken off) before they were shipped. */
  unshipped: number;
  amountPence: number;
}

export interface Fulfilment {
  /** By shipment id. */
  shipments: Record<string, Quantity[]>;
  /** Units by stock code. */
  shipped: Record<string, number>;
  /** By stock code. */
  returned: Record<string, Returned>;
  /** What each return got of this order, by return id. */
  returns: Record<string, ReturnMatched[]>;
}

export function noFulfilment(): Fulfilment {
  return { shipments: {}, shipped: {}, returned: {}, returns: {} };
}

/** Units of a code that can still be shipped. */
function shippable(demand: Demand, record: Fulfilment): number {
  const gone = record.shipped[demand.stockCode] ?? 0;
  return demand.quantity - gone - (record.returned[demand.stockCode]?.unshipped ?? 0);
}

export function outstanding(demands: readonly Demand[], record: Fulfilment): Quantity[] {
  return demands
    .map((demand) => ({ stockCode: demand.stockCode, quantity: shippable(demand, record) }))
    .filter(({ quantity }) => quantity > 0);
}

/** Books a shipment. Throws ActorError INVALID_ORDER (400) for units that the order has not left to ship. */
export function ship(
  demands: readonly Demand[],
  record: Fulfilment,
  shipment: { shipmentId: string; lines: readonly Quantity[] },
): void {
  const byCode = new Map(demands.map((demand) => [demand.stockCode, demand]));
  for (const { stockCode, quantity } of shipment.lines) {
    const demand = byCode.get(stockCode);
    const left = demand ? shippable(demand, record) : 0;
    if (!Number.isSafeInteger(quantity) || quantity <= 0 || quantity > left) {
      throw new ActorError(
        'INVALID_ORDER',
        `${left} of ${stockCode} are left to ship, not ${quantity}`,
        { status: 400 },
      );
    }
    record.shipped[stockCode] = (record.shipped[stockCode] ?? 0) + quantity;
  }
  record.shipments[shipment.shipmentId] = [...shipment.lines];
}

/**
 * Takes back what a return wants, line by line: never more units of a code than
 * are unreturned, at the return's price, never more pence than the code still
 * has captured nor than the line asks for.
 */
export function takeBack(
  demands: readonly Demand[],
  record: Fulfilment,
  wanted: { orderId: string; lines: readonly ReturnWanted[] },
): ReturnMatched[] {
  const byCode = new Map(demands.map((demand) => [demand.stockCode, demand]));
  const matched: ReturnMatched[] = [];
  for (const { line, stockCode, quantity, unitPrice, amountPence } of wanted.lines) {
    const demand = byCode.get(stockCode);
    if (!demand) continue;
    const back = record.returned[stockCode] ?? { quantity: 0, unshipped: 0, amountPence: 0 };
    const units = Math.min(quantity, demand.quantity - back.quantity);
    if (units <= 0) continue;
    const price = lineAmountPence(unitPrice, units);
    const refund = Math.min(price, amountPence, demand.amountPence - back.amountPence);
    const shippedAndKept = (record.shipped[stockCode] ?? 0) - (back.quantity - back.unshipped);
    record.returned[stockCode] = {
      quantity: back.quantity + units,
      unshipped: back.unshipped + Math.max(0, units - shippedAndKept),
      amountPence: back.amountPence + refund,
    };
    matched.push({ line, orderId: wanted.orderId, quantity: units, amountPence: refund });
  }
  return matched;
}

/** Units by code that were sold and have not come back. */
export function unreturned(demands: readonly Demand[], record: Fulfilment): Quantity[] {
  return demands
    .map(({ stockCode, quantity }) => ({
      stockCode,
      quantity: quantity - (record.returned[stockCode]?.quantity ?? 0),
    }))
    .filter(({ quantity }) => quantity > 0);
}
