/** What the logistics context tells of an order's way to its customer, in this context's words. Pure. */
import type { CloudEvent, TopicSubscription } from 'troupe/actor';
import type { DeliveryEvent } from '../logistics/events.ts';
import type { Delivery } from './api.ts';
import { isSold, type Status } from './states.ts';

export const DELIVERIES: TopicSubscription = {
  topic: 'deliveries',
  method: 'onDelivery',
  id: ({ data }) => {
    const { orderId } = (data ?? {}) as { orderId?: unknown };
    return typeof orderId === 'string' && orderId !== '' ? orderId : 'none';
  },
};

/** Keeps the latest news; a plan that is older than the one known, and news of an order that is not sold, change nothing. */
export function noteDelivery(status: Status, { data }: CloudEvent): void {
  if (!isSold(status.state)) return;
  const event = data as DeliveryEvent;
  const { depot, version } = event;
  if (status.delivery?.depot === depot && status.delivery.version > version) return;
  if (event.type === 'delivery.planned') {
    status.delivery = { depot, version, vehicle: event.vehicle, eta: event.eta };
  } else if (event.type === 'delivery.unserved') {
    status.delivery = { depot, version, reason: event.reason };
  }
}

/** What callers see of it: nothing of an order that is not sold (any more). */
export function deliveryView({ state, delivery }: Status): { delivery?: Delivery } {
  if (!delivery || !isSold(state)) return {};
  const { version: _, ...view } = delivery;
  return { delivery: view };
}
