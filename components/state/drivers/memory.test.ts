import { describe, expect, it } from 'vitest';
import { createTestClock, testOptions } from '../../test-clock.ts';
import { stateConformance } from '../conformance/suite.ts';
import { STATE_FEATURES } from '../conformance/subject.ts';
import { driver } from './memory.ts';

const context = { signal: new AbortController().signal };

stateConformance({
  name: 'state.in-memory',
  create: (clock) => driver.create(testOptions('state.in-memory', {}, clock), context),
  features: STATE_FEATURES,
});

describe('state.in-memory', () => {
  it('is not created when that was cancelled', async () => {
    const creation = driver.create(testOptions('state.in-memory', {}), {
      signal: AbortSignal.abort(),
    });
    await expect(creation).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('keeps a large index in order while rows come and go', async () => {
    const clock = createTestClock();
    await using store = await driver.create(testOptions('state.in-memory', {}, clock), context);
    const scores = new Map<string, number>();
    let random = 12_345;
    for (let i = 0; i < 20_000; i++) {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      const key = `k${random % 3_000}`;
      if (random % 4 === 0) {
        await store.apply({ kind: 'delete', key, index: 'x' });
        scores.delete(key);
      } else {
        const score = random % 977;
        await store.apply({ kind: 'set', key, value: '1', index: { name: 'x', score } });
        scores.set(key, score);
      }
    }
    const found = await store.range({ index: 'x', limit: 100_000 });
    const expected = [...scores].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
    expect(found.map((item) => [item.key, item.score])).toEqual(expected);
  });
});
