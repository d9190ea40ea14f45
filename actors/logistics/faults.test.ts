import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../workers/pool.ts';
import type { DepotApi, RoutePlannerApi } from './api.ts';
import { createGate, ids, openTrial, ringPlace, SITE, toursOf, UK } from './depot.fixture.ts';

let pool: Pool;
beforeAll(() => {
  pool = createPool({ workers: 1 });
  return pool.ready();
});
afterAll(() => pool.close());

describe('an answer that is wrong', () => {
  it.each([
    ['brings an order twice', /brings order o1 twice/],
    ['overloads a vehicle', /carries 12 cartons and takes 6/],
    ['has more routes than vehicles', /more routes than fleet van has vehicles/],
    ['stops where it was not asked to', /stops at o99/],
    ['is of another fleet', /more routes than fleet ship has vehicles/],
    ['the checker does not accept', /vehicle 1 flies/],
  ])('because it %s is refused by name; the plan there is stays', async (kind, message) => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate, {
      fleets: [{ name: 'van', vehicles: 4, capacity: 6 }],
    });
    const { depot, host } = trial;
    await trial.confirm(...ids(1, 11));
    await host.settled();
    await host.clock.advance('1s');
    const before = await toursOf(depot);
    gate.bend = (output) => {
      const route = (...stops: string[]) => ({ fleet: 'van', stops });
      switch (kind) {
        case 'brings an order twice':
          return { ...output, routes: [...output.routes.slice(1), route('o1'), route('o1')] };
        case 'overloads a vehicle':
          return { ...output, routes: [route(...ids(1, 12))] };
        case 'has more routes than vehicles':
          return { ...output, routes: ids(1, 12).map((id) => route(id)) };
        case 'stops where it was not asked to':
          return { ...output, routes: [route('o99')] };
        case 'is of another fleet':
          return { ...output, routes: [{ fleet: 'ship', stops: ['o1'] }] };
        default:
          return { ...output, feasible: false, problems: ['vehicle 1 flies'] };
      }
    };
    await trial.confirm('o12');
    await host.settled();
    await host.clock.advance('1s');
    const plan = await depot.plan();
    expect(plan.problem).toMatch(message);
    expect(plan).toMatchObject({ version: 1, state: 'waiting' });
    expect(await toursOf(depot)).toEqual(before);
    gate.bend = undefined;
    await host.clock.advance('1m');
    const mended = await depot.plan();
    expect(mended).toMatchObject({ version: 2, state: 'planned', stops: 12, unserved: [] });
    expect(mended.problem).toBeUndefined();
  });

  it('a planner that is overloaded is asked again soon', async () => {
    const gate = createGate(pool);
    await using full = createPool({ workers: 1, queue: 0 });
    let isFull = true;
    const planner = {
      plan: (...args: Parameters<typeof gate.plan>) =>
        isFull ? full.run('plan', args[0]) : gate.plan(...args),
    };
    await using trial = await openTrial(planner);
    await trial.confirm('o1');
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    expect(await trial.depot.plan()).toMatchObject({ state: 'planning' });
    isFull = false;
    await trial.host.clock.advance('1s');
    expect(await trial.depot.plan()).toMatchObject({ state: 'planned', version: 1 });
  });
});

