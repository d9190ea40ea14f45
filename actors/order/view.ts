/** An order as others see it: its answer to `status`, and the common part of its events. */
import { ActorError } from 'troupe/actor';
import type { OrderStatus, Quantity, ShipRequest } from './api.ts';
import { deliveryView } from './delivery.ts';
import { assertCreated, type Status } from './states.ts';

/** Throws ActorError NOT_FOUND (404) for an order that was never created. */
export function statusView(id: string, status: Status): OrderStatus {
  const state = assertCreated(id, status);
  return {
    id,
    customer: status.customer,
    country: status.country,
    state,
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    totalPence: status.totalPence,
    capturedPence: status.captured ? status.totalPence : 0,
    refundedPence: status.refundedPence,
    currency: 'GBP',
    placedAt: status.placedAt,
    changedAt: status.changedAt,
    waiting: status.waiting,
    ...deliveryView(status),
  };
}

export function eventBase(id: string, status: Status) {
  const { customer, country, placedAt, totalPence, refundedPence } = status;
  return {
    orderId: id,
    customer,
    country,
    placedAt,
    currency: 'GBP',
    totalPence,
    refundedPence,
  } as const;
}

function refuse(what: string): never {
  throw new ActorError('INVALID_ORDER', what, { status: 400 });
}

/** Checks the body of `ship`. Throws ActorError INVALID_ORDER (400). */
export function readShipment(body: ShipRequest): { shipmentId: string; lines?: Quantity[] } {
  const { shipmentId, lines } = body ?? {};
  if (typeof shipmentId !== 'string' || shipmentId === '' || shipmentId in Object.prototype) {
    return refuse('shipmentId must be text that names the shipment');
  }
  if (lines === undefined) return { shipmentId };
  if (!Array.isArray(lines)) return refuse('lines must be an array of { stockCode, quantity }');
  return {
    shipmentId,
    lines: lines.map((line: Partial<Quantity>) => ({
      stockCode: String(line?.stockCode),
      quantity: Number(line?.quantity),
    })),
  };
}
