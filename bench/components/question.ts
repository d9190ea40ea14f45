/** Each driver beside its bare client library: the same work, callers and durability, in turn. */
import { randomUUID } from 'node:crypto';
import { measureInChild } from '../harness/fork.ts';
import { measureEach, type Measurement } from '../harness/measure.ts';
import { rateOf, type Aim, type Measure, type Question } from '../harness/question.ts';
import { duration, figure, table } from '../harness/report.ts';
import { scratch } from '../harness/scratch.ts';
import { medianOf } from '../harness/stats.ts';
import { rows as etcd } from './etcd.ts';
import { rows as kafka } from './kafka.ts';
import { rows as postgresql } from './postgresql.ts';
import { rows as redis } from './redis.ts';
import { addressIn, CALLERS, type Row, type Side } from './rows.ts';
import { rows as sqlite } from './sqlite.ts';

/** By the question that they make. */
const ROWS: Readonly<Record<string, readonly Row[]>> = {
  sqlite,
  redis,
  postgresql,
  etcd,
  kafka,
};
/** What a driver is to reach of its bare library. */
const LEAST = 0.8;

const measured =
  (side: Side, callers: number): Measure =>
  async (params, scale) => {
    const opened = await side(addressIn(params), scale);
    try {
      if ('measure' in opened) return await opened.measure();
      return await measureEach(opened.operation, { callers, ...scale });
    } finally {
      await opened.close();
    }
  };

const nameOf = ({ driver, does }: Row): string => `${driver} ${does}`;

export const contenders: Readonly<Record<string, Measure>> = Object.fromEntries(
  Object.values(ROWS)
    .flat()
    .flatMap((row) => {
      const callers = row.callers ?? CALLERS;
      return [
        [`${nameOf(row)} ours`, measured(row.ours, callers)],
        [`${nameOf(row)} bare`, measured(row.theirs, callers)],
      ];
    }),
);

interface Rounds {
  readonly row: Row;
  readonly ours: Measurement[];
  readonly bare: Measurement[];
}

const ratioOf = ({ ours, bare }: Rounds): number => medianOf(ours, rateOf) / medianOf(bare, rateOf);

function lineOf(name: string, rounds: readonly Measurement[]): string[] {
  return [
    name,
    figure(medianOf(rounds, rateOf)),
    duration(medianOf(rounds, ({ p50 }) => p50)),
    duration(medianOf(rounds, ({ p99 }) => p99)),
    duration(medianOf(rounds, ({ cpuMs, ops }) => (cpuMs * 1000) / ops)),
  ];
}

function tableOf(all: readonly Rounds[]): string {
  const lines = all.flatMap((rounds) => [
    [...lineOf(nameOf(rounds.row), rounds.ours), `${Math.round(ratioOf(rounds) * 100)} %`],
    [...lineOf(`  bare: ${rounds.row.bare}`, rounds.bare), ''],
  ]);
  return table(['', 'median/s', 'p50', 'p99', 'CPU an op', 'of bare'], lines);
}

function question(name: string, rows: readonly Row[]): Question {
  return {
    name,
    title: `${name}: ${CALLERS} callers, values of 200 bytes`,
    async ask(scale, progress) {
      const all: Rounds[] = [];
      for (const row of rows) {
        const rounds: Rounds = { row, ours: [], bare: [] };
        all.push(rounds);
        await using server = await row.server?.();
        await using folder = await scratch(scale.dir);
        const own = { ...scale, dir: folder.path };
        for (let round = 1; round <= scale.rounds; round++) {
          // The side that begins changes, so that neither always finds the server warm.
          const sides = round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
          for (const side of sides) {
            const run = `${nameOf(row)} ${side}`;
            progress(`round ${round} of ${scale.rounds}: ${run}`);
            const params = { port: server?.port ?? 0, name: `bench-${randomUUID().slice(0, 8)}` };
            const contender = { name: run, run, params };
            rounds[side].push(await measureInChild(import.meta.filename, contender, own));
          }
        }
      }
      const aims = all.map((rounds): Aim => ({
        what: `${nameOf(rounds.row)}, of its bare library`,
        unit: 'times',
        aim: LEAST,
        better: 'higher',
        measured: ratioOf(rounds),
      }));
      const results = all.flatMap(({ row, ours, bare }) => [
        { contender: nameOf(row), rounds: ours },
        { contender: `${nameOf(row)}, bare`, rounds: bare },
      ]);
      return { results, aims, table: tableOf(all) };
    },
  };
}

export const questions: readonly Question[] = Object.entries(ROWS).map(([name, rows]) =>
  question(name, rows),
);
