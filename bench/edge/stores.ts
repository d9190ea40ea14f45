/**
 * Thousands of stores on one centre: simulated edges report over HTTP at a
 * steady pace, and in the end every count of every store and region is compared
 * with what was sent.
 */
import { Agent, request } from 'node:http';
import type { RegionView, StoreView, HeatMap } from '../../actors/store/api.ts';
import { reportOf } from '../../workers/edge/report.ts';
import type { EdgeEvent } from '../../workers/edge/messages.ts';
import type { Sample } from '../harness/child.ts';
import { serveInChild, type ServerProcess } from '../harness/fork.ts';
import type { Question } from '../harness/question.ts';
import { duration, figure, table } from '../harness/report.ts';
import { percentile } from '../harness/stats.ts';
import { ask, PROCESSES } from './processes.ts';

const STORES = 3000;
const REGIONS = 30;
/** Seconds between two reports of a store. */
const EVERY = 10;
const ORIGIN = Date.UTC(2026, 10, 28, 9);
const CONNECTIONS = 64;
/** Hours of the day that the reports of a run are spread over. */
const HOURS = 24;

interface SimulatedStore {
  readonly id: string;
  readonly region: string;
  seq: { now: number; record: number };
  reports: number;
  in: number;
  out: number;
  visits: number;
  tenths: number;
  people: number;
}

/** Events of ten seconds in one store: some people walk, cross, stay. The same every time. */
function eventsOf(
  store: SimulatedStore,
  index: number,
  rounds: number,
): { now: EdgeEvent[]; record: EdgeEvent[] } {
  const round = store.reports++;
  const at = ORIGIN + Math.floor((round * HOURS * 3_600_000) / rounds);
  const walkers = (index + round) % 4;
  const cells: number[] = [];
  for (let step = 0; step < 3 + 6 * walkers; step++) {
    const cell = ((index * 31 + round * 7) % 300) + step * 3;
    const tenths = 1 + ((index + step) % 40);
    cells.push(cell, tenths);
    store.tenths += tenths;
  }
  const record: EdgeEvent[] = [{ kind: 'heat', at, cells }];
  for (let walker = 0; walker < walkers; walker++) {
    const isIn = (round + walker) % 2 === 0;
    store[isIn ? 'in' : 'out']++;
    store.visits++;
    const time = at + 1000 * walker;
    record.push(
      { kind: 'line', at: time, line: 'entry', direction: isIn ? 'in' : 'out' },
      { kind: 'visit', at: time, zone: 'table', seconds: 3 + walker },
    );
  }
  store.people = walkers;
  return { now: [{ kind: 'occupancy', at, people: walkers }], record };
}

function bodyOf(
  store: SimulatedStore,
  index: number,
  rounds: number,
): { body: string; events: number } {
  const made = eventsOf(store, index, rounds);
  const numbered = (lane: 'now' | 'record') => [
    { events: made[lane].map((event) => ({ seq: ++store.seq[lane], event, since: 0 })) },
  ];
  const lanes = { now: numbered('now'), record: numbered('record') };
  const status = {
    version: 0,
    seen: store.reports * 100,
    analysed: store.reports * 40,
    waiting: 0,
  };
  const report = reportOf('door', `queue-${store.id}`, { lanes, status });
  return { body: JSON.stringify(report), events: made.now.length + made.record.length };
}

function send(agent: Agent, port: number, store: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = `/v1.0/actors/Store/${store}/method/report`;
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const call = request({ agent, host: '127.0.0.1', port, path, method: 'PUT', headers });
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`store ${store} answered ${response.statusCode}`));
      });
    });
    call.end(body);
  });
}