describe('what comes from outside', () => {
  it('a place that cannot be asked for leaves its order unserved, until it can', async () => {
    let isDown = true;
    await using trial = await openTrial(createGate(pool), {}, async ({ orderId }) => {
      if (isDown && orderId === 'o2') throw new Error('no route to the map');
      return ringPlace(orderId);
    });
    const { depot, host } = trial;
    await trial.confirm('o1', 'o2', 'o3');
    await host.settled();
    await host.clock.advance('1s');
    expect(await depot.plan()).toMatchObject({
      stops: 3,
      unserved: [{ orderId: 'o2', reason: expect.stringMatching(/^nobody knows the place/) }],
    });
    isDown = false;
    await host.clock.advance('1m');
    expect(await depot.plan()).toMatchObject({ state: 'planned', version: 2, unserved: [] });
    expect(trial.told.get('o2')).toMatchObject({ type: 'delivery.planned' });
  });

  it.each([
    ['no event at all', 'text'],
    ['an event of another kind', { type: 'order.shipped', orderId: 'o1', country: 'France' }],
    ['an order without a name', { type: 'order.confirmed', orderId: '', lines: [] }],
    ['an order without lines', { type: 'order.confirmed', orderId: 'o1' }],
    ['an order of no amount', { type: 'order.confirmed', orderId: 'o1', lines: [{}] }],
  ])('%s changes nothing and stops nothing', async (_, data) => {
    await using trial = await openTrial(createGate(pool));
    const event =
      typeof data === 'string'
        ? data
        : { country: 'United Kingdom', placedAt: '2010-12-01 09:00:00', ...data };
    await trial.host.system.publish('orders', event);
    await trial.confirm('o5');
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    expect(await trial.depot.plan()).toMatchObject({ stops: 1, version: 1, state: 'planned' });
    expect(trial.host.logs).toEqual([]);
  });

  it('only a depot has its planner search', async () => {
    await using trial = await openTrial(createGate(pool));
    const planner = trial.host.ref<RoutePlannerApi>('RoutePlanner', UK);
    await expect(
      planner.search({ request: 1, input: { name: 'x', text: '{}' } }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN', status: 403 });
  });
});

describe('what is wrong', () => {
  it.each([
    [
      'a vehicle that there is not',
      'depart',
      { vehicle: 'van-7', at: '2010-12-02 08:00' },
      'NOT_FOUND',
    ],
    ['a time that is none', 'depart', { vehicle: 'van-1', at: 'soon' }, 'INVALID_DELIVERY'],
    [
      'a vehicle in the depot',
      'pass',
      { vehicle: 'van-1', orderId: 'o1', at: '2010-12-02 09:00' },
      'WRONG_STATE',
    ],
    [
      'an order of another',
      'pass',
      { vehicle: 'van-1', orderId: 'o7', at: '2010-12-02 09:00' },
      'NOT_FOUND',
    ],
    ['an order never heard of', 'eta', { orderId: 'o7' }, 'NOT_FOUND'],
    ['orders that are none', 'close', { orders: 'o1' }, 'INVALID_DELIVERY'],
    ['a body that is missing', 'eta', undefined, 'INVALID_DELIVERY'],
    ['a vehicle that is not named', 'depart', { at: '2010-12-02 08:00' }, 'INVALID_DELIVERY'],
    ['an order that is not named', 'pass', { vehicle: 'van-1' }, 'INVALID_DELIVERY'],
    ['an answer nobody searched', 'planned', { request: 1, routes: [] }, 'FORBIDDEN'],
  ] as const)('%s is refused with a code', async (_, method, argument, code) => {
    await using trial = await openTrial(createGate(pool));
    await trial.confirm('o1');
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    const call = trial.depot[method] as unknown as (argument: unknown) => Promise<unknown>;
    await expect(call(argument)).rejects.toMatchObject({ code, application: true });
    expect(await trial.depot.plan()).toMatchObject({ version: 1, state: 'planned' });
  });

  it('an actor whose id is no depot and day says so', async () => {
    await using trial = await openTrial(createGate(pool));
    const nowhere = trial.host.ref<DepotApi>('Depot', 'uk');
    await expect(nowhere.plan()).rejects.toThrow(/"uk" is no depot and day; uk:2010-12-01 is one/);
  });

  it.each([
    [{ budget: { seconds: 60 } }, /budget\.seconds is at most 20/],
    [{ budget: {} }, /budget/],
    [{ opens: '8 am' }, /opens is a time such as 08:00/],
    [{ closes: '07:00' }, /closes is before it opens/],
    [{ fleets: [SITE.fleets[0]!, SITE.fleets[0]!] }, /fleet named "van" twice/],
    [{ fleets: [] }, /fleets has one at least/],
    [{ settle: 'soon' }, /settle is milliseconds or a time/],
    [{ fleets: [{ name: 'van', vehicles: 0, capacity: 1 }] }, /van\.vehicles is from 1/],
  ])('a depot set up with %j is refused at once', async (site, message) => {
    await expect(openTrial(createGate(pool), site)).rejects.toThrow(message);
  });
});
