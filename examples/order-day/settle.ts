/**
 * What came out of a day once its last events have arrived. A broker outside
 * the process has taken an event when the outbox lets go of it, and delivers
 * it a little later: so what is read breaks a rule at first, and then not.
 */
import { setTimeout } from 'node:timers/promises';
import type { System } from 'troupe';
import { collectOutcome } from './outcome.ts';
import type { Roster } from './roster.ts';
import { collectDepots, verifyRoutes } from './routes-outcome.ts';
import { verify } from './verify.ts';

/** How long a broker may take to deliver the last events. */
const PATIENCE_MS = 30_000;
/** Nothing more comes once nothing has changed for so long: what is wrong then is wrong. */
const QUIET_MS = 8000;
const LOOK_EVERY_MS = 100;

export interface SettleOptions {
  readonly roster: Roster;
  readonly invoices: Parameters<typeof verify>[1]['invoices'];
  readonly signal: AbortSignal;
  /** Default 30 s. */
  readonly patienceMs?: number;
}

/** Reads until no rule is broken, nothing comes any more, or the patience is over. */
export async function settledOutcome(
  system: System,
  { roster, invoices, signal, patienceMs = PATIENCE_MS }: SettleOptions,
) {
  const until = performance.now() + patienceMs;
  let seen = { turns: -1, at: 0 };
  for (;;) {
    const [outcome, depots] = await Promise.all([
      collectOutcome(system, { roster, signal }),
      collectDepots(system, { roster, signal }),
    ]);
    const { pendingOutbox: pending, parkedMessages: parked, durableTurns: turns } = system.stats();
    const now = performance.now();
    if (turns !== seen.turns) seen = { turns, at: now };
    const verdicts = [
      ...verify(outcome, { invoices, outbox: { pending, parked } }),
      verifyRoutes(depots, outcome.orders),
    ];
    const isSettled = verdicts.every(({ violations }) => violations.length === 0);
    if (isSettled || now >= until || now - seen.at >= QUIET_MS) return { outcome, depots };
    await setTimeout(LOOK_EVERY_MS, undefined, { signal });
  }
}
