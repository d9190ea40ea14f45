/**
 * What a notice says: translates events of the order context into the words of
 * this one, and takes nothing else from them. Pure.
 */
import type { CloudEvent } from 'troupe/actor';
import { formatPence } from '../money.ts';
import type { OrderEvent } from '../order/events.ts';
import type { Notice } from './api.ts';

/** The notice of an event, or undefined for an event that is none of the shop's. */
export function noticeOf(event: CloudEvent): Notice | undefined {
  const data = event.data as OrderEvent | null | undefined;
  if (typeof data !== 'object' || data === null) return undefined;
  const text = textOf(data);
  if (text === undefined) return undefined;
  const about = 'orderId' in data ? data.orderId : data.returnId;
  return { eventId: event.id, about, text };
}

function textOf(event: OrderEvent): string | undefined {
  switch (event.type) {
    case 'order.confirmed':
      return `Order ${event.orderId} is confirmed: GBP ${formatPence(event.totalPence)}.`;
    case 'order.rejected':
      return `Order ${event.orderId} could not be accepted: ${event.reason}.`;
    case 'order.cancelled':
      return `Order ${event.orderId} is cancelled; GBP ${formatPence(event.refundedPence)} are refunded.`;
    case 'order.shipped':
      return `Order ${event.orderId} is on its way${event.complete ? '' : ' in part'}.`;
    case 'order.delivered':
      return `Order ${event.orderId} has arrived.`;
    case 'order.returned':
      return `All of order ${event.orderId} has come back.`;
    case 'return.settled':
      return `Return ${event.returnId}: GBP ${formatPence(event.refundedPence)} refunded, GBP ${formatPence(event.creditPence)} as a credit note.`;
    case 'return.rejected':
      return `Return ${event.returnId} could not be accepted: ${event.reason}.`;
    default:
      event satisfies never;
      return undefined;
  }
}
