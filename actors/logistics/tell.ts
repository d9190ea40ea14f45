/** Tells the order context what changed for its orders: one event an order whose vehicle, minute or reason is another than it was told last. */
import type { ActorContext } from 'troupe/actor';
import { partsOf } from './area.ts';
import type { DeliveryEvent } from './events.ts';
import { type AnyBook, stopViews } from './view.ts';

export function tellChanges(ctx: ActorContext<unknown>, book: AnyBook): void {
  const { depot } = partsOf(book.id);
  const { version } = book.work;
  const views = stopViews(book);
  book.stops.forEach((stop, index) => {
    const { orderId, state, vehicle, eta, reason } = views[index]!;
    let event: DeliveryEvent | undefined;
    if (state === 'unserved' && reason !== undefined) {
      event = { type: 'delivery.unserved', orderId, depot, version, reason };
    } else if (state !== 'cancelled' && vehicle !== undefined && eta !== undefined) {
      event = { type: 'delivery.planned', orderId, depot, version, vehicle, eta };
    }
    if (!event) return;
    const told = event.type === 'delivery.planned' ? `${event.vehicle} ${event.eta}` : event.reason;
    if (stop.told === told) return;
    stop.told = told;
    ctx.outbox.publish('deliveries', event, { metadata: { 'cloudevent.type': event.type } });
  });
}
