import { createTestHost } from 'troupe/test';
import { expect, it } from 'vitest';
import { type DayPlan, OrderDay, type OrderDayApi } from './day-actor.ts';

const PLAN: DayPlan = {
  fingerprint: 'abc',
  openingStock: 'ordered',
  declineRate: 0.01,
  delivers: true,
};

it('a run is continued with the plan that it was started with, across a restart', async () => {
  await using host = await createTestHost({ actors: [OrderDay] });
  const day = host.ref<OrderDayApi>('OrderDay', 'run');
  expect(await day.begin(PLAN)).toBe('started');
  await host.restart();
  expect(await day.begin(PLAN)).toBe('continued');
});

it.each([
  [{ fingerprint: 'abd' }, /the orders are others/],
  [{ openingStock: 5 }, /--opening-stock/],
  [{ declineRate: 0.02 }, /--decline-rate/],
])('with %j instead it is refused, and says why', async (change, message) => {
  await using host = await createTestHost({ actors: [OrderDay] });
  const day = host.ref<OrderDayApi>('OrderDay', 'run');
  await day.begin(PLAN);
  await expect(day.begin({ ...PLAN, ...change })).rejects.toThrow(message);
});

it('state of a version that did not deliver is not gone on from', async () => {
  await using host = await createTestHost({ actors: [OrderDay] });
  const day = host.ref<OrderDayApi>('OrderDay', 'run');
  const { delivers: _, ...old } = PLAN;
  await day.begin(old as DayPlan);
  await expect(day.begin(PLAN)).rejects.toThrow(/an earlier version .* without deliveries/);
});
