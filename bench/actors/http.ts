/** What does an actor call cost over HTTP, volatile and durable, beside a server that does nothing? */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createSystem } from 'troupe';
import type { Serve } from '../harness/child.ts';
import { type ServerProcess, serveInChild } from '../harness/fork.ts';
import type { Measurement } from '../harness/measure.ts';
import { type Question, rateOf, type Result, resultOf, type Scale } from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { requireWrk, wrk } from '../harness/wrk.ts';
import { Durable, type Hit, Volatile } from './counters.ts';
import { sqliteIn } from './disk.ts';
import { scratch } from '../harness/scratch.ts';

const CONNECTIONS = 32;
/** Part of the slowest server's best that all are offered to compare p99 at one load. */
const COMMON_LOAD = 0.8;

/** The least that answers the same requests: reads the JSON body, counts, answers with JSON. */
const bare: Serve = async () => {
  let count = 0;
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      count += (JSON.parse(Buffer.concat(chunks).toString()) as Hit).by;
      const body = JSON.stringify(count);
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    count: () => count,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

const volatile: Serve = async () => {
  const system = await createSystem({ actors: [Volatile], http: { port: 0 } });
  return {
    port: system.http!.port,
    count: () => system.stats().turns,
    close: () => system.close(),
  };
};

const durable: Serve = async (_params, { dir }) => {
  const folder = await scratch(dir);
  const system = await createSystem({
    actors: [Durable],
    components: sqliteIn(folder),
    http: { port: 0 },
  });
  return {
    port: system.http!.port,
    count: () => system.stats().durableTurns,
    async close() {
      await system.close();
      await folder[Symbol.asyncDispose]();
    },
  };
};

export const contenders: Readonly<Record<string, Serve>> = { bare, volatile, durable };

const SERVERS = [
  { name: 'bare node:http', run: 'bare', type: 'Bare' },
  { name: 'Troupe, volatile actor', run: 'volatile', type: 'Volatile' },
  { name: 'Troupe, durable actor', run: 'durable', type: 'Durable' },
] as const;

async function underLoad(
  server: ServerProcess,
  type: string,
  rate: number,
  seconds: number,
): Promise<Measurement> {
  const before = await server.sample();
  const {
    requests,
    seconds: took,
    ...times
  } = await wrk({
    url: `http://127.0.0.1:${server.port}/v1.0/actors/${type}`,
    script: join(import.meta.dirname, 'actor-calls.lua'),
    connections: CONNECTIONS,
    seconds,
    args: [String(Math.floor(rate))],
  });
  const after = await server.sample();
  if (after.count - before.count < requests)
    throw new Error(`${requests} answers, but ${after.count - before.count} operations counted`);
  return {
    ops: requests,
    seconds: took,
    cpuMs: after.cpuMs - before.cpuMs,
    rss: after.rss,
    heap: after.heap,
    ...times,
  };
}

/** Every server in turn, in a process of its own: a warm-up, then the load. */
async function round(
  scale: Scale,
  rate: number,
  into: Map<string, Measurement[]>,
  progress: (step: string) => void,
): Promise<void> {
  for (const { name, run, type } of SERVERS) {
    progress(name);
    const server = await serveInChild(import.meta.filename, run, {}, scale);
    await underLoad(server, type, 0, scale.short ? 1 : 2);
    const measured = await underLoad(server, type, rate, scale.short ? 1 : 5);
    into.set(name, [...(into.get(name) ?? []), measured]);
    await server.stop();
  }
}

const resultsOf = (rounds: ReadonlyMap<string, Measurement[]>, suffix = ''): Result[] =>
  [...rounds].map(([name, of]) => ({ contender: name + suffix, rounds: of }));

export const question: Question = {
  name: 'http',
  title: `Actor call over HTTP: wrk, ${CONNECTIONS} connections, 1,000 actors, CPU and memory of the serving process`,
  check: () => requireWrk(),
  async ask(scale, progress) {
    const full = new Map<string, Measurement[]>();
    for (let at = 1; at <= scale.rounds; at++) {
      await round(scale, 0, full, (step) => progress(`round ${at}: ${step}`));
    }
    const results = resultsOf(full);
    const rate = (of: string): number => medianOf(resultOf(results, of).rounds, rateOf);
    const common = Math.min(...SERVERS.map(({ name }) => rate(name))) * COMMON_LOAD;
    const equal = new Map<string, Measurement[]>();
    for (let at = 1; at <= scale.rounds; at++) {
      await round(scale, common, equal, (step) => progress(`equal load, round ${at}: ${step}`));
    }
    const paced = resultsOf(equal, ', equal load');
    const aims = (of: string, what: string, aim?: number) => [
      {
        what: `${what} over HTTP`,
        unit: 'calls/s',
        ...(aim === undefined ? {} : { aim }),
        better: 'higher' as const,
        measured: rate(of),
      },
      ...(['p50', 'p99'] as const).map((name) => ({
        what: `${what} over HTTP, ${name}`,
        unit: 'ms',
        better: 'lower' as const,
        measured: medianOf(resultOf(results, of).rounds, (one) => one[name]) / 1000,
      })),
    ];
    return {
      results: [...results, ...paced],
      aims: [
        ...aims('bare node:http', 'bare node:http'),
        ...aims('Troupe, volatile actor', 'volatile actor call', 25_000),
        ...aims('Troupe, durable actor', 'durable actor call', 15_000),
      ],
      notes: [
        `Equal load: all are offered ${Math.floor(common).toLocaleString('en-US')} requests a second, ${COMMON_LOAD * 100} % of the slowest one's best, so that p99 is compared at one load.`,
        'wrk runs beside the server on the same cores.',
      ],
    };
  },
};
