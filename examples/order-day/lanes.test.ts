import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runInLanes } from './lanes.ts';

interface Item {
  readonly id: number;
  readonly who?: string;
}

const ITEMS: Item[] = Array.from({ length: 200 }, (_, id) =>
  id % 5 === 0 ? { id } : { id, who: `c${id % 7}` },
);

test('items of one lane run one after the other in their order, and no more than the limit at once', async () => {
  const underWay = new Map<string, number>();
  const seen = new Map<string, number[]>();
  let now = 0;
  let most = 0;
  await runInLanes(ITEMS, {
    lane: (item) => item.who,
    concurrency: 6,
    run: async ({ id, who }) => {
      most = Math.max(most, ++now);
      if (who !== undefined) {
        expect(underWay.get(who) ?? 0).toBe(0);
        underWay.set(who, 1);
        seen.set(who, [...(seen.get(who) ?? []), id]);
      }
      for (let step = 0; step < id % 4; step++) await setImmediate();
      if (who !== undefined) underWay.set(who, 0);
      now--;
    },
  });
  expect(most).toBe(6);
  for (const ids of seen.values()) expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  expect([...seen.values()].flat().length).toBe(ITEMS.filter((item) => item.who).length);
});

test('the first failure is thrown once what was under way has ended, and nothing more starts', async () => {
  const started: number[] = [];
  const run = runInLanes(ITEMS, {
    lane: (item) => item.who,
    concurrency: 2,
    run: async ({ id }) => {
      started.push(id);
      await setImmediate();
      if (id === 0) throw new Error('no stock book');
    },
  });
  await expect(run).rejects.toThrow('no stock book');
  expect(started.length).toBeLessThan(6);
});

test('an abort lets what is under way end and starts nothing more', async () => {
  const stop = new AbortController();
  let started = 0;
  let ended = 0;
  await runInLanes(ITEMS, {
    lane: (item) => item.who,
    concurrency: 3,
    signal: stop.signal,
    run: async () => {
      if (++started === 10) stop.abort();
      await setImmediate();
      ended++;
    },
  });
  expect(started).toBeLessThan(14);
  expect(ended).toBe(started);
});
