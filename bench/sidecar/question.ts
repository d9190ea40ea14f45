/** What does each building block cost through a sidecar: Troupe's and the official daprd, with the same app and files? */
import { costOfAll } from '../harness/process.ts';
import { requireLoad, type Load, type Offered } from '../harness/load.ts';
import type { Measurement } from '../harness/measure.ts';
import { rateOf, type Aim, type Question, type Result, type Scale } from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { findDaprd } from '../../test/servers/dapr.ts';
import { ACTOR, rowsOf, send, type Row } from './rows.ts';
import type { Kind } from './sidecars.ts';
import { startBare, startInside, startWorld, type Target, type World } from './worlds.ts';

const KINDS: readonly Kind[] = ['daprd', 'Troupe'];
/** V8 needs some 20,000 requests to compile what is hot; daprd was compiled before. Both get the same. */
const WARM_UP_SECONDS = 5;
/** Part of the slower side's best that both are offered. */
const COMMON_LOAD = 0.8;
const INSIDE = 'actor call, inside the process';
const BARE = 'bare server';

type Rounds = Map<string, Measurement[]>;

const nameOf = (row: { name: string; transport: string }, kind: string): string =>
  `${row.transport} ${row.name}: ${kind}`;

async function measured(
  target: Target,
  row: Pick<Row, 'request' | 'delivers'>,
  offered: Offered,
): Promise<Measurement> {
  const { pids, app } = target;
  const before = await costOfAll(pids);
  const events = row.delivers ? await app!.events() : 0;
  const began = performance.now();
  // A broker in memory holds 10,000 events: half a second of them is less, however slow the app.
  const length = row.delivers ? Math.min(offered.seconds, 0.5) : offered.seconds;
  const load: Load = await send(target, row.request, { ...offered, seconds: length });
  if (row.delivers) await delivered(app!, events + load.requests);
  const untilDelivered = (performance.now() - began) / 1000;
  const after = await costOfAll(pids);
  return {
    ops: load.requests,
    seconds: row.delivers ? untilDelivered : load.seconds,
    p50: load.p50,
    p99: load.p99,
    cpuMs: after.cpuMs - before.cpuMs,
    rss: after.rss,
    heap: Number.NaN,
  };
}

