/** How soon is a sidecar there, and what does it hold while it waits? */
import { componentYaml } from '../../runtime/cli/sidecar.fixture.ts';
import { findDaprd } from '../../test/servers/dapr.ts';
import type { Measurement } from '../harness/measure.ts';
import { costOf } from '../harness/process.ts';
import type { Question } from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { table } from '../harness/report.ts';
import { startSidecar, type Kind } from './sidecars.ts';

const KINDS: readonly Kind[] = ['daprd', 'Troupe'];
const STARTS = 5;
/** Until garbage of the start has settled. */
const IDLE_MS = 2000;
const MB = 2 ** 20;

async function started(kind: Kind, idleMs: number): Promise<Measurement> {
  const began = performance.now();
  await using sidecar = await startSidecar(kind, {
    appId: 'shop',
    resources: [
      componentYaml('store', 'state.in-memory'),
      componentYaml('pubsub', 'pubsub.in-memory'),
    ],
  });
  const seconds = (performance.now() - began) / 1000;
  const { cpuMs } = await costOf(sidecar.pid);
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const { rss } = await costOf(sidecar.pid);
  return { ops: 1, seconds, cpuMs, rss, heap: Number.NaN };
}

export const startup: Question = {
  name: 'startup',
  title: 'From the start of the process to healthz 204, and memory while idle',
  async check() {
    findDaprd();
  },
  async ask(scale, progress) {
    const rounds = new Map<Kind, Measurement[]>(KINDS.map((kind) => [kind, []]));
    for (let at = 1; at <= (scale.short ? 1 : scale.rounds * STARTS); at++) {
      for (const kind of KINDS) {
        progress(`start ${at}: ${kind}`);
        rounds.get(kind)!.push(await started(kind, scale.short ? 100 : IDLE_MS));
      }
    }
    const ms = (kind: Kind): number => medianOf(rounds.get(kind)!, (one) => one.seconds * 1000);
    const memory = (kind: Kind): number => medianOf(rounds.get(kind)!, (one) => one.rss / MB);
    return {
      results: [...rounds].map(([contender, of]) => ({ contender, rounds: of })),
      table: table(
        ['', 'starts', 'median ms', 'least ms', 'CPU ms', 'idle MB'],
        KINDS.map((kind) => {
          const of = rounds.get(kind)!;
          const least = Math.min(...of.map(({ seconds }) => seconds * 1000));
          const cpu = medianOf(of, ({ cpuMs }) => cpuMs);
          return [kind, of.length, ms(kind), least, cpu, memory(kind)].map((value) =>
            typeof value === 'number' ? String(Math.round(value)) : value,
          );
        }),
      ),
      aims: [
        { what: 'start to healthz, daprd', unit: 'ms', better: 'lower', measured: ms('daprd') },
        {
          what: 'start to healthz, Troupe',
          unit: 'ms',
          aim: 300,
          better: 'lower',
          measured: ms('Troupe'),
        },
        {
          what: 'idle memory, Troupe against daprd',
          unit: 'times',
          aim: 1.7,
          better: 'lower',
          measured: memory('Troupe') / memory('daprd'),
        },
      ],
    };
  },
};
