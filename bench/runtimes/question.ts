/** What does the same actor cost on each runtime: calls, memory of all its processes, time to the first answer? */
import { join } from 'node:path';
import { findDaprd } from '../../test/servers/dapr.ts';
import type { Measurement } from '../harness/measure.ts';
import { costOfAll, sharedOfAll } from '../harness/process.ts';
import { type Question, rateOf, type Scale } from '../harness/question.ts';
import { table } from '../harness/report.ts';
import { medianOf } from '../harness/stats.ts';
import { requireWrk, wrk } from '../harness/wrk.ts';
import { type Runtime, RUNTIMES, startSet, warmStarts } from './sets.ts';

const CONNECTIONS = 32;
const MB = 2 ** 20;
const SCRIPT = join(import.meta.dirname, '../actors/actor-calls.lua');

async function measured(runtime: Runtime, scale: Scale): Promise<Measurement> {
  await using set = await startSet(runtime);
  const idle = await sharedOfAll(set.pids);
  const load = async (ms: number) =>
    wrk({
      url: `http://127.0.0.1:${set.httpPort}/v1.0/actors/Counter`,
      script: SCRIPT,
      connections: CONNECTIONS,
      seconds: Math.max(1, Math.round(ms / 1000)),
      args: ['0'],
    });
  await load(scale.warmUpMs);
  const before = await costOfAll(set.pids);
  const { requests, seconds, p50, p99 } = await load(scale.ms);
  const after = await costOfAll(set.pids);
  return {
    ops: requests,
    seconds,
    p50,
    p99,
    cpuMs: after.cpuMs - before.cpuMs,
    rss: after.rss,
    heap: Number.NaN,
    facts: {
      firstAnswerMs: set.firstAnswerMs,
      idle,
      shared: await sharedOfAll(set.pids),
      processes: set.pids.length,
    },
  };
}

export const question: Question = {
  name: 'sets',
  title: 'One actor on four runtimes: 32 callers over HTTP, all processes counted',
  async check() {
    findDaprd();
    await requireWrk();
  },
  async ask(scale, progress) {
    progress('starting each program once, uncounted');
    await using _ = await warmStarts();
    const rounds = new Map<Runtime, Measurement[]>(RUNTIMES.map((runtime) => [runtime, []]));
    for (let round = 1; round <= scale.rounds; round++) {
      for (const runtime of RUNTIMES) {
        progress(`round ${round} of ${scale.rounds}: ${runtime}`);
        rounds.get(runtime)!.push(await measured(runtime, scale));
      }
    }
    const of = (runtime: Runtime, pick: (one: Measurement) => number | undefined): number =>
      medianOf(rounds.get(runtime)!, pick);
    const fact = (runtime: Runtime, name: string): number =>
      of(runtime, ({ facts }) => facts?.[name]);
    const memory = (runtime: Runtime): number => of(runtime, ({ rss }) => rss / MB);
    return {
      results: [...rounds].map(([contender, all]) => ({ contender, rounds: all })),
      table: table(
        [
          '',
          'processes',
          'calls/s',
          'p50 µs',
          'p99 µs',
          'first answer ms',
          'idle MB',
          'PSS MB',
          'RSS MB',
        ],
        RUNTIMES.map((runtime) => [
          runtime,
          ...[
            fact(runtime, 'processes'),
            of(runtime, rateOf),
            of(runtime, ({ p50 }) => p50),
            of(runtime, ({ p99 }) => p99),
            fact(runtime, 'firstAnswerMs'),
            fact(runtime, 'idle') / MB,
            fact(runtime, 'shared') / MB,
            memory(runtime),
          ].map((value) => String(Math.round(value))),
        ]),
      ),
      aims: [
        ...(['embedded', 'embedded, small heap'] as const).flatMap((runtime) => [
          {
            what: `memory under load, RSS, ${runtime} against the set of Dapr`,
            unit: 'times',
            aim: 0.2,
            better: 'lower' as const,
            measured: memory(runtime) / memory('official Dapr'),
            note: 'every page of every process, also those that other programs share',
          },
          {
            what: `the same, PSS`,
            unit: 'times',
            aim: 0.2,
            better: 'lower' as const,
            measured: fact(runtime, 'shared') / fact('official Dapr', 'shared'),
            note: 'a page that programs share counts in parts; the binary of Node is shared with the runner',
          },
        ]),
        {
          what: 'first answer, embedded against Dapr',
          unit: 'times',
          aim: 1,
          better: 'lower',
          measured: fact('embedded', 'firstAnswerMs') / fact('official Dapr', 'firstAnswerMs'),
          note: 'from the command to the first call answered; placement and scheduler of Dapr run before',
        },
        {
          what: 'throughput, embedded against Dapr',
          unit: 'times',
          aim: 5,
          better: 'higher',
          measured: of('embedded', rateOf) / of('official Dapr', rateOf),
        },
      ],
      notes: [
        'Idle: PSS right after the first answer. PSS and RSS: after the load. Dapr: app of the JavaScript SDK, daprd, placement, scheduler; sidecar, app outside: the same app and troupe sidecar. Small heap: node --max-semi-space-size=2.',
      ],
    };
  },
};
