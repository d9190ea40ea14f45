/**
 * The states of an order and the only ways between them. Pure; the aggregate
 * asks here before every transition.
 */
import { ActorError } from 'troupe/actor';
import type { Delivery, HistoryItem, OrderState } from './api.ts';

/** What an order keeps in its small entry: everything that its replies change, and never a line. */
export interface Status {
  /** `none` until it is created. */
  state: OrderState | 'none';
  reason?: string;
  customer: string | null;
  country: string;
  placedAt: string;
  totalPence: number;
  /** The payment took the total. */
  captured: boolean;
  refundedPence: number;
  changedAt: number;
  /** Stock codes without an answer: how many `.` are in `marks`. */
  waiting: number;
  /** One character a stock code: `.` asked, `r` reserved, `x` refused or released. */
  marks: string;
  /** With the plan of the depot that it is of. */
  delivery?: Delivery & { readonly version: number };
}

export const NO_STATUS: Readonly<Status> = {
  state: 'none',
  customer: null,
  country: '',
  placedAt: '',
  totalPence: 0,
  captured: false,
  refundedPence: 0,
  changedAt: 0,
  waiting: 0,
  marks: '',
};

const TRANSITIONS: Readonly<Record<OrderState | 'none', readonly OrderState[]>> = {
  none: ['created', 'rejected'],
  created: ['reserved', 'rejected', 'cancelled'],
  reserved: ['authorised', 'rejected', 'cancelled'],
  authorised: ['confirmed', 'rejected', 'cancelled'],
  confirmed: ['shipped', 'cancelled'],
  shipped: ['shipped', 'delivered', 'returned', 'cancelled'],
  delivered: ['returned', 'cancelled'],
  rejected: [],
  cancelled: [],
  returned: [],
};

export function canMove(from: OrderState | 'none', to: OrderState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** States in which the saga still runs and nothing is decided. */
export function isUndecided(state: OrderState | 'none'): boolean {
  return state === 'created' || state === 'reserved' || state === 'authorised';
}

/** States in which goods are sold, so that a return can be matched. */
export function isSold(state: OrderState | 'none'): boolean {
  return state === 'confirmed' || state === 'shipped' || state === 'delivered';
}

/** Throws ActorError NOT_FOUND (404) for an order that was never created. */
export function assertCreated(id: string, status: Status): OrderState {
  if (status.state !== 'none') return status.state;
  throw new ActorError('NOT_FOUND', `order ${id} was never created`, { status: 404 });
}

export function wrongState(id: string, status: Status, wanted: string): ActorError {
  return new ActorError('WRONG_STATE', `order ${id} is ${status.state} and cannot be ${wanted}`, {
    status: 409,
    details: { state: status.state },
  });
}

const HISTORY_LENGTH = 50;

/** Moves the order on and writes the audit trail. Throws ActorError WRONG_STATE (409) for a way that does not exist. */
export function move(
  id: string,
  status: Status,
  trail: HistoryItem[],
  step: { to: OrderState; at: number; note: string },
): void {
  if (!canMove(status.state, step.to)) throw wrongState(id, status, step.to);
  status.state = step.to;
  status.changedAt = step.at;
  trail.push({ at: step.at, state: step.to, note: step.note });
  if (trail.length > HISTORY_LENGTH) trail.splice(0, trail.length - HISTORY_LENGTH);
}

/** `marks` with the character at `item` replaced. */
export function mark(marks: string, item: number, as: '.' | 'r' | 'x'): string {
  return `${marks.slice(0, item)}${as}${marks.slice(item + 1)}`;
}
