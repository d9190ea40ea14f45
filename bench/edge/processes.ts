/** The processes of the suite: a centre that keeps its stores in SQLite, and an edge with one camera. */
import { mkdtempDisposable } from 'node:fs/promises';
import { join } from 'node:path';
import { storeActors, type StoreServices } from '../../actors/index.ts';
import { component, createSystem } from '../../runtime/index.ts';
import { openEdge } from '../../workers/edge/edge.ts';
import type { Serve } from '../harness/child.ts';
import { familyCpuMs } from '../harness/machine.ts';
import { heapAfterCollection, memory } from '../harness/measure.ts';
import type { Measure } from '../harness/question.ts';
import { SETTINGS } from './footage.ts';

const centre: Serve = async (_params, { dir }) => {
  const folder = await mkdtempDisposable(join(dir, 'troupe-bench-centre-'));
  const services: StoreServices = { rollUpDelay: '30s' };
  const system = await createSystem({
    actors: storeActors,
    services,
    components: [
      component('statestore', 'state.sqlite', {
        connectionString: join(folder.path, 'centre.db'),
        actorStateStore: 'true',
      }),
      component('pubsub', 'pubsub.in-memory'),
    ],
    http: { port: 0 },
  });
  return {
    port: system.http!.port,
    count: () => {
      // The next sample has what is in use, not what waits to be collected.
      heapAfterCollection();
      return system.stats().durableTurns;
    },
    async close() {
      await system.close();
      await folder[Symbol.asyncDispose]();
    },
  };
};

/** Watches a tape to its end and waits until the centre has all. CPU is of the process and of its ffmpeg. */
const edge: Measure = async (params, { dir }) => {
  await using folder = await mkdtempDisposable(join(dir, 'troupe-bench-edge-'));
  const cpu = familyCpuMs();
  const began = performance.now();
  await using one = await openEdge({
    centre: { url: `http://127.0.0.1:${params['port']}`, store: String(params['store']) },
    folder: folder.path,
    cameras: [
      {
        id: 'door',
        source: String(params['source']),
        rate: Number(params['rate']),
        live: params['live'] === 1,
        origin: Date.UTC(2026, 10, 28, 9),
        settings: SETTINGS,
      },
    ],
  });
  const signal = AbortSignal.timeout(3_600_000);
  await one.run(signal);
  await one.drained(signal);
  const { cameras, bytes } = one.report();
  const { seen, analysed, events, reports } = cameras[0]!;
  const seconds = (performance.now() - began) / 1000;
  const all = Object.values(events).reduce((sum, count) => sum + count, 0);
  return {
    ops: seen,
    seconds,
    cpuMs: familyCpuMs() - cpu,
    ...memory(),
    facts: { ...bytes, seen, analysed, reports, events: all },
  };
};

export const contenders: Readonly<Record<string, Serve | Measure>> = { centre, edge };

export const PROCESSES: string = import.meta.filename;

export async function ask<T>(
  port: number,
  actor: string,
  { method, body = {} }: { method: string; body?: unknown },
): Promise<T> {
  const url = `http://127.0.0.1:${port}/v1.0/actors/${actor}/method/${method}`;
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${actor} ${method}: ${await response.text()}`);
  return (await response.json()) as T;
}
