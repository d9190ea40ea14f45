/**
 * A depot as a process: `node depot.fixture.ts FILE orders|none stuck|works`. It
 * brings orders in, closes the day, prints `searching` at each search, and its
 * plan as JSON in the end. A stuck planner never answers.
 */
import { createLogistics, hashPlace, logisticsActors } from '../../actors/index.ts';
import type { DepotApi } from '../../actors/logistics/api.ts';
import { component, createSystem } from '../../runtime/index.ts';
import { planRoutes } from '../../workers/planning.ts';
import { createPool } from '../../workers/pool.ts';

const ORDERS = ['1', '2', '3', '4', '5', '6'];
const [file = '', bring, planner] = process.argv.slice(2);

await using pool = createPool({ workers: 1 });
const logistics = createLogistics({
  planner: {
    plan(input, options) {
      process.stdout.write('searching\n');
      // Without the endless timer nothing would keep the process alive.
      if (planner === 'stuck') return new Promise(() => void setInterval(() => {}, 60_000));
      return planRoutes(pool, input, options);
    },
  },
  depots: {
    uk: {
      place: { lat: 52.8, lon: -1.3 },
      fleets: [{ name: 'van', vehicles: 6, capacity: 2 }],
      budget: { iterations: 200 },
      plans: 'when closed',
    },
  },
  locate: hashPlace,
});
await using system = await createSystem({
  actors: logisticsActors,
  services: { logistics },
  components: [
    component('statestore', 'state.sqlite', { connectionString: file, actorStateStore: 'true' }),
    component('pubsub', 'pubsub.in-memory'),
  ],
});
const depot = system.ref<DepotApi>('Depot', 'uk:2010-12-01');
if (bring === 'orders') {
  await depot.close({ orders: ORDERS });
  for (const orderId of ORDERS) {
    await system.publish('orders', {
      type: 'order.confirmed',
      ...{ orderId, customer: `c${orderId}`, country: 'United Kingdom' },
      ...{ placedAt: '2010-12-01 09:00:00', lines: [{ stockCode: 'a', quantity: 24 }] },
    });
  }
}
while ((await depot.plan()).stops < ORDERS.length) {
  await new Promise((resolve) => setImmediate(resolve));
}
await system.outboxIdle();
process.stdout.write(`${JSON.stringify(await depot.plan())}\n`);
