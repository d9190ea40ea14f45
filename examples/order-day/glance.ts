/** The figures of the page: what a run ended with, added up for the eye. Pure. */
import type { Outcome } from './outcome.ts';

export interface Bucket {
  /** `08:00` of a single day, else `2010-12-01`. */
  readonly label: string;
  confirmed: number;
  rejected: number;
  cancelled: number;
  /** Of orders confirmed. */
  revenuePence: number;
}

export interface Glance {
  /** Of one day: its date. Of more: the first and the last. Empty when nothing has a time. */
  readonly span: string;
  readonly unit: 'hour' | 'day';
  readonly buckets: readonly Bucket[];
  readonly orders: number;
  readonly confirmed: number;
  readonly rejected: number;
  readonly cancelled: number;
  readonly returns: number;
  readonly customers: number;
  readonly units: number;
  readonly revenuePence: number;
  readonly refundedPence: number;
  readonly creditPence: number;
  /** Most units sold first. */
  readonly movers: readonly { code: string; description: string; sold: number }[];
  /** Most frequent first. */
  readonly reasons: readonly { reason: string; count: number }[];
}

const MOVERS = 12;
const REASONS = 10;
const DAY = 86_400_000;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Orders that were paid for count as confirmed, whatever happened to them later. */
const KINDS = {
  confirmed: 'confirmed',
  shipped: 'confirmed',
  delivered: 'confirmed',
  returned: 'confirmed',
  rejected: 'rejected',
  cancelled: 'cancelled',
} as const;

/** How an order counts; undefined while its saga runs. */
export function kindOf(state: string): 'confirmed' | 'rejected' | 'cancelled' | undefined {
  return Object.hasOwn(KINDS, state) ? KINDS[state as keyof typeof KINDS] : undefined;
}

export function glanceAt(
  { orders, returns, stock }: Outcome,
  describe: (code: string) => string,
): Glance {
  const times = orders.map(({ placedAt }) => placedAt).filter((time) => time !== '');
  const days = [...new Set(times.map((time) => time.slice(0, 10)))].sort(compare);
  const unit = days.length > 1 ? 'day' : 'hour';
  const labelOf = (time: string): string =>
    unit === 'day' ? time.slice(0, 10) : `${time.slice(11, 13)}:00`;
  const buckets = new Map<string, Bucket>(
    labels(times.map(labelOf), unit).map((label) => [
      label,
      { label, confirmed: 0, rejected: 0, cancelled: 0, revenuePence: 0 },
    ]),
  );
  const reasons = new Map<string, number>();
  for (const { state, placedAt, totalPence, reason } of orders) {
    const kind = kindOf(state);
    const bucket = buckets.get(labelOf(placedAt));
    if (bucket && kind) bucket[kind]++;
    if (bucket && kind === 'confirmed') bucket.revenuePence += totalPence;
    if (kind === 'rejected') {
      const known = reasonKind(reason ?? 'no reason given');
      reasons.set(known, (reasons.get(known) ?? 0) + 1);
    }
  }
  const count = (kind: string): number =>
    orders.filter(({ state }) => kindOf(state) === kind).length;
  const paid = orders.filter(({ state }) => kindOf(state) === 'confirmed');
  return {
    span: days.length > 1 ? `${days[0]} to ${days.at(-1)}` : (days[0] ?? ''),
    unit,
    buckets: [...buckets.values()],
    orders: orders.length,
    confirmed: paid.length,
    rejected: count('rejected'),
    cancelled: count('cancelled'),
    returns: returns.length,
    customers: new Set(orders.map(({ customer }) => customer).filter((id) => id !== null)).size,
    units: sum(stock.map(({ sold }) => sold)),
    revenuePence: sum(paid.map(({ totalPence }) => totalPence)),
    refundedPence: sum(returns.map(({ refundedPence }) => refundedPence)),
    creditPence: sum(returns.map(({ creditPence }) => creditPence)),
    movers: stock
      .filter(({ sold }) => sold > 0)
      .sort((a, b) => b.sold - a.sold || compare(a.code, b.code))
      .slice(0, MOVERS)
      .map(({ code, sold }) => ({ code, description: describe(code), sold })),
    reasons: mostFrequent(reasons),
  };
}

/** Reasons that differ in their stock code and figures alone are one. */
function reasonKind(reason: string): string {
  return / is short: \d+ on hand, \d+ wanted$/.test(reason) ? 'stock is short' : reason;
}

/** The most frequent, and the rest as one row. */
function mostFrequent(reasons: ReadonlyMap<string, number>): Glance['reasons'] {
  const sorted = [...reasons]
    .sort(([a, n], [b, m]) => m - n || compare(a, b))
    .map(([reason, count]) => ({ reason, count }));
  if (sorted.length <= REASONS) return sorted;
  const rest = sorted.slice(REASONS - 1);
  const other = { reason: 'other reasons', count: sum(rest.map((r) => r.count)) };
  return [...sorted.slice(0, REASONS - 1), other];
}

/** Every hour or day from the first to the last, so that a quiet one shows as a gap. */
function labels(found: readonly string[], unit: 'hour' | 'day'): string[] {
  const sorted = [...new Set(found)].sort(compare);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return [];
  if (unit === 'hour') {
    const from = Number(first.slice(0, 2));
    const hours = Number(last.slice(0, 2)) - from + 1;
    return Array.from({ length: hours }, (_, i) => `${String(from + i).padStart(2, '0')}:00`);
  }
  const from = Date.parse(`${first}T00:00:00Z`);
  const days = (Date.parse(`${last}T00:00:00Z`) - from) / DAY + 1;
  return Array.from({ length: days }, (_, i) =>
    new Date(from + i * DAY).toISOString().slice(0, 10),
  );
}
