/**
 * The soak of the model server: a model is swapped under load, threads are
 * killed and poison is sent meanwhile. A few swaps in npm test, 1,000 in
 * npm run test:all; memory is printed there.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { createInference } from '../../workers/inference/inference.ts';
import { makeRepository } from '../../workers/inference/onnx.fixture.ts';
import { ask, kill, putScale, watchThreads } from '../../workers/inference/swap.fixture.ts';

const all = process.env['TROUPE_TEST_ALL'] === '1';
const SWAPS = all ? 1000 : 20;
const KILL_EVERY = all ? 50 : 7;
const MB = 2 ** 20;
/** How far the memory that is left after a collection may grow from the first tenth on. */
const MOST_GROWTH_MB = 48;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * Resident memory less what V8 holds free for the main thread's garbage: that
 * space grows in steps with the load of the test and says nothing of models.
 */
function heldMB(): number {
  collect();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return (rss - heapTotal + heapUsed) / MB;
}

const POISON = [
  { x: new Float32Array(0) },
  { x: Float32Array.of(Number.NaN) },
  { x: new Float64Array(1) },
  { x: new Float32Array(100_000) },
  { y: Float32Array.of(1) },
  {},
];

it(`answers everything and nothing wrongly over ${SWAPS} swaps, kills and poison`, async () => {
  using watched = watchThreads();
  await using repository = await makeRepository();
  await putScale(repository, 1);
  await using models = await createInference({ repository: repository.path, workers: 2 });
  const load = ask(
    models,
    new Set(Array.from({ length: SWAPS + 1 }, (_, at) => String(at + 1))),
    8,
  );
  const samples: number[] = [];
  let kills = 0;
  let failedLoads = 0;
  for (let swap = 1; swap <= SWAPS; swap++) {
    const seen = load.tally.answered;
    await putScale(repository, swap + 1);
    const isKill = swap % KILL_EVERY === 0;
    // Loading reaches every thread, also one that has had no batch for a while.
    const killed = isKill ? kill([...watched.threads][swap % 2]!) : undefined;
    if (isKill) kills++;
    await models.load('scale').catch(async (error: { code: string }) => {
      expect(error.code).toBe('UNAVAILABLE');
      failedLoads++;
      await models.load('scale');
    });
    await killed;
    const poisoned = POISON.map((inputs) => models.predict('scale', inputs as never));
    for (const outcome of await Promise.allSettled(poisoned)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_ARGUMENT' } });
    }
    await vi.waitFor(() => expect(load.tally.answered).toBeGreaterThan(seen));
    if (swap % (SWAPS / 10) === 0) samples.push(heldMB());
  }
  const { answered, refused, wrong } = await load.stop();
  expect(wrong).toBe(0);
  expect([...refused.keys()].filter((code) => code !== 'UNAVAILABLE')).toEqual([]);
  // A killed thread takes at most what its one batch had.
  expect(refused.get('UNAVAILABLE') ?? 0).toBeLessThanOrEqual(kills * 8);
  const last = await models.predict('scale', { x: Float32Array.of(3) });
  expect(last).toMatchObject({ version: String(SWAPS + 1) });
  await vi.waitFor(() => expect(models.metrics().match(/nv_inference_count\{/g)).toHaveLength(1));
  const memory = samples.map((sample) => sample.toFixed(0)).join(' ');
  process.stdout.write(
    `${SWAPS} swaps, ${kills} kills, ${failedLoads} loads met a dying thread: ${answered} answered, ` +
      `${[...refused].map(([code, count]) => `${count} ${code}`).join(', ') || 'none refused'}; MB held by tenth: ${memory}\n`,
  );
  // A version that is not given back holds at least its session, some 0.3 MB, in every thread.
  if (all) expect(Math.max(...samples) - samples[0]!).toBeLessThan(MOST_GROWTH_MB);
});
