/** The shop over a store that fails at random, and what its invariants catch when dedupe is off. */
import { expect, it } from 'vitest';
import { createStorm, openFaulty } from './faulty-store.ts';
import { createDice, seedOfRun } from './random.ts';
import { brokenInvariants, shopOptions, trade } from './shop.fixture.ts';

const SEEDS = process.env['TROUPE_TEST_ALL'] === '1' ? 200 : 20;
const WEATHER = { before: 0.06, after: 0.06, reads: 0.02 };

/** Trades under a failing store, with a crash on the way in every other run, and gives what is broken in the end. */
async function stormyDay(
  seed: number,
  dedupe: boolean,
): Promise<{ broken: string[]; failed: number }> {
  const dice = createDice(seed);
  const storm = createStorm(dice, WEATHER);
  await using host = await openFaulty({ ...shopOptions(), dedupe }, storm);
  storm.begin();
  await trade(host, dice);
  if (dice.falls(0.5)) await host.clock.advance('10s');
  storm.calm();
  if (dice.falls(0.5)) await host.restart();
  await host.clock.advance('2h');
  const { before, after, reads } = storm.failed;
  return { broken: await brokenInvariants(host), failed: before + after + reads };
}

it(`over ${SEEDS} seeds every order ends, every invariant holds and no message is lost`, async () => {
  const first = seedOfRun();
  let failures = 0;
  for (let seed = first; seed < first + SEEDS; seed++) {
    const { broken, failed } = await stormyDay(seed, true);
    expect(broken, `with TROUPE_TEST_SEED=${seed}`).toEqual([]);
    failures += failed;
  }
  expect(failures, 'the store did fail').toBeGreaterThan(SEEDS);
});

it('negative control: with dedupe switched off the same invariants are broken', async () => {
  let caught = 0;
  for (let seed = 1; seed <= 10; seed++) {
    if ((await stormyDay(seed, false)).broken.length > 0) caught++;
  }
  expect(caught).toBeGreaterThan(0);
});
