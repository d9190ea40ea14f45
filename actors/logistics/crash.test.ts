/** A day of orders and deliveries, with a crash at every one of its turns. */
import { TroupeError } from 'troupe/actor';
import { createTestHost, type TestHost } from 'troupe/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
import { SITE, UK } from './depot.fixture.ts';

let pool: Pool;
beforeAll(() => {
  pool = createPool({ workers: 1 });
  return pool.ready();
});
afterAll(() => pool.close());

const ORDERS = ['1', '2', '3'];
const depotOf = (host: TestHost) => host.ref<DepotApi>('Depot', UK);

/** Each step once the one before has come to rest; a driver repeats it from the start after a crash. */
const DAY: readonly ((host: TestHost) => Promise<unknown>)[] = [
  (host) => openStock(host, { a: 10 }),
  ...ORDERS.map(
    (id) => (host: TestHost) => order(host, id).create(invoice(null, [line('a', 1, '1')])),
  ),
  (host) => depotOf(host).close({ orders: ORDERS }),
  (host) => order(host, '2').cancel({ reason: 'changed my mind' }),
  (host) => host.clock.advance('1s'),
  async (host) => {
    const { vehicle } = await depotOf(host).eta({ orderId: '3' });
    await depotOf(host).depart({ vehicle, at: '2010-12-02 08:30' });
  },
];

async function runDay(host: TestHost, stopped: () => boolean = () => false): Promise<void> {
  for (const step of DAY) {
    await step(host);
    await host.settled();
    if (stopped()) return;
  }
}

type When = 'before' | 'after';

/** Runs the day with one crash at turn `at`: before its method, or after it and before its commit. */
async function runWithCrash(crash?: { at: number; when: When }) {
  let [turns, isArmed, didCrash] = [0, true, false];
  const crashed = Promise.withResolvers<void>();
  const crashAt = (turn: number, when: When): void => {
    if (!isArmed || turn !== crash?.at || when !== crash.when) return;
    [isArmed, didCrash] = [false, true];
    // The turn must not wait for the crash: closing the broker waits for the turns it delivers.
    host.crash().then(crashed.resolve, crashed.reject);
    throw new TroupeError('UNAVAILABLE', 'the host has crashed');
  };
  const logistics = createLogistics({
    planner: { plan: (input, options) => planRoutes(pool, input, options) },
    depots: {
      uk: { ...SITE, budget: { iterations: 20 }, plans: 'when closed', compare: true },
    },
    locate: hashPlace,
  });
  const host: TestHost = await createTestHost({
    actors: [...shopActors, ...logisticsActors],
    services: { payments: createHashPaymentProvider({ declineRate: 0 }), logistics },
    interceptors: [
      {
        incoming: async ({ actor }, next) => {
          const isOurs = actor.type === 'Depot' || actor.type === 'RoutePlanner';
          if (isArmed && isOurs) turns += 1;
          const turn = isOurs ? turns : -1;
          crashAt(turn, 'before');
          const answer = await next();
          crashAt(turn, 'after');
          return answer;
        },
      },
    ],
  });
  await using _ = host;
  const day = runDay(host, () => didCrash).catch((error: unknown) => {
    if (!didCrash) throw error;
  });
  await Promise.race([day, crashed.promise]);
  isArmed = false;
  if (didCrash) {
    await crashed.promise;
    await host.restart();
    await host.settled();
    await runDay(host);
  }
  const orders = await Promise.all(ORDERS.map((id) => order(host, id).status()));
  return {
    plan: await depotOf(host).plan(),
    stops: await depotOf(host).stops(),
    orders: orders.map(({ changedAt: _at, ...rest }) => rest),
    outbox: host.system.stats().pendingOutbox,
    turns,
    didCrash,
  };
}

describe('a day of deliveries that crashes', () => {
  it.each(['before', 'after'] as const)(
    'at any turn of the depot and its planner, %s its method, ends as if it had not',
    { timeout: 60_000 },
    async (when) => {
      const { turns, ...calm } = await runWithCrash();
      expect(calm.plan).toMatchObject({ version: 3, stops: 2, state: 'planned', unserved: [] });
      expect(calm.orders.map(({ delivery }) => typeof delivery?.eta)).toEqual([
        'string',
        'undefined',
        'string',
      ]);
      expect(turns).toBeGreaterThan(10);
      for (let at = 1; at <= turns; at++) {
        const { turns: _, ...treated } = await runWithCrash({ at, when });
        expect({ at, ...treated }).toEqual({ at, ...calm, didCrash: true });
      }
    },
  );
});
