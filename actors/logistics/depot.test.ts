import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool, type Pool } from '../../workers/pool.ts';
import type { DepotApi } from './api.ts';
import { createGate, DAY, HOME, ids, openTrial, ringPlace, toursOf } from './depot.fixture.ts';

let pool: Pool;
beforeAll(() => {
  pool = createPool({ workers: 1 });
  return pool.ready();
});
afterAll(() => pool.close());

describe('a plan', () => {
  it('brings each confirmed order once, within the vehicles and what they take', async () => {
    await using trial = await openTrial(createGate(pool));
    const { depot, host, confirm } = trial;
    await confirm(...ids(1, 12));
    await host.settled();
    expect(await depot.plan()).toMatchObject({ state: 'waiting', version: 0, stops: 12 });
    await host.clock.advance('1s');
    const plan = await depot.plan();
    expect(plan).toMatchObject({ depot: 'uk', day: DAY, state: 'planned', version: 1 });
    expect(plan.unserved).toEqual([]);
    expect(plan.vehicles.flatMap(({ stops }) => stops.map((s) => s.orderId)).toSorted()).toEqual(
      ids(1, 12).toSorted(),
    );
    for (const { cartons, capacity, leaves, km } of plan.vehicles) {
      expect(cartons).toBeLessThanOrEqual(capacity);
      expect(leaves).toBe('2010-12-02 08:00');
      expect(km).toBeGreaterThan(90);
    }
    expect(plan.vehicles.length).toBeLessThanOrEqual(3);
  });

  it('says when each order arrives: the way at 60 km an hour, ten minutes a stop', async () => {
    await using trial = await openTrial(createGate(pool));
    await trial.confirm('o3');
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    const km = (ringPlace('o3').lat - HOME.lat) * 111.32;
    const minutes = Math.floor(km);
    expect(minutes).toBe(50);
    expect(await trial.depot.eta({ orderId: 'o3' })).toEqual({
      orderId: 'o3',
      depot: 'uk',
      vehicle: 'van-1',
      eta: '2010-12-02 08:50',
    });
    expect(await trial.depot.vehicles()).toMatchObject([{ back: '2010-12-02 09:50', cartons: 1 }]);
    expect(trial.told.get('o3')).toEqual({
      type: 'delivery.planned',
      orderId: 'o3',
      depot: 'uk',
      version: 1,
      vehicle: 'van-1',
      eta: '2010-12-02 08:50',
    });
  });

  it('is made once for orders that come together, and once an order comes twice', async () => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate);
    await trial.confirm(...ids(1, 5), 'o1', 'o5');
    await trial.host.settled();
    await trial.host.clock.advance('10s');
    expect(gate.asked.length).toBe(1);
    expect(await trial.depot.plan()).toMatchObject({ stops: 5, version: 1 });
  });

  it('of a closed day waits until each of its orders has come, in whatever order', async () => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate, { plans: 'when closed' });
    await trial.confirm('o4', 'o1');
    await trial.depot.close({ orders: ids(1, 4) });
    await trial.confirm('o3');
    await trial.host.settled();
    await trial.host.clock.advance('1h');
    expect(gate.asked.length).toBe(0);
    await trial.confirm('o2');
    await trial.host.settled();
    expect(await trial.depot.plan()).toMatchObject({ state: 'planned', version: 1, stops: 4 });
    await trial.depot.close({ orders: ids(1, 4).toReversed() });
    expect(gate.asked.length).toBe(1);
    await expect(trial.depot.close({ orders: ['o9'] })).rejects.toMatchObject({
      code: 'CONFLICT',
      status: 409,
    });

    await using other = await openTrial(createGate(pool), { plans: 'when closed' });
    await other.confirm(...ids(1, 4));
    await other.host.settled();
    await other.depot.close({ orders: ids(1, 4) });
    await other.host.settled();
    expect(await toursOf(other.depot)).toEqual(await toursOf(trial.depot));
  });

  it('goes on as orders come while a closed day still waits for one', async () => {
    await using trial = await openTrial(createGate(pool));
    await trial.depot.close({ orders: ['o1', 'o2'] });
    await trial.confirm('o1');
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    expect(await trial.depot.plan()).toMatchObject({ version: 1, stops: 1 });
    await trial.confirm('o2');
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    expect(await trial.depot.plan()).toMatchObject({ version: 2, stops: 2, state: 'planned' });
    await trial.cancel('o7');
    await trial.confirm('o7');
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    expect(await trial.depot.plan()).toMatchObject({ stops: 2, state: 'planned', unserved: [] });
  });

  it('names what its vehicles cannot take, and brings the rest', async () => {
    await using trial = await openTrial(
      createGate(pool),
      { fleets: [{ name: 'van', vehicles: 2, capacity: 4 }] },
      ({ orderId }) => (orderId === 'o8' ? undefined : ringPlace(orderId)),
    );
    await trial.confirm('o1', 'o2', 'o3', 'o8');
    await trial.confirmUnits('o4', 5 * 24);
    await trial.confirmUnits('o5', 3 * 24);
    await trial.confirmUnits('o6', 3 * 24);
    await trial.confirmUnits('o7', 24);
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    const { unserved, vehicles, problem } = await trial.depot.plan();
    expect(problem).toBeUndefined();
    expect(Object.fromEntries(unserved.map(({ orderId, reason }) => [orderId, reason]))).toEqual({
      o4: 'it has 5 cartons, and the largest vehicle takes 4',
      o6: 'the vehicles are full with the orders placed before it',
      o8: 'nobody knows the place of a customer in United Kingdom',
    });
    expect(vehicles.flatMap(({ stops }) => stops).length).toBe(5);
    expect(trial.told.get('o4')).toMatchObject({ type: 'delivery.unserved' });
    await expect(trial.depot.eta({ orderId: 'o6' })).rejects.toThrow(
      /no time of arrival: the vehicles are full/,
    );
  });

  it('names orders that fit in number but into no vehicle as they are', async () => {
    await using trial = await openTrial(createGate(pool), {
      fleets: [{ name: 'van', vehicles: 2, capacity: 5 }],
    });
    for (const orderId of ['o1', 'o2', 'o3']) await trial.confirmUnits(orderId, 3 * 24);
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    const { unserved, vehicles, problem } = await trial.depot.plan();
    expect(problem).toBeUndefined();
    expect(vehicles.length).toBe(2);
    expect(unserved).toEqual([
      {
        orderId: expect.stringMatching(/^o[123]$/),
        reason: 'no vehicle was found with room and time for it',
      },
    ]);
  });

  it('keeps the hours of the depot and the longest time away', async () => {
    await using trial = await openTrial(createGate(pool), {
      closes: '12:00',
      fleets: [{ name: 'van', vehicles: 6, capacity: 6, maxMinutes: 170 }],
    });
    await trial.confirm(...ids(1, 9));
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    const { vehicles, unserved } = await trial.depot.plan();
    expect(unserved).toEqual([]);
    expect(vehicles.length).toBeGreaterThan(2);
    for (const { back } of vehicles) expect(back <= '2010-12-02 10:50').toBe(true);
  });

  it('keeps the fleets of each depot apart', async () => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate);
    await trial.confirm('o1', 'o2');
    await trial.host.system.publish('orders', {
      type: 'order.confirmed',
      ...{ orderId: 'o3', customer: 'c', country: 'Japan', placedAt: `${DAY} 10:00:00` },
      lines: [{ stockCode: 'a', quantity: 1 }],
    });
    await trial.host.settled();
    await trial.host.clock.advance('1s');
    expect(
      Object.values(await toursOf(trial.depot))
        .flat()
        .toSorted(),
    ).toEqual(['o1', 'o2']);
    const elsewhere = trial.host.ref<DepotApi>('Depot', `elsewhere:${DAY}`);
    expect(await elsewhere.plan()).toMatchObject({
      vehicles: [],
      unserved: [
        { orderId: 'o3', reason: 'depot "elsewhere" is not set up: nobody drives to Japan' },
      ],
    });
  });
});

