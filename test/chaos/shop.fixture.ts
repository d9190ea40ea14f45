/**
 * A small shop in the test's own process: the customers ask again whatever
 * failed for a moment, as real ones would, until each has an answer.
 */
import {
  checkInvariants,
  createHashPaymentProvider,
  shopActors,
  type ShopServices,
} from '../../actors/index.ts';
import { inventory, invoice, line, order, returns, snapshotOf } from '../../actors/testing.ts';
import { isActorError, isTroupeError } from '../../runtime/core/errors.ts';
import type { TestHost } from '../../runtime/testing/index.ts';
import type { Dice } from './random.ts';

export const CODES = ['a', 'b', 'c', 'd'];
export const ORDERS = Array.from({ length: 12 }, (_, i) => `${i + 1}`);
export const RETURNS = ['C1', 'C2'];

export function shopOptions(): { actors: typeof shopActors; services: ShopServices } {
  return {
    actors: shopActors,
    services: { payments: createHashPaymentProvider({ declineRate: 0.2 }) },
  };
}

/** A customer gives up after so many failures in a row. */
const PATIENCE = 200;

/** Asks until there is an answer of the shop itself. */
async function persist<T>(ask: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (isActorError(error)) return undefined;
      if (!isTroupeError(error) || !/UNAVAILABLE|COMPONENT|FENCED/.test(error.code)) throw error;
      if (tries > PATIENCE) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Opens the stock and brings every order and return in, many at once. */
export async function trade(host: TestHost, dice: Dice): Promise<void> {
  const goods = (): ReturnType<typeof line>[] =>
    CODES.filter(() => dice.falls(0.6))
      .concat('a')
      .map((code) => line(code, dice.between(1, 3), '1.25'));
  const requests = ORDERS.map(() => invoice(dice.falls(0.5) ? 'x' : 'y', goods()));
  const back = RETURNS.map(() => invoice('x', goods()));
  await Promise.all(
    CODES.map((code) => persist(() => inventory(host, code).open({ initial: 15 }))),
  );
  await Promise.all(ORDERS.map((id, i) => persist(() => order(host, id).create(requests[i]!))));
  await Promise.all(RETURNS.map((id, i) => persist(() => returns(host, id).create(back[i]!))));
}

/** What is broken in a shop that has come to rest. */
export async function brokenInvariants(host: TestHost): Promise<string[]> {
  const { pendingOutbox, parkedMessages } = host.system.stats();
  const snapshot = await snapshotOf(host, {
    orders: ORDERS,
    returns: RETURNS,
    codes: CODES,
    outboxPending: pendingOutbox + parkedMessages,
  });
  const underWay = snapshot.orders.filter(
    ({ state }) => !['confirmed', 'rejected', 'returned', 'cancelled'].includes(state),
  );
  return [
    ...checkInvariants(snapshot).flatMap(({ violations }) => violations),
    ...underWay.map(({ id, state }) => `order ${id} has stayed ${state}`),
  ];
}
