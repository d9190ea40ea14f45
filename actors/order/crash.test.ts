import { TroupeError } from 'troupe/actor';
import { createTestHost, type TestHost } from 'troupe/test';
import { describe, expect, it } from 'vitest';
import {
  checkInvariants,
  createHashPaymentProvider,
  type ShopSnapshot,
  shopActors,
} from '../index.ts';
import { invoice, line, openStock, order, returns, snapshotOf } from '../testing.ts';

const CODES = ['a', 'b'];
const ORDERS = ['1', '2', '3'];
const RETURNS = ['C4'];

const SOLD = [line('a', 2, '1.50'), line('b', 1, '1.00')];
const BACK = [line('a', 2, '1.50'), line('b', 2, '1.00')];

/** One customer's day, each step once the one before has come to rest; a driver repeats it from the start after a crash. */
const DAY: readonly ((host: TestHost) => Promise<unknown>)[] = [
  (host) => openStock(host, { a: 10, b: 1 }),
  (host) => order(host, '1').create(invoice('c', SOLD)),
  (host) => order(host, '2').create(invoice('c', SOLD)),
  (host) => order(host, '3').create(invoice('c', [line('a', 1, '1.50')])),
  (host) => returns(host, 'C4').create(invoice('c', BACK)),
  (host) => order(host, '3').cancel({ reason: 'changed my mind' }),
];

async function runDay(host: TestHost): Promise<void> {
  for (const step of DAY) {
    await step(host);
    await host.settled();
  }
}

type When = 'before' | 'after';

/** Runs the day with one crash at turn `at`: before its method, or after it and before its commit. */
async function runWithCrash(crash?: { at: number; when: When }) {
  let turns = 0;
  let armed = true;
  let didCrash = false;
  const crashed = Promise.withResolvers<void>();
  const crashAt = (turn: number, when: When): void => {
    if (!armed || turn !== crash?.at || when !== crash.when) return;
    armed = false;
    didCrash = true;
    // The turn must not wait for the crash: closing the broker waits for the turns it delivers.
    host.crash().then(crashed.resolve, crashed.reject);
    throw new TroupeError('UNAVAILABLE', 'the host has crashed');
  };
  const host: TestHost = await createTestHost({
    actors: shopActors,
    services: { payments: createHashPaymentProvider({ declineRate: 0 }) },
    interceptors: [
      {
        incoming: async (_call, next) => {
          if (armed) turns += 1;
          const turn = turns;
          crashAt(turn, 'before');
          const answer = await next();
          crashAt(turn, 'after');
          return answer;
        },
      },
    ],
  });
  await using _ = host;
  const day = (async () => {
    for (const step of DAY) {
      await step(host);
      await host.settled();
      if (didCrash) return;
    }
  })();
  await Promise.race([
    day.catch((error: unknown) => {
      if (!didCrash) throw error;
    }),
    crashed.promise,
  ]);
  armed = false;
  if (didCrash) {
    await crashed.promise;
    await host.restart();
    await host.settled();
    await runDay(host);
  }
  const { pendingOutbox, parkedMessages } = host.system.stats();
  const outboxPending = pendingOutbox + parkedMessages;
  const ids = { orders: ORDERS, returns: RETURNS, codes: CODES, outboxPending };
  return { snapshot: withoutTimes(await snapshotOf(host, ids)), turns, didCrash };
}

function withoutTimes(snapshot: ShopSnapshot): ShopSnapshot {
  const text = JSON.stringify(snapshot, (key, value: unknown) => (key === 'changedAt' ? 0 : value));
  return JSON.parse(text) as ShopSnapshot;
}

describe('a day that crashes', async () => {
  const calm = await runWithCrash(undefined);

  it('is the day that was meant, when nothing crashes', () => {
    expect(checkInvariants(calm.snapshot).filter(({ ok }) => !ok)).toEqual([]);
    expect(calm.snapshot.orders.map(({ state, refundedPence }) => [state, refundedPence])).toEqual([
      ['confirmed', 250],
      ['rejected', 0],
      ['cancelled', 150],
    ]);
    expect(calm.snapshot.returns[0]).toMatchObject({ refundedPence: 400, creditPence: 100 });
  });

  const points = Array.from({ length: calm.turns }, (_, i) => i + 1);
  it.each(['before', 'after'] as const)(
    'at any turn, %s its method, ends as if it had not',
    { timeout: 60_000 },
    async (when) => {
      expect(points.length).toBeGreaterThan(40);
      for (const at of points) {
        const { snapshot, didCrash } = await runWithCrash({ at, when });
        expect({ at, didCrash, snapshot }).toEqual({ at, didCrash: true, snapshot: calm.snapshot });
      }
    },
  );
});

it.each([
  [true, []],
  [false, ['sold - returned = what orders took']],
])(
  'with dropping of repeated sends %s, a crash in the middle of a settlement breaks %j',
  async (dedupe, broken) => {
    let isDown = true;
    await using host = await createTestHost({
      actors: shopActors,
      dedupe,
      services: { payments: createHashPaymentProvider({ declineRate: 0 }) },
      interceptors: [
        {
          incoming: async ({ method }, next) => {
            if (isDown && method === 'creditNote')
              throw new TroupeError('UNAVAILABLE', 'out of reach');
            return next();
          },
        },
      ],
    });
    await openStock(host, { a: 10, b: 1 });
    await returns(host, 'C4').create(invoice(null, BACK));
    await host.settled();
    await host.crash();
    isDown = false;
    await host.restart();
    await host.settled();
    const outboxPending = host.system.stats().pendingOutbox;
    const ids = { orders: [], returns: RETURNS, codes: CODES, outboxPending };
    const results = checkInvariants(await snapshotOf(host, ids));
    expect(results.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(broken);
  },
);