describe('while a search runs', () => {
  it('every question is answered, and orders that come lead to another search from the plan', async () => {
    const gate = createGate(pool);
    const end = new AbortController();
    gate.finish = end.signal;
    await using trial = await openTrial(gate, { budget: { seconds: 20 } });
    const { depot, host } = trial;
    await trial.confirm(...ids(1, 9));
    await host.settled();
    const first = host.clock.advance('1s');
    await vi.waitFor(() => expect(gate.asked.length).toBe(1));
    await trial.confirm('o10');
    const pass = { vehicle: 'van-9', orderId: 'o1', at: `${DAY} 10:00` };
    // Only the end of these lets the search end: a turn that waited for it would wait 20 s.
    for (let turn = 0; turn < 100; turn++) {
      expect(await depot.plan()).toMatchObject({ state: 'planning', version: 0 });
      await expect(depot.pass(pass)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await vi.waitFor(async () => expect((await depot.stops()).length).toBe(10));
    end.abort();
    await first;
    await host.settled();
    expect(gate.asked.length).toBe(2);
    expect(gate.asked[1]!.start?.flatMap(({ stops }) => stops).length).toBe(9);
    expect(await depot.plan()).toMatchObject({ version: 2, state: 'planned', stops: 10 });
    expect(Object.values(await toursOf(depot)).flat()).toContain('o10');
  });

  it('an order that is cancelled is not in the plan that comes', async () => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate);
    gate.shut();
    await trial.confirm(...ids(1, 4));
    const first = trial.host.clock.advance('2s');
    await vi.waitFor(() => expect(gate.asked.length).toBe(1));
    await trial.cancel('o2');
    await vi.waitFor(async () => expect(await trial.depot.plan()).toMatchObject({ stops: 3 }));
    gate.open();
    await first;
    await trial.host.settled();
    expect(
      Object.values(await toursOf(trial.depot))
        .flat()
        .toSorted(),
    ).toEqual(['o1', 'o3', 'o4']);
    expect(await trial.depot.stops()).toContainEqual(
      expect.objectContaining({ orderId: 'o2', state: 'cancelled' }),
    );
  });

  it('an answer that a later search has taken the place of is ignored', async () => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate);
    gate.shut();
    await trial.confirm(...ids(1, 4));
    const first = trial.host.clock.advance('1s');
    await vi.waitFor(() => expect(gate.asked.length).toBe(1));
    await trial.depot.replan();
    gate.open();
    await first;
    await trial.host.settled();
    expect(gate.asked.length).toBe(2);
    expect(await trial.depot.plan()).toMatchObject({ version: 1, state: 'planned' });
  });
});

