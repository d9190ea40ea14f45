import { describe, expect, it } from 'vitest';
import { hashPlace } from '../../actors/index.ts';
import { AREAS, depotOf } from '../../actors/logistics/area.ts';
import { DEPOTS } from './routes-depots.ts';
import { drawRoutes } from './routes-map.ts';
import { type DepotDay, routeLines, routeTotals, verifyRoutes } from './routes-outcome.ts';
import { order } from './sample.fixture.ts';

const stop = (orderId: string, state: 'planned' | 'unserved') => ({
  ...{ orderId, customer: 'c', country: 'United Kingdom', state, cartons: 1 },
  placedAt: '2010-12-01 09:00:00',
  place: hashPlace({ orderId, customer: `c${orderId}`, country: 'United Kingdom' })!,
});

const DAY: DepotDay = {
  depot: 'uk',
  day: '2010-12-01',
  state: 'planned',
  version: 1,
  stops: 3,
  km: 120.4,
  simple: { firstInFirstOut: 200, nearestNeighbour: 150, savings: 125 },
  unserved: [{ orderId: '3', reason: 'too large' }],
  vehicles: [
    {
      ...{ vehicle: 'van-1', fleet: 'van', state: 'planned', cartons: 2, capacity: 120 },
      ...{ leaves: '2010-12-02 08:00', back: '2010-12-02 12:00', km: 120.4, passed: 0 },
      stops: [
        { orderId: '1', eta: '2010-12-02 09:00' },
        { orderId: '2', eta: '2010-12-02 10:00' },
      ],
      comesBack: [],
    },
  ],
  orders: [stop('1', 'planned'), stop('2', 'planned'), stop('3', 'unserved')],
};

const told = (id: string, delivery: object) =>
  order(id, { delivery: { depot: 'uk', ...delivery } });
const ORDERS = [
  told('1', { vehicle: 'van-1', eta: '2010-12-02 09:00' }),
  told('2', { vehicle: 'van-1', eta: '2010-12-02 10:00' }),
  told('3', { reason: 'too large' }),
  order('4', { state: 'rejected' }),
];

it('the totals add up the depots and their three simple tours', () => {
  expect(routeTotals([DAY, { ...DAY, day: '2010-12-02' }], 'made up')).toEqual({
    depotDays: 2,
    stops: 4,
    vehicles: 2,
    unserved: 2,
    km: 241,
    firstInFirstOutKm: 400,
    nearestNeighbourKm: 300,
    clarkeWrightKm: 250,
    places: 'made up',
  });
});

describe('the check of the routes', () => {
  it('holds when each confirmed order is in one tour or has a reason, and was told so', () => {
    expect(verifyRoutes([DAY], ORDERS)).toMatchObject({ ok: true, checked: 3, violations: [] });
  });

  const vehicle = DAY.vehicles[0]!;
  it.each<[string, DepotDay[], typeof ORDERS, RegExp]>([
    ['an order in no tour', [{ ...DAY, unserved: [] }], ORDERS, /order 3 is in 0 tours/],
    ['an order in two tours', [DAY, DAY], ORDERS, /order 1 is in 2 tours/],
    [
      'an order that was told another time',
      [DAY],
      [told('1', { vehicle: 'van-1', eta: '2010-12-02 09:01' }), ...ORDERS.slice(1)],
      /order 1 was told/,
    ],
    ['an order that was told nothing', [DAY], [order('1'), ...ORDERS.slice(1)], /told null/],
    [
      'a stop of an order that was rejected',
      [
        {
          ...DAY,
          vehicles: [{ ...vehicle, stops: [...vehicle.stops, { orderId: '4', eta: '' }] }],
        },
      ],
      ORDERS,
      /order 4 is not confirmed/,
    ],
  ])('notices %s', (_, days, orders, message) => {
    const verdict = verifyRoutes(days, orders);
    expect(verdict.ok).toBe(false);
    expect(verdict.violations.join('\n')).toMatch(message);
  });
});

it('each depot of an area is set up, and each of its customers within a day', () => {
  for (const [depot, countries] of Object.entries(AREAS)) {
    const { place } = DEPOTS[depot]!;
    const [fleet] = DEPOTS[depot]!.fleets;
    for (const country of countries) {
      expect(depotOf(country)).toBe(depot);
      for (let id = 0; id < 500; id++) {
        const to = hashPlace({ orderId: 'x', customer: String(12_000 + id), country })!;
        const east = (to.lon - place.lon) * Math.cos((place.lat * Math.PI) / 180);
        const minutes = 2 * 111.32 * Math.hypot(east, to.lat - place.lat) + 10;
        expect(minutes, `${country} from ${depot}`).toBeLessThan(fleet!.maxMinutes!);
      }
    }
  }
});

it('a customer has the same place each time, a guest one an order, and no country none', () => {
  const at = (orderId: string, customer: string | null, country = 'France') =>
    hashPlace({ orderId, customer, country });
  expect(at('1', '12345')).toEqual(at('2', '12345'));
  expect(at('1', '12345')).not.toEqual(at('1', '12346'));
  expect(at('1', null)).not.toEqual(at('2', null));
  expect(at('1', '12345', 'Japan')).toBeUndefined();
  expect(at('1', '12345', 'toString')).toBeUndefined();
});

describe('the map', () => {
  it('draws the busiest depot and day, and has every depot in its figures', async () => {
    const quiet = { ...DAY, day: '2010-12-02', depot: 'ireland', vehicles: [] };
    const chart = await drawRoutes([quiet, DAY]);
    expect(chart.title).toBe('Routes: uk, the orders of 2010-12-01');
    expect(chart.note).toContain("nobody's address");
    expect(chart.svg!.wide.match(/<polyline /g)?.length, 'tours').toBe(1);
    expect(chart.svg!.wide).not.toContain('clip');
    expect(chart.table.rows).toEqual([
      ['ireland', '0', '1', '0', '120', '200', '150', '125'],
      ['uk', '2', '1', '1', '120', '200', '150', '125'],
    ]);
    expect(await drawRoutes([DAY, quiet])).toEqual(chart);
  });

  it('of no tour at all is none', async () => {
    expect((await drawRoutes([])).svg).toBeUndefined();
    expect(routeLines([])).toBe('');
  });
});
