/**
 * What a depot keeps: the stops of its day, the tours of its vehicles, and where
 * its planning stands. Here too is how an event of the order context becomes a
 * stop; nothing else of that context's language comes in.
 */
import type { Quantity } from '../order/api.ts';
import type { OrderEvent } from '../order/events.ts';
import type { Addressee, Place, SimpleKm } from './api.ts';

/** One order. Those it has once heard of stay, cancelled or not. */
export interface Stop extends Addressee {
  placedAt: string;
  cartons: number;
  /** Null until it is asked for, and when nobody knows it. */
  place: Place | null;
  cancelled?: true;
  /** Why no vehicle takes it. */
  left?: string;
  /** What was last told of it, so that only a change is told. */
  told?: string;
}

/** What one vehicle does. Times are minutes of the calendar. */
export interface Tour {
  readonly vehicle: string;
  readonly fleet: string;
  stops: string[];
  /** When it left; absent while it stands in the depot. */
  departed?: number;
  /** When it was at each of the leading stops. */
  passed: number[];
  /** Orders cancelled after it had left. */
  comesBack: string[];
}

/** Where planning stands. */
export interface Work {
  /** Number of the latest search asked for. */
  request: number;
  /** The search whose answer counts; 0 when none runs. */
  awaited: number;
  /** Something changed that no search was asked about. */
  dirty: boolean;
  /** A place could not be asked for: the reminder asks again. */
  again: boolean;
  /** How many of the stops the awaited search knows: the leading ones. */
  searched: number;
  /** A reminder is set that asks for the next search. */
  reminded: boolean;
  /** Orders that the day was closed with; null before. */
  closedWith: string[] | null;
  /** Latest minute that the depot was told; nothing leaves before. */
  now: number;
  version: number;
  /** Of the latest plan. */
  simple?: SimpleKm;
  problem?: string;
}

export function newWork(): Work {
  return {
    request: 0,
    awaited: 0,
    dirty: false,
    again: false,
    searched: 0,
    reminded: false,
    closedWith: null,
    now: 0,
    version: 0,
  };
}

/** What an event says that matters here: an order to bring, or one not to bring any more. */
export interface News {
  readonly kind: 'order' | 'cancelled';
  readonly to: Addressee;
  readonly placedAt: string;
  /** Of an order: units of goods. */
  readonly units: number;
}

/** Undefined for an event that is none of logistics', or none at all. */
export function newsOf(data: unknown): News | undefined {
  const event = data as OrderEvent | null | undefined;
  if (typeof event !== 'object' || event === null) return undefined;
  if (event.type !== 'order.confirmed' && event.type !== 'order.cancelled') return undefined;
  const { orderId, customer, country, placedAt } = event;
  if (typeof orderId !== 'string' || orderId === '') return undefined;
  const to = { orderId, customer, country };
  if (event.type !== 'order.confirmed') return { kind: 'cancelled', to, placedAt, units: 0 };
  const { lines } = event;
  if (!Array.isArray(lines)) return undefined;
  const units = (lines as readonly Quantity[]).reduce((sum, { quantity }) => sum + quantity, 0);
  if (!Number.isFinite(units)) return undefined;
  return { kind: 'order', to, placedAt, units };
}

/** The same order of stops whatever order their events came in. */
export function byPlacing(a: Stop, b: Stop): number {
  const [one, other] = [`${a.placedAt} ${a.orderId}`, `${b.placedAt} ${b.orderId}`];
  return one < other ? -1 : one > other ? 1 : 0;
}

export function findStop(stops: readonly Stop[], orderId: string): Stop | undefined {
  return stops.find((stop) => stop.orderId === orderId);
}

export function tourOf(tours: readonly Tour[], orderId: string): Tour | undefined {
  return tours.find(({ stops }) => stops.includes(orderId));
}
