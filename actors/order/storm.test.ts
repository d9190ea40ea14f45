import fc from 'fast-check';
import { isActorError } from 'troupe/actor';
import { createTestHost, type TestHost } from 'troupe/test';
import { expect, it } from 'vitest';
import { checkInvariants, createHashPaymentProvider, shopActors } from '../index.ts';
import { invoice, line, openStock, order, returns, snapshotOf } from '../testing.ts';

const CODES = ['a', 'b', 'c'];
const ORDERS = Array.from({ length: 12 }, (_, i) => `${i + 1}`);
const RETURNS = ['C1', 'C2', 'C3', 'C4'];

const lines = fc.array(
  fc.tuple(
    fc.constantFrom(...CODES),
    fc.integer({ min: -1, max: 4 }),
    fc.constantFrom('1.00', '0.335', '0.0', '2.5'),
  ),
  { minLength: 1, maxLength: 4 },
);
const customer = fc.constantFrom('c', 'd', null);
const request = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('buy'), fc.constantFrom(...ORDERS), customer, lines),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant('return'), fc.constantFrom(...RETURNS), customer, lines),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constantFrom('cancel', 'ship', 'deliver', 'retry', 'settle', 'restart'),
      fc.constantFrom(...ORDERS),
      customer,
      lines,
    ),
  },
);
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

function ask(host: TestHost, [what, id, who, items]: Request): Promise<unknown> {
  const body = invoice(
    who,
    items.map(([code, quantity, price]) => line(code, quantity, price)),
  );
  if (what === 'buy') return order(host, id).create(body);
  if (what === 'return') return returns(host, id).create(body);
  if (what === 'cancel') return order(host, id).cancel({ reason: 'storm' });
  if (what === 'ship') return order(host, id).ship({ shipmentId: 's1' });
  if (what === 'deliver') return order(host, id).deliver();
  if (what === 'retry') return order(host, id).retry();
  return what === 'settle' ? host.settled() : host.restart();
}

/** Ids of those that were created. */
async function created(ids: readonly string[], get: (id: string) => Promise<unknown>) {
  const known: string[] = [];
  for (const id of ids) {
    if (
      await get(id).then(
        () => true,
        () => false,
      )
    )
      known.push(id);
  }
  return known;
}

it(
  'whatever is asked at once, and wherever it restarts, the invariants hold',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 40 }), async (requests) => {
        const payments = createHashPaymentProvider({ declineRate: 0.2 });
        await using host = await createTestHost({ actors: shopActors, services: { payments } });
        await openStock(host, { a: 5, b: 5, c: 5 });
        const unexpected: unknown[] = [];
        for (const one of requests) {
          const answer = ask(host, one).catch((error: unknown) => {
            if (!isActorError(error) && !/crashed|stopped/.test(String(error)))
              unexpected.push(error);
          });
          if (one[0] === 'settle' || one[0] === 'restart') await answer;
        }
        await host.settled();
        await host.clock.advance('1h');
        expect(unexpected).toEqual([]);
        const ids = {
          orders: await created(ORDERS, (id) => order(host, id).status()),
          returns: await created(RETURNS, (id) => returns(host, id).get()),
          codes: CODES,
          outboxPending: host.system.stats().pendingOutbox + host.system.stats().parkedMessages,
        };
        const results = checkInvariants(await snapshotOf(host, ids));
        expect(results.flatMap(({ violations }) => violations)).toEqual([]);
      }),
      { numRuns: 60, seed: 20101201 },
    );
  },
);