/** Every store in turn, evenly spread over its interval, whether or not the ones before were answered. */
async function drive(
  port: number,
  stores: readonly SimulatedStore[],
  seconds: number,
): Promise<{ times: Float64Array; events: number; seconds: number }> {
  using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: CONNECTIONS }), {
    [Symbol.dispose]() {
      agent.destroy();
    },
  });
  const total = Math.round((STORES * seconds) / EVERY);
  const times = new Float64Array(total);
  const gap = (EVERY * 1000) / STORES;
  const began = performance.now();
  const pending = new Set<Promise<void>>();
  let failure: unknown;
  let events = 0;
  for (let at = 0; at < total && failure === undefined;) {
    const due = Math.min(total, Math.floor((performance.now() - began) / gap) + 1);
    for (; at < due; at++) {
      const index = at % STORES;
      const store = stores[index]!;
      const report = bodyOf(store, index, seconds / EVERY);
      const meant = began + at * gap;
      const slot = at;
      events += report.events;
      const one = send(agent, port, store.id, report.body)
        .then(() => void (times[slot] = (performance.now() - meant) * 1000))
        .catch((error: unknown) => void (failure ??= error))
        .finally(() => pending.delete(one));
      pending.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(pending);
  if (failure !== undefined) throw failure as Error;
  return { times: times.sort(), events, seconds: (performance.now() - began) / 1000 };
}

async function checkAll(port: number, stores: readonly SimulatedStore[]): Promise<void> {
  for (const store of stores) {
    const { cameras, occupancy } = await ask<StoreView>(port, `Store/${store.id}`, {
      method: 'view',
    });
    const { totals, lost } = cameras[0]!;
    const { seconds } = await ask<HeatMap>(port, `Store/${store.id}`, { method: 'heatMap' });
    const heat = Math.round(seconds.reduce((sum, value) => sum + value * 10, 0));
    const found = [totals.in, totals.out, totals.visits, totals.presentTenths, heat, lost.events];
    const meant = [store.in, store.out, store.visits, store.tenths, store.tenths, 0];
    if (String([...found, occupancy]) !== String([...meant, store.people])) {
      throw new Error(
        `store ${store.id} has ${found.join(' ')} ${occupancy}, not ${meant.join(' ')} ${store.people}`,
      );
    }
  }
}

/** A region hears of its stores some time later; rejects when it never hears of all. */
async function checkRegions(port: number, stores: readonly SimulatedStore[]): Promise<number> {
  const began = performance.now();
  for (const [name, of] of Map.groupBy(stores, ({ region }) => region)) {
    const meant = of.reduce((sum, { in: into }) => sum + into, 0);
    for (;;) {
      const { hours } = await ask<RegionView>(port, `Region/${name}`, { method: 'view' });
      const found = hours.reduce((sum, { in: into }) => sum + into, 0);
      if (found === meant) break;
      if (performance.now() - began > 120_000)
        throw new Error(`${name} has ${found}, not ${meant}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  return (performance.now() - began) / 1000;
}

/** The centre collects while it is asked, so what is in use shows the second time. */
async function settled(centre: ServerProcess): Promise<Sample> {
  await centre.sample();
  return centre.sample();
}

export const storesQuestion: Question = {
  name: 'stores',
  title: `${STORES} simulated stores on one centre process, a report each ${EVERY} s over HTTP, every report a durable turn`,
  async ask(scale, progress) {
    const stores = Array.from({ length: STORES }, (_, index): SimulatedStore => ({
      id: `s-${index}`,
      region: `r-${index % REGIONS}`,
      seq: { now: 0, record: 0 },
      ...{ reports: 0, in: 0, out: 0, visits: 0, tenths: 0, people: 0 },
    }));
    const centre = await serveInChild(PROCESSES, 'centre', {}, scale);
    try {
      await ask(centre.port, 'Store/warm', { method: 'view' });
      const before = await settled(centre);
      progress('stores are set up');
      for (const { id, region } of stores) {
        const url = `http://127.0.0.1:${centre.port}/v1.0/actors/Store/${id}/method/setUp`;
        const response = await fetch(url, { method: 'PUT', body: JSON.stringify({ region }) });
        if (!response.ok) throw new Error(await response.text());
        await response.arrayBuffer();
      }
      const started = await settled(centre);
      progress(`${scale.short ? 1 : 10} minutes of reports`);
      const load = await drive(centre.port, stores, scale.short ? 60 : 600);
      const after = await settled(centre);
      progress('every count of every store');
      await checkAll(centre.port, stores);
      progress('every region');
      const late = await checkRegions(centre.port, stores);
      const each = (after.heap - before.heap) / STORES;
      const rate = load.events / load.seconds;
      const p99 = percentile(load.times, 99);
      const row = [
        figure(load.events),
        figure(rate),
        figure(load.times.length / load.seconds),
        duration(percentile(load.times, 50)),
        duration(p99),
        `${figure((after.cpuMs - started.cpuMs) / load.seconds / 10)} %`,
        `${figure(each / 1000)} kB`,
        `${figure((after.rss - before.rss) / STORES / 1000)} kB`,
        figure(after.rss / 2 ** 20),
      ];
      const head = ['events', 'events/s', 'reports/s', 'p50', 'p99', 'CPU of the centre'];
      return {
        results: [],
        table: table([...head, 'heap a store', 'rss a store', 'rss MB'], [row]),
        aims: [
          {
            what: 'stores with every count exact',
            unit: '',
            aim: STORES,
            better: 'higher',
            measured: STORES,
          },
          { what: 'events a second', unit: '/s', better: 'higher', measured: rate },
          { what: 'p99 from edge to heat map', unit: 'ms', better: 'lower', measured: p99 / 1000 },
          { what: 'memory a store', unit: 'kB', aim: 50, better: 'lower', measured: each / 1000 },
        ],
        notes: [
          'Time: from the moment a report was due to the answer, which comes once the counts and the heat are on disk.',
          `Exact: crossings, visits, presence and the sum of the heat map of ${STORES} stores, and crossings of ${REGIONS} regions, ${figure(late)} s after the last report. A count that is off ends the run.`,
          `Heap a store: in use after a full collection, with every store active, over that of the empty centre. The reports of a run are spread over ${HOURS} hours, so a store holds up to as many heat maps as it got reports.`,
        ],
      };
    } finally {
      await centre.stop();
    }
  },
};