describe('a crash', () => {
  it.each(['in the middle of the search', 'while the orders come'])(
    '%s ends in the plan of a calm day, applied once',
    async (when) => {
      const gate = createGate(pool);
      await using trial = await openTrial(gate, { plans: 'when closed' });
      const { depot, host } = trial;
      await trial.confirm(...ids(1, 6));
      await host.settled();
      if (when === 'while the orders come') await host.restart();
      await trial.confirm(...ids(7, 9));
      await host.settled();
      gate.shut();
      await depot.close({ orders: ids(1, 9) });
      await vi.waitFor(() => expect(gate.asked.length).toBe(1));
      await host.crash();
      gate.open();
      await host.restart();
      await host.settled();
      expect(gate.asked.length).toBe(2);
      expect(gate.asked[1]).toEqual(gate.asked[0]);
      expect(await depot.plan()).toMatchObject({ state: 'planned', version: 1 });

      await using calm = await openTrial(createGate(pool), { plans: 'when closed' });
      await calm.confirm(...ids(1, 9));
      await calm.host.settled();
      await calm.depot.close({ orders: ids(1, 9) });
      await calm.host.settled();
      expect(await depot.plan()).toEqual(await calm.depot.plan());
      await host.restart();
      await host.settled();
      expect(await depot.plan()).toEqual(await calm.depot.plan());
      expect(gate.asked.length).toBe(2);
    },
  );
});
