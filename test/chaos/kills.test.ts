/** The order day, killed at moments of its progress and started again each time: ten in the long form. */
import { describe, expect, it } from 'vitest';
import {
  ALL,
  GENERATED_DAY,
  killAt,
  nextMoment,
  NO_REAL_DAYS,
  openWorkshop,
  REAL_DAYS,
  rowsIn,
  type Workshop,
} from './order-day.fixture.ts';
import { createDice, seedOfRun } from './random.ts';

const KILLS = ALL ? 10 : 3;
const REASON = NO_REAL_DAYS ? ` (${NO_REAL_DAYS})` : '';
const SCARCE = ['--opening-stock', '50', '--concurrency', '64'];

interface Treated {
  readonly calm: Awaited<ReturnType<Workshop['finish']>>;
  readonly last: Awaited<ReturnType<Workshop['finish']>>;
}

/** A calm run, and one that is killed so many times on its way. */
async function treat(
  workshop: Workshop,
  { seed, times, args }: { seed: number; times: number; args: readonly string[] },
): Promise<Treated> {
  const dice = createDice(seed);
  const calm = await workshop.finish('calm', ...args, '--report', workshop.at('calm'));
  const rows = rowsIn(workshop.at('calm.db'));
  const kills = [];
  for (let left = times; left > 0; left--) {
    const done = rowsIn(workshop.at('killed.db'));
    kills.push(await killAt(workshop, 'killed', nextMoment(dice, done, rows, left), args));
  }
  for (const { before, rows: at, endedBy } of kills) {
    expect(endedBy, 'it was alive').toBe('SIGKILL');
    expect(at, 'it had made progress').toBeGreaterThan(before);
    expect(at, 'it was not done').toBeLessThan(rows);
  }
  const last = await workshop.finish('killed', ...args, '--report', workshop.at('killed'));
  expect(last.continued, 'the last run goes on from the one before').toBe(true);
  expect(last.durableTurns, 'and has something left to do').toBeGreaterThan(0);
  expect(last.durableTurns).toBeLessThan(calm.durableTurns);
  return { calm, last };
}

async function seeded(run: (workshop: Workshop, seed: number) => Promise<void>): Promise<void> {
  const seed = seedOfRun();
  await using workshop = await openWorkshop();
  try {
    await run(workshop, seed);
  } catch (error) {
    throw new Error(`with TROUPE_TEST_SEED=${seed}: ${String(error)}`, { cause: error });
  }
}

describe.concurrent('killed and started again', () => {
  it(`the generated day, ${KILLS} times, ends with the files of a calm run, byte by byte`, () =>
    seeded(async (workshop, seed) => {
      await treat(workshop, { seed, times: KILLS, args: ['--orders', GENERATED_DAY] });
      expect(await workshop.report('killed')).toEqual(await workshop.report('calm'));
    }));

  it.skipIf(!ALL || NO_REAL_DAYS !== undefined)(
    `all real days, ${KILLS} times, end with the files of a calm run, byte by byte${REASON}`,
    () =>
      seeded(async (workshop, seed) => {
        await treat(workshop, { seed, times: KILLS, args: ['--orders', REAL_DAYS] });
        expect(await workshop.report('killed')).toEqual(await workshop.report('calm'));
      }),
  );

  it.skipIf(ALL && NO_REAL_DAYS !== undefined)(
    `with scarce stock, ${KILLS} times, every invariant holds, no order is lost and none charged twice${ALL ? REASON : ''}`,
    () =>
      seeded(async (workshop, seed) => {
        const orders = ALL ? REAL_DAYS : GENERATED_DAY;
        const { calm, last } = await treat(workshop, {
          seed,
          times: KILLS,
          args: ['--orders', orders, ...SCARCE],
        });
        expect(last.ok).toBe(true);
        expect(last.invariants.filter(({ ok, checked }) => !ok || checked === 0)).toEqual([]);
        expect(last.rejections['stock is short'] ?? 0).toBeGreaterThan(0);
        expect(last.orders).toBe(calm.orders);
        expect(last.confirmed + last.rejected).toBe(last.orders);
        const { 'orders.jsonl': rows, 'ledger.jsonl': ledger } = await workshop.report('killed');
        expect(idsOf(rows!)).toEqual(idsOf((await workshop.report('calm'))['orders.jsonl']!));
        expect(chargedTwice(rows!, ledger!)).toEqual([]);
      }),
  );
});

function parsed<T>(text: string): T[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

const idsOf = (orders: string): string[] => parsed<{ id: string }>(orders).map(({ id }) => id);

/** Orders whose sales in the ledger are not exactly their total: rejected ones have none. */
function chargedTwice(orders: string, ledger: string): string[] {
  const sold = new Map<string, number>();
  for (const { account, orderId, amountPence } of parsed<{
    account: string;
    orderId: string;
    amountPence: number;
  }>(ledger)) {
    if (account === 'sales') sold.set(orderId, (sold.get(orderId) ?? 0) - amountPence);
  }
  return parsed<{ id: string; state: string; totalPence: number }>(orders)
    .filter(({ state }) => state === 'confirmed' || state === 'rejected')
    .filter(({ id, state, totalPence }) => {
      return (sold.get(id) ?? 0) !== (state === 'confirmed' ? totalPence : 0);
    })
    .map(({ id }) => id);
}
