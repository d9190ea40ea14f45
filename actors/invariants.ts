/**
 * What must hold of the shop, checked over snapshots and nothing else, so that
 * the checker shares no code with what it checks. Some of it holds at any
 * moment, the rest once nothing is on its way.
 */

export interface OrderRow {
  readonly id: string;
  readonly state: string;
  readonly totalPence: number;
  readonly refundedPence: number;
  readonly lines: readonly { readonly stockCode: string; readonly quantity: number }[];
}

export interface ReturnRow {
  readonly id: string;
  readonly state: string;
  readonly totalPence: number;
  readonly refundedPence: number;
  readonly creditPence: number;
  readonly lines: readonly {
    readonly stockCode: string;
    readonly quantity: number;
    readonly matched: readonly {
      readonly orderId: string;
      readonly quantity: number;
      readonly amountPence: number;
    }[];
  }[];
}

export interface StockRow {
  readonly code: string;
  readonly initial: number;
  readonly onHand: number;
  readonly reserved: number;
  readonly sold: number;
  readonly returned: number;
}

export interface LedgerRow {
  readonly account: string;
  readonly orderId: string;
  readonly amountPence: number;
  /** Idempotency key of the operation. */
  readonly operation: string;
}

export interface ShopSnapshot {
  readonly orders: readonly OrderRow[];
  readonly returns: readonly ReturnRow[];
  readonly stock: readonly StockRow[];
  readonly ledger: readonly LedgerRow[];
  /** Durable sends not delivered yet. */
  readonly outboxPending: number;
  /** Durable sends that were given up and parked. Default 0. */
  readonly outboxParked?: number;
}

export interface InvariantResult {
  readonly name: string;
  readonly ok: boolean;
  /** How many things were looked at. */
  readonly checked: number;
  /** One sentence each, at most 20; `violationCount` counts all. */
  readonly violations: readonly string[];
  readonly violationCount: number;
}

interface Finding {
  readonly checked: number;
  readonly violations: readonly string[];
}

const MOST_TOLD = 20;
const SOLD = new Set(['confirmed', 'shipped', 'delivered', 'returned']);
const ENDED = new Set([...SOLD, 'rejected', 'cancelled']);

function add(sums: Map<string, number>, key: string, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount);
}

function sums(rows: readonly LedgerRow[], keyOf: (row: LedgerRow) => string | undefined) {
  const result = new Map<string, number>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key !== undefined) add(result, key, row.amountPence);
  }
  return result;
}

function stockBalances({ stock }: ShopSnapshot): Finding {
  const violations = stock
    .filter((s) => s.initial !== s.onHand + s.reserved + s.sold - s.returned)
    .map(
      (s) =>
        `${s.code}: initial ${s.initial} is not ${s.onHand} on hand + ${s.reserved} reserved + ${s.sold} sold - ${s.returned} returned`,
    );
  return { checked: stock.length, violations };
}

function stockNeverNegative({ stock }: ShopSnapshot): Finding {
  const violations = stock.flatMap((s) =>
    (['initial', 'onHand', 'reserved', 'sold', 'returned'] as const)
      .filter((figure) => !(s[figure] >= 0))
      .map((figure) => `${s.code}: ${figure} is ${s[figure]}`),
  );
  return { checked: stock.length, violations };
}

function ledgerSumsToZero({ ledger }: ShopSnapshot): Finding {
  const byOperation = sums(ledger, (row) => `${row.orderId} ${row.operation}`);
  const violations = [...byOperation]
    .filter(([, sum]) => sum !== 0)
    .map(([operation, sum]) => `${operation}: the postings sum to ${sum} pence`);
  return { checked: ledger.length, violations };
}

function oneEffectAKey({ ledger }: ShopSnapshot): Finding {
  const seen = new Set<string>();
  const captures = new Map<string, number>();
  const violations: string[] = [];
  for (const { account, orderId, operation } of ledger) {
    const key = `${orderId} ${operation} ${account}`;
    if (seen.has(key)) violations.push(`${key} was posted more than once`);
    seen.add(key);
    if (account === 'sales') add(captures, orderId, 1);
  }
  for (const [orderId, count] of captures) {
    if (count > 1) violations.push(`${orderId} was charged ${count} times`);
  }
  return { checked: ledger.length, violations };
}

function neverMoreRefundedThanCaptured({ ledger }: ShopSnapshot): Finding {
  const cash = sums(ledger, (row) => (row.account === 'cash' ? row.orderId : undefined));
  const violations = [...cash]
    .filter(([, left]) => left < 0)
    .map(([orderId, left]) => `${orderId}: ${-left} pence more were refunded than captured`);
  return { checked: cash.size, violations };
}

/** What the shop may keep of an order, from its state and the returns, and not from what the order says of itself. */
function capturedLessRefundedIsDue({ orders, returns, ledger }: ShopSnapshot): Finding {
  const cash = sums(ledger, (row) => (row.account === 'cash' ? row.orderId : undefined));
  const taken = sums(ledger, (row) => (row.account === 'sales' ? row.orderId : undefined));
  const refunded = sums(ledger, (row) => (row.account === 'refunds' ? row.orderId : undefined));
  const matched = new Map<string, number>();
  for (const match of returns.flatMap(({ lines }) => lines.flatMap((line) => line.matched))) {
    add(matched, match.orderId, match.amountPence);
  }
  const violations: string[] = [];
  for (const { id, state, totalPence, refundedPence } of orders) {
    const due = SOLD.has(state) ? totalPence - (matched.get(id) ?? 0) : 0;
    const kept = cash.get(id) ?? 0;
    if (kept !== due) violations.push(`${id} (${state}): ${due} pence are due, ${kept} are kept`);
    const captured = -(taken.get(id) ?? 0);
    if (captured !== 0 && captured !== totalPence) {
      violations.push(`${id}: ${captured} pence were captured of ${totalPence}`);
    }
    const back = refunded.get(id) ?? 0;
    if (back !== refundedPence) {
      violations.push(`${id}: it says ${refundedPence} pence refunded, the ledger ${back}`);
    }
  }
  const known = new Set(orders.map(({ id }) => id));
  for (const orderId of cash.keys()) {
    if (!known.has(orderId)) violations.push(`${orderId}: money moved, but there is no such order`);
  }
  return { checked: orders.length, violations };
}

