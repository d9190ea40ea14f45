import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool, type Pool } from '../../workers/pool.ts';
import { createGate, ids, openTrial, toursOf } from './depot.fixture.ts';

let pool: Pool;
beforeAll(() => {
  pool = createPool({ workers: 1 });
  return pool.ready();
});
afterAll(() => pool.close());

describe('a vehicle that left', () => {
  it('keeps its stops when others are planned anew, and what comes goes with others', async () => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate);
    const { depot, host } = trial;
    await trial.confirm(...ids(1, 8));
    await host.settled();
    await host.clock.advance('1s');
    const before = await depot.vehicles();
    const left = await depot.depart({ vehicle: 'van-1', at: '2010-12-02 08:20' });
    expect(left).toMatchObject({ state: 'out', leaves: '2010-12-02 08:20' });
    await trial.confirm('o9', 'o10');
    await trial.cancel(before[1]!.stops[0]!.orderId);
    await host.settled();
    await host.clock.advance('1s');
    const after = await depot.vehicles();
    expect(after.find(({ vehicle }) => vehicle === 'van-1')).toEqual(left);
    expect(left.stops.map(({ orderId }) => orderId)).toEqual(
      before[0]!.stops.map(({ orderId }) => orderId),
    );
    const others = after.filter(({ vehicle }) => vehicle !== 'van-1');
    expect(others.flatMap(({ stops }) => stops.map(({ orderId }) => orderId))).toEqual(
      expect.arrayContaining(['o9', 'o10']),
    );
    for (const { leaves } of others) expect(leaves).toBe('2010-12-02 08:20');
    expect(gate.asked.at(-1)!.text).not.toContain(`"${left.stops[0]!.orderId}"`);
    expect(await depot.depart({ vehicle: 'van-1', at: '2010-12-02 09:00' })).toEqual(left);
  });

  it('in the middle of a search makes its answer void, and one without it comes', async () => {
    const gate = createGate(pool);
    await using trial = await openTrial(gate);
    const { depot, host } = trial;
    await trial.confirm(...ids(1, 8));
    await host.settled();
    await host.clock.advance('1s');
    gate.shut();
    await trial.confirm('o9');
    const next = host.clock.advance('1s');
    await vi.waitFor(() => expect(gate.asked.length).toBe(2));
    const left = await depot.depart({ vehicle: 'van-1', at: '2010-12-02 08:00' });
    gate.open();
    await next;
    await host.settled();
    expect(gate.asked.length).toBe(3);
    const plan = await depot.plan();
    expect(plan).toMatchObject({ version: 2, stops: 9, unserved: [] });
    expect(plan.vehicles.find(({ vehicle }) => vehicle === 'van-1')).toEqual(left);
    expect(
      Object.values(await toursOf(depot))
        .flat()
        .toSorted(),
    ).toEqual(ids(1, 9).toSorted());
  });

  it('drops a cancelled stop that it has not passed, and brings back what it has', async () => {
    await using trial = await openTrial(createGate(pool), {
      fleets: [{ name: 'van', vehicles: 1, capacity: 6 }],
    });
    const { depot, host } = trial;
    await trial.confirm(...ids(1, 4));
    await host.settled();
    await host.clock.advance('1s');
    const [a, b, c, d] = (await toursOf(depot))['van-1']!;
    await depot.depart({ vehicle: 'van-1', at: '2010-12-02 08:00' });
    await depot.pass({ vehicle: 'van-1', orderId: a!, at: '2010-12-02 09:30' });
    const told = trial.told.get(c!);
    await trial.cancel(a!);
    await trial.cancel(b!);
    await host.settled();
    const [van] = await depot.vehicles();
    expect(van).toMatchObject({ passed: 1, comesBack: [a, b] });
    expect(van!.stops.map(({ orderId }) => orderId)).toEqual([a, c, d]);
    expect(van!.stops[0]!.eta).toBe('2010-12-02 09:30');
    expect(trial.told.get(c!)).not.toEqual(told);
    expect(await depot.stops()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ orderId: a, state: 'cancelled', comesBack: true }),
        expect.objectContaining({ orderId: b, state: 'cancelled', comesBack: true }),
        expect.objectContaining({ orderId: c, state: 'on the way' }),
      ]),
    );
  });

  it('may take a stop out of turn, and tells the new times', async () => {
    await using trial = await openTrial(createGate(pool), {
      fleets: [{ name: 'van', vehicles: 1, capacity: 6 }],
    });
    const { depot, host } = trial;
    await trial.confirm(...ids(1, 3));
    await host.settled();
    await host.clock.advance('1s');
    const [a, b, c] = (await toursOf(depot))['van-1']!;
    await depot.depart({ vehicle: 'van-1', at: '2010-12-02 08:00' });
    const van = await depot.pass({ vehicle: 'van-1', orderId: c!, at: '2010-12-02 08:55' });
    expect(van.stops.map(({ orderId }) => orderId)).toEqual([c, a, b]);
    await host.settled();
    expect(trial.told.get(a!)).toMatchObject({ eta: van.stops[1]!.eta });
    await expect(
      depot.pass({ vehicle: 'van-1', orderId: a!, at: '2010-12-02 08:30' }),
    ).rejects.toThrow(/before the stop that it passed last/);
    expect(await depot.pass({ vehicle: 'van-1', orderId: c!, at: '2010-12-02 09:30' })).toEqual(
      van,
    );
  });
});
