/** From an order to its delivery and back, over events alone. */
import { createTestHost } from 'troupe/test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { planRoutes } from '../../workers/planning.ts';
import { createPool, type Pool } from '../../workers/pool.ts';
import {
  createHashPaymentProvider,
  createLogistics,
  hashPlace,
  logisticsActors,
  shopActors,
} from '../index.ts';
import { invoice, line, openStock, order } from '../testing.ts';
import type { DepotApi } from './api.ts';
import { DAY, SITE, UK } from './depot.fixture.ts';

let pool: Pool;
beforeAll(() => {
  pool = createPool({ workers: 1 });
  return pool.ready();
});
afterAll(() => pool.close());

const openShop = () =>
  createTestHost({
    actors: [...shopActors, ...logisticsActors],
    services: {
      payments: createHashPaymentProvider({ declineRate: 0 }),
      logistics: createLogistics({
        planner: { plan: (input, options) => planRoutes(pool, input, options) },
        depots: { uk: SITE },
        locate: hashPlace,
      }),
    },
  });

it('an order that is confirmed gets its time of arrival, one that is cancelled loses it, across restarts', async () => {
  await using host = await openShop();
  await openStock(host, { a: 100 });
  for (const id of ['1', '2', '3']) {
    await order(host, id).create(invoice(`c${id}`, [line('a', 30, '1.00')]));
  }
  await host.settled();
  expect(await order(host, '1').status()).not.toHaveProperty('delivery');
  await host.crash();
  await host.restart();
  await host.clock.advance('1s');

  const depot = host.ref<DepotApi>('Depot', UK);
  const { eta, vehicle } = await depot.eta({ orderId: '1' });
  expect(await order(host, '1').get()).toMatchObject({
    state: 'confirmed',
    delivery: { depot: 'uk', vehicle, eta },
  });
  expect(eta).toMatch(/^2010-12-02 \d\d:\d\d$/);
  expect((await depot.vehicles()).map(({ cartons }) => cartons)).toEqual([6]);

  await order(host, '2').cancel({ reason: 'changed my mind' });
  await host.settled();
  await host.clock.advance('1s');
  expect(await order(host, '2').get()).not.toHaveProperty('delivery');
  const stops = (await depot.vehicles()).flatMap((one) => one.stops);
  expect(stops.map(({ orderId }) => orderId).toSorted()).toEqual(['1', '3']);
  const told = await order(host, '1').status();
  expect(told.delivery).toEqual({ depot: 'uk', ...stopOf(stops, '1'), vehicle });
  expect(host.system.stats()).toMatchObject({ pendingOutbox: 0, parkedMessages: 0 });
});

it('an order that nobody can bring says why', async () => {
  await using host = await openShop();
  await openStock(host, { a: 1000 });
  await order(host, '1').create(invoice('c', [line('a', 400, '1.00')]));
  await order(host, '2').create(invoice('c', [line('a', 1, '1.00')], { country: 'Japan' }));
  await order(host, '3').create(invoice('c', [line('a', 2000, '1.00')]));
  await host.settled();
  await host.clock.advance('1s');
  expect(await order(host, '1').status()).toMatchObject({
    delivery: { depot: 'uk', reason: 'it has 17 cartons, and the largest vehicle takes 6' },
  });
  expect(await order(host, '2').status()).toMatchObject({
    delivery: { depot: 'elsewhere', reason: expect.stringContaining('nobody drives to Japan') },
  });
  expect(await order(host, '3').status()).toMatchObject({ state: 'rejected' });
  expect(await host.ref<DepotApi>('Depot', UK).plan()).toMatchObject({ stops: 1 });
});

it('news of an older plan, and news of an order that is not sold, change nothing', async () => {
  await using host = await openShop();
  await openStock(host, { a: 1 });
  await order(host, '1').create(invoice('c', [line('a', 1, '1.00')]));
  await order(host, '2').create(invoice('c', [line('a', 1, '1.00')]));
  await host.settled();
  await host.clock.advance('1s');
  const { delivery } = await order(host, '1').status();
  const tell = (orderId: string, version: number) =>
    host.system.publish('deliveries', {
      type: 'delivery.planned',
      ...{ orderId, depot: 'uk', version, vehicle: 'van-9', eta: `${DAY} 12:00` },
    });
  await tell('1', 0);
  await tell('2', 1);
  await tell('unheard-of', 1);
  await host.settled();
  expect((await order(host, '1').status()).delivery).toEqual(delivery);
  expect(await order(host, '2').status()).not.toHaveProperty('delivery');
  await tell('1', 2);
  await host.settled();
  expect((await order(host, '1').status()).delivery).toMatchObject({ vehicle: 'van-9' });
});

function stopOf(stops: readonly { orderId: string; eta: string }[], id: string) {
  const { eta } = stops.find(({ orderId }) => orderId === id)!;
  return { eta };
}