function returnsAreSettledInFull({ returns, ledger }: ShopSnapshot): Finding {
  const credited = sums(ledger, (row) =>
    row.account === 'credit-notes' ? row.orderId : undefined,
  );
  const violations: string[] = [];
  for (const { id, state, totalPence, refundedPence, creditPence, lines } of returns) {
    if (state !== 'settled' && state !== 'rejected') violations.push(`${id} is still ${state}`);
    if (state === 'settled' && refundedPence + creditPence !== totalPence) {
      violations.push(
        `${id}: ${refundedPence} refunded + ${creditPence} credited is not ${totalPence}`,
      );
    }
    const matched = lines.flatMap((line) => line.matched.map(({ amountPence }) => amountPence));
    const sum = matched.reduce((total, pence) => total + pence, 0);
    if (sum !== refundedPence)
      violations.push(`${id}: its matches sum to ${sum}, not ${refundedPence}`);
    const note = -(credited.get(id) ?? 0);
    if (note !== creditPence) {
      violations.push(`${id}: it says ${creditPence} pence credited, the ledger ${note}`);
    }
  }
  return { checked: returns.length, violations };
}

function everyOrderEnds({ orders }: ShopSnapshot): Finding {
  const violations = orders
    .filter(({ state }) => !ENDED.has(state))
    .map(({ id, state }) => `${id} is still ${state}`);
  return { checked: orders.length, violations };
}

function noOrphanReservation({ stock }: ShopSnapshot): Finding {
  const violations = stock
    .filter(({ reserved }) => reserved !== 0)
    .map(({ code, reserved }) => `${code}: ${reserved} units are reserved for nobody`);
  return { checked: stock.length, violations };
}

/** Goods gone (sold less returned) are those of sold orders less what returns brought back. */
function soldIsWhatOrdersTook({ orders, returns, stock }: ShopSnapshot): Finding {
  const gone = new Map<string, number>();
  const soldOrders = new Set<string>();
  for (const { id, state, lines } of orders) {
    if (!SOLD.has(state)) continue;
    soldOrders.add(id);
    for (const { stockCode, quantity } of lines) add(gone, stockCode, quantity);
  }
  for (const { stockCode, quantity, matched } of returns
    .filter(({ state }) => state === 'settled')
    .flatMap(({ lines }) => lines)) {
    add(gone, stockCode, -quantity);
    for (const match of matched) {
      if (!soldOrders.has(match.orderId)) add(gone, stockCode, match.quantity);
    }
  }
  const known = new Set(stock.map(({ code }) => code));
  const violations = stock
    .filter(({ code, sold, returned }) => sold - returned !== (gone.get(code) ?? 0))
    .map(
      ({ code, sold, returned }) =>
        `${code}: ${sold} sold - ${returned} returned, but orders and returns say ${gone.get(code) ?? 0}`,
    );
  for (const code of gone.keys()) {
    if (!known.has(code)) violations.push(`${code}: orders took it, but there is no such stock`);
  }
  return { checked: stock.length, violations };
}

function emptyOutbox({ outboxPending, outboxParked = 0 }: ShopSnapshot): Finding {
  const violations: string[] = [];
  if (outboxPending !== 0) violations.push(`${outboxPending} durable sends are not delivered`);
  if (outboxParked !== 0) violations.push(`${outboxParked} durable sends were parked`);
  return { checked: 1, violations };
}

const AT_ANY_MOMENT: Readonly<Record<string, (snapshot: ShopSnapshot) => Finding>> = {
  'initial = on hand + reserved + sold - returned': stockBalances,
  'stock is never negative': stockNeverNegative,
  'the ledger sums to zero': ledgerSumsToZero,
  'one effect per idempotency key': oneEffectAKey,
  'never more refunded than captured': neverMoreRefundedThanCaptured,
};

const ONCE_SETTLED: Readonly<Record<string, (snapshot: ShopSnapshot) => Finding>> = {
  'captured - refunded = amount due': capturedLessRefundedIsDue,
  'refunded + credited = value of the return': returnsAreSettledInFull,
  'every order reaches a terminal state': everyOrderEnds,
  'no orphan reservation': noOrphanReservation,
  'sold - returned = what orders took': soldIsWhatOrdersTook,
  'the outbox is empty': emptyOutbox,
};

/**
 * Checks every invariant of the shop. With `settled` (default true) those too
 * that hold only once nothing is on its way. The rows of one snapshot must have
 * been read at one moment; at any moment but the end, read each actor's own
 * rows together.
 */
export function checkInvariants(
  snapshot: ShopSnapshot,
  options: { settled?: boolean } = {},
): InvariantResult[] {
  const { settled = true } = options;
  const checks = { ...AT_ANY_MOMENT, ...(settled ? ONCE_SETTLED : {}) };
  return Object.entries(checks).map(([name, check]) => {
    const { checked, violations } = check(snapshot);
    return {
      name,
      ok: violations.length === 0,
      checked,
      violations: violations.slice(0, MOST_TOLD),
      violationCount: violations.length,
    };
  });
}