async function delivered(app: NonNullable<Target['app']>, count: number): Promise<void> {
  const until = performance.now() + 10_000;
  while ((await app.events()) < count) {
    if (performance.now() > until) throw new Error(`${count} events published, fewer delivered`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function warm(
  target: Target,
  row: Pick<Row, 'request' | 'delivers'>,
  seconds: number,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  // Events come in bursts, as when they are measured.
  while (performance.now() < until) await measured(target, row, { seconds });
}

interface Length {
  readonly seconds: number;
  readonly warmUp: number;
}

interface Side {
  readonly name: string;
  readonly target: Target;
  readonly row: Pick<Row, 'request' | 'delivers'>;
}

/** Every side in turn: a warm-up, as fast as it goes, and then all at one load. */
async function compare(
  row: Pick<Row, 'name' | 'transport'>,
  sides: readonly Side[],
  { seconds, warmUp }: Length,
  into: { most: Rounds; equal: Rounds },
): Promise<void> {
  const rates: number[] = [];
  const add = (to: Rounds, name: string, one: Measurement): void =>
    void to.set(name, [...(to.get(name) ?? []), one]);
  for (const { name, target, row: sent } of sides) {
    await warm(target, sent, warmUp);
    const one = await measured(target, sent, { seconds });
    rates.push(rateOf(one));
    add(into.most, nameOf(row, name), one);
  }
  const rate = Math.min(...rates) * COMMON_LOAD;
  for (const { name, target, row: sent } of sides) {
    add(into.equal, nameOf(row, name), await measured(target, sent, { seconds, rate }));
  }
}

async function round(
  scale: Scale,
  at: number,
  into: { most: Rounds; equal: Rounds },
  progress: (step: string) => void,
): Promise<void> {
  const length = scale.short
    ? { seconds: 0.6, warmUp: 0.2 }
    : { seconds: 3, warmUp: WARM_UP_SECONDS };
  await using stack = new AsyncDisposableStack();
  const worlds = new Map<Kind, World>();
  // The side that begins changes from round to round.
  const kinds = at % 2 === 1 ? KINDS : KINDS.toReversed();
  for (const kind of kinds) {
    progress(`round ${at}: starting ${kind}`);
    worlds.set(kind, stack.use(await startWorld(kind)));
  }
  const inside = stack.use(await startInside());
  const bare = stack.use(await startBare());
  const rows = new Map(kinds.map((kind) => [kind, rowsOf(kind)]));
  for (const [index, { of, ...row }] of rows.get('daprd')!.entries()) {
    progress(`round ${at}: ${row.transport} ${row.name}`);
    const sides = kinds.map((kind) => {
      return { name: kind, target: worlds.get(kind)![of], row: rows.get(kind)![index]! };
    });
    await compare(row, sides, length, into);
  }
  for (const transport of ['HTTP', 'gRPC'] as const) {
    progress(`round ${at}: ${transport} ${INSIDE}`);
    const request = ACTOR[transport];
    await compare(
      { name: INSIDE, transport },
      [
        { name: 'daprd with the SDK’s app', target: worlds.get('daprd')!.sdk, row: { request } },
        { name: 'Troupe', target: inside, row: { request } },
      ],
      length,
      into,
    );
    await warm(bare, { request }, length.warmUp);
    const one = await measured(bare, { request }, { seconds: length.seconds });
    const name = nameOf(
      { name: BARE, transport },
      transport === 'HTTP' ? 'node:http' : 'node:http2',
    );
    into.most.set(name, [...(into.most.get(name) ?? []), one]);
  }
}

export const question: Question = {
  name: 'blocks',
  title:
    'Building blocks through a sidecar: 32 callers from a compiled generator, CPU and memory of the sidecars',
  async check() {
    findDaprd();
    await requireLoad();
  },
  async ask(scale, progress) {
    const into = { most: new Map() as Rounds, equal: new Map() as Rounds };
    for (let at = 1; at <= scale.rounds; at++) await round(scale, at, into, progress);
    const most = (name: string): number => medianOf(into.most.get(name)!, rateOf);
    const p99 = (name: string): number => medianOf(into.equal.get(name)!, (one) => one.p99);
    const aims: Aim[] = rowsOf('Troupe').map((row) => ({
      what: `${row.transport} ${row.name}: throughput, Troupe against daprd`,
      unit: 'times',
      aim: row.transport === 'HTTP' ? 1 : 0.6,
      better: 'higher',
      measured: most(nameOf(row, 'Troupe')) / most(nameOf(row, 'daprd')),
    }));
    for (const transport of ['HTTP', 'gRPC'] as const) {
      const row = { name: INSIDE, transport };
      const [ours, theirs] = [nameOf(row, 'Troupe'), nameOf(row, 'daprd with the SDK’s app')];
      aims.push(
        {
          what: `${transport} ${INSIDE}: throughput against daprd with the SDK’s app`,
          unit: 'times',
          aim: 5,
          better: 'higher',
          measured: most(ours) / most(theirs),
        },
        {
          what: `${transport} ${INSIDE}: p99 at equal load, daprd with the SDK’s app against Troupe`,
          unit: 'times',
          aim: 5,
          better: 'higher',
          measured: p99(theirs) / p99(ours),
        },
      );
    }
    const results = (of: Rounds, suffix = ''): Result[] =>
      [...of].map(([contender, rounds]) => ({ contender: contender + suffix, rounds }));
    return {
      results: [...results(into.most), ...results(into.equal, ', equal load')],
      aims,
      notes: [
        `Every side is warmed up for ${scale.short ? 0.2 : WARM_UP_SECONDS} s before a row is taken.`,
        `Equal load: both sides of a row are offered ${COMMON_LOAD * 100} % of the slower one's best of that round; times count from the intended start.`,
        'Publish and deliver: counted until the app has got every event; times are those of publishing.',
        'Two sidecars: cost of both, and of a third that is idle. SDK app: cost of sidecar and app. The generator and the app in Go run beside them.',
      ],
    };
  },
};
