/** Holds what a run ended with against every invariant of the shop. */
import { checkInvariants } from '../../actors/invariants.ts';
import type { InvariantResult } from '../../actors/invariants.ts';
import type { Invoice } from './invoices.ts';
import type { Outcome } from './outcome.ts';

export type Verdict = InvariantResult;

/** What the outbox of the system holds at the moment of the check. */
export interface OutboxCount {
  readonly pending: number;
  readonly parked: number;
}

/** The shop's invariants, and that no invoice of the input was lost on the way. */
export function verify(
  { orders, returns, stock, payments }: Outcome,
  { invoices, outbox }: { invoices: readonly Invoice[]; outbox: OutboxCount },
): Verdict[] {
  const results = checkInvariants({
    orders,
    returns,
    stock,
    ledger: payments.flatMap(({ postings }) => postings),
    outboxPending: outbox.pending,
    outboxParked: outbox.parked,
  });
  return [...results, everyInvoiceIsThere({ orders, returns }, invoices)];
}

function everyInvoiceIsThere(
  { orders, returns }: Pick<Outcome, 'orders' | 'returns'>,
  invoices: readonly Invoice[],
): Verdict {
  const known = new Set([...orders, ...returns].map(({ id }) => id));
  const lost = invoices.filter(({ id }) => !known.has(id));
  return {
    name: 'every invoice of the input is an order or a return',
    ok: lost.length === 0,
    checked: invoices.length,
    violations: lost.slice(0, 20).map(({ id, kind }) => `${kind} ${id} is not there`),
    violationCount: lost.length,
  };
}
