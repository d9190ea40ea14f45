/** A store counts every event once and in order, and gives to its cameras and its region what is theirs. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSystem, type ActorRef, type System } from 'troupe';
import type { LanePart } from '../../workers/edge/lane.ts';
import { reportOf, type CameraStatus } from '../../workers/edge/report.ts';
import type { EdgeEvent } from '../../workers/edge/messages.ts';
import { storeActors } from '../index.ts';
import type { RegionApi, StoreApi } from './api.ts';
import { addHeat, CELLS, emptyHeat, packHeat } from './heat.ts';

const NINE = Date.UTC(2026, 10, 28, 9);
const STATUS: CameraStatus = { version: 0, seen: 10, analysed: 5, waiting: 0 };

async function start(): Promise<{ system: System; store: ActorRef<StoreApi> }> {
  const services = { rollUpDelay: 1 };
  const system = await createSystem({ actors: storeActors, services });
  onTestFinished(() => system.close());
  return { system, store: system.ref<StoreApi>('Store', 's-1') };
}

function part(from: number, ...events: EdgeEvent[]): LanePart {
  return { events: events.map((event, at) => ({ seq: from + at, event, since: 0 })) };
}

const record = (...parts: LanePart[]) =>
  reportOf('door', 'queue-1', { lanes: { record: parts }, status: STATUS });
const now = (...parts: LanePart[]) => reportOf('door', 'queue-1', { lanes: { now: parts } });
const crossing = (direction: 'in' | 'out', at: number): EdgeEvent => ({
  kind: 'line',
  at,
  line: 'entry',
  direction,
});
const into = (at: number): EdgeEvent => crossing('in', at);

describe('a store', () => {
  it('counts every event once, however often its report comes', async () => {
    const { store } = await start();
    const first = record(part(1, into(NINE), crossing('out', NINE + 1)));
    expect(await store.report(first)).toEqual({ through: { now: 0, record: 2 } });
    expect(await store.report(first)).toEqual({ through: { now: 0, record: 2 } });
    const overlapping = record(
      part(2, into(NINE), into(NINE), { kind: 'visit', at: NINE, zone: 'table', seconds: 4.25 }),
    );
    await store.report(overlapping);
    const { cameras } = await store.view();
    expect(cameras[0]).toMatchObject({
      events: 4,
      totals: { in: 2, out: 1, visits: 1, visitTenths: 43 },
      lines: { entry: { in: 2, out: 1 } },
    });
  });

  it('refuses a report that leaves something out, and keeps nothing of it', async () => {
    const { store } = await start();
    await store.report(record(part(1, into(NINE))));
    await expect(
      store.report(record(part(2, into(NINE)), part(4, into(NINE)))),
    ).rejects.toMatchObject({ code: 'GAP', details: { lane: 'record', expected: 3 } });
    expect((await store.view()).cameras[0]!.events).toBe(1);
  });

  it('takes a loss in the place of what was lost, and counts it once', async () => {
    const { store } = await start();
    const loss: LanePart = { from: 1, to: 5, why: 'limit', kinds: { line: 3, heat: 2 } };
    await store.report(record(loss, part(6, into(NINE))));
    await store.report(record(loss, part(6, into(NINE))));
    // What the edge gave up meanwhile, although the centre had the first half of it.
    await store.report(record({ from: 5, to: 8, why: 'ttl', kinds: { line: 4 } }));
    expect((await store.view()).cameras[0]!.lost).toEqual({
      events: 7,
      kinds: { line: 3, heat: 2, unknown: 2 },
      why: { limit: 5, ttl: 2 },
    });
  });

  it('begins at number 1 again for another queue, and keeps its counts', async () => {
    const { store } = await start();
    await store.report(record(part(1, into(NINE))));
    const other = reportOf('door', 'queue-2', { lanes: { record: [part(1, into(NINE))] } });
    await store.report(other);
    expect((await store.view()).cameras[0]!.totals.in).toBe(2);
  });

  it('keeps heat by hour and camera, as it was seen', async () => {
    const { store } = await start();
    const heat = (at: number, cells: number[]): EdgeEvent => ({ kind: 'heat', at, cells });
    const events = [
      heat(NINE, [3, 10, 500, 7]),
      heat(NINE, [3, 5]),
      heat(NINE + 3_600_000, [0, 1]),
    ];
    await store.report(record(part(1, ...events)));
    await store.report(reportOf('till', 'q', { lanes: { record: [part(1, heat(NINE, [3, 1]))] } }));
    const at = async (request?: Parameters<StoreApi['heatMap']>[0]) => {
      const { seconds } = await store.heatMap(request);
      return Object.fromEntries([...seconds.entries()].filter(([, value]) => value > 0));
    };
    expect(await at()).toEqual({ 0: 0.1, 3: 1.6, 500: 0.7 });
    expect(await at({ camera: 'door', hours: ['2026-11-28T09'] })).toEqual({ 3: 1.5, 500: 0.7 });
    await expect(store.heatMap({ camera: 'roof' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.heatMap({ hours: ['x'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('draws the heat map as a PNG of the right size, brightest where most stood', async () => {
    const { store } = await start();
    const heat: EdgeEvent = { kind: 'heat', at: NINE, cells: [5 * 32 + 10, 100] };
    await store.report(record(part(1, heat)));
    const png = Buffer.from((await store.picture()).png, 'base64');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    expect([width, height]).toEqual([640, 360]);
    const size = png.readUInt32BE(33);
    const lines = inflateSync(png.subarray(41, 41 + size));
    const red = (x: number, y: number): number => lines[y * (1 + 3 * width) + 1 + 3 * x]!;
    expect(red(210, 110)).toBeGreaterThan(230);
    expect(red(600, 30)).toBe(18);
    expect(await store.page()).toContain(`data:image/png;base64,${png.toString('base64')}`);
  });

  it('sends alarms to the topic store-operations, each once', async () => {
    const { system, store } = await start();
    const heard: unknown[] = [];
    const all = Promise.withResolvers<void>();
    await system.subscribe({ topic: 'store-operations' }, async ({ type, data }) => {
      heard.push({ type, data });
      if (heard.length === 2) all.resolve();
    });
    const crowd: EdgeEvent = { kind: 'alarm', alarm: 'crowd', at: NINE, people: 9 };
    const wait: EdgeEvent = {
      kind: 'alarm',
      alarm: 'waiting',
      at: NINE,
      zone: 'till',
      seconds: 60,
    };
    await store.report(now(part(1, crowd)));
    await store.report(now(part(1, crowd, wait)));
    await all.promise;
    await system.outboxIdle();
    expect(heard).toEqual([
      {
        type: 'store.crowd',
        data: { store: 's-1', camera: 'door', at: NINE, alarm: 'crowd', people: 9 },
      },
      {
        type: 'store.waiting',
        data: {
          store: 's-1',
          camera: 'door',
          at: NINE,
          alarm: 'waiting',
          zone: 'till',
          seconds: 60,
        },
      },
    ]);
  });

  it('gives a camera the settings it shall have until it reports them', async () => {
    const { store } = await start();
    await store.report(record(part(1, into(NINE))));
    const settings = { crowd: 5 };
    expect(await store.configure({ camera: 'door', settings })).toEqual({ version: 1 });
    expect((await store.report(record())).desired).toEqual({ version: 1, settings });
    const status = { ...STATUS, version: 1, error: 'no such zone' };
    const applied = reportOf('door', 'queue-1', { lanes: {}, status });
    expect((await store.report(applied)).desired).toBeUndefined();
    expect((await store.view()).cameras[0]!.reported).toMatchObject({
      version: 1,
      error: 'no such zone',
    });
    await expect(store.configure({ camera: 'roof', settings })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('adds up to its region, whatever is told twice', async () => {
    const { system, store } = await start();
    const other = system.ref<StoreApi>('Store', 's-2');
    const region = system.ref<RegionApi>('Region', 'north');
    await store.setUp({ region: 'north' });
    await other.setUp({ region: 'north' });
    await other.report(record(part(1, into(NINE))));
    for (const [at, count] of [3, 5].entries()) {
      const people: EdgeEvent = { kind: 'occupancy', at: NINE + at, people: count };
      await store.report(now(part(1 + at, people)));
      await store.report(record(part(1 + at, into(NINE + at))));
      const { promise, resolve } = Promise.withResolvers<void>();
      const poll = setInterval(() => {
        void region.view().then(({ occupancy, hours }) => {
          if (occupancy === count && hours[0]?.in === 2 + at) resolve();
        });
      }, 5);
      await promise;
      clearInterval(poll);
    }
    expect(await region.view()).toMatchObject({
      stores: 2,
      occupancy: 5,
      hours: [{ hour: '2026-11-28T09', in: 3 }],
    });
    await expect(
      region.told({ store: 's-9', occupancy: 1, lost: 0, hours: {} }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it.each([
    ['nothing', ''],
    ['no deflated JSON', Buffer.from('hello').toString('base64')],
  ])('refuses a report with %s in it', async (_, packed) => {
    const { store } = await start();
    await expect(store.report({ camera: 'door', stream: 'q', packed })).rejects.toMatchObject({
      code: 'INVALID_REPORT',
    });
  });

  it('refuses events that are not right', async () => {
    const { store } = await start();
    const heat: EdgeEvent = { kind: 'heat', at: NINE, cells: [CELLS, 1] };
    await expect(store.report(record(part(1, heat)))).rejects.toMatchObject({
      code: 'INVALID_REPORT',
    });
    await expect(
      store.report(record(part(1, { ...into(NINE), line: '<b>' } as EdgeEvent))),
    ).rejects.toMatchObject({ code: 'INVALID_REPORT' });
  });
});

describe('packed heat', () => {
  it('unpacks to what it was, whatever the size', () => {
    const heat = emptyHeat();
    for (const [cell, tenths] of [
      [0, 1],
      [1, 127],
      [2, 128],
      [300, 36_000],
      [575, 5e9],
    ] as const)
      heat[cell] = tenths;
    const again = emptyHeat();
    addHeat(packHeat(heat), again);
    expect(again).toEqual(heat);
  });
});
