/** The shop: the actor types a host takes in, and what it has to hand them. */
import type { ActorClass } from 'troupe/actor';
import { Inventory } from './inventory/inventory.ts';
import { Depot } from './logistics/depot.ts';
import { RoutePlanner } from './logistics/route-planner.ts';
import { Notification } from './notification/notification.ts';
import { Order } from './order/order.ts';
import { Purchases } from './order/purchases.ts';
import { Returns } from './order/returns.ts';
import { Payment } from './payment/payment.ts';
import { Prediction } from './prediction/prediction.ts';
import { SalesBook } from './prediction/sales-book.ts';
import { Region } from './store/region.ts';
import { Store } from './store/store.ts';

export const shopActors: readonly ActorClass[] = [
  Order,
  Payment,
  Inventory,
  Notification,
  Purchases,
  Returns,
  SalesBook,
  Prediction,
];

/** The shop's deliveries, hosted beside it with `logistics` in the services. */
export const logisticsActors: readonly ActorClass[] = [Depot, RoutePlanner];

/** Stores with cameras, and the regions that add them up; they need no other actors. */
export const storeActors: readonly ActorClass[] = [Store, Region];

export type { ShopServices } from './services.ts';
export { checkInvariants } from './invariants.ts';
export type { InvariantResult, ShopSnapshot } from './invariants.ts';
export { createHashPaymentProvider } from './payment/provider.ts';
export { createCalendar } from './prediction/calendar.ts';
export type { Calendar } from './prediction/calendar.ts';
export type { Forecaster } from './prediction/api.ts';
export type { DepotSite, Logistics, LogisticsServices, Planner } from './logistics/api.ts';
export { hashPlace } from './logistics/geocoder.ts';
export { createLogistics } from './logistics/site.ts';
export type { RegionApi, StoreApi, StoreServices, StoreView } from './store/api.ts';
export { lineAmountPence, formatPence } from './money.ts';
export { admitLines } from './order/lines.ts';
