/** Do two workers that share what they find beat one in the same time, and does the main thread stay free? */
import type { Aim, Question } from '../harness/question.ts';
import { table } from '../harness/report.ts';
import { casesOf, gapOf, nameOf, requireData } from './instances.ts';
import { inTurn, type Run, type Runs } from './runs.ts';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function workersQuestion(runs: Runs): Question {
  return {
    name: 'workers',
    title: 'One worker against two in the same wall time, and the delay of the main thread',
    check: requireData,
    async ask({ short, rounds }, progress) {
      const seeds = Array.from({ length: rounds }, (_, at) => at + 1);
      const rows = casesOf(short)
        .filter(({ family }) => family === 'up to 1001')
        .map((one) => ({ one, single: [] as Run[], double: [] as Run[] }));
      await inTurn(
        rows.flatMap(({ one, single }) =>
          seeds.map((seed) => async () => {
            progress(`${nameOf(one)}, one worker, seed ${seed}`);
            single.push(await runs.run(one, seed, 1));
          }),
        ),
      );
      for (const { one, double } of rows) {
        for (const seed of seeds) {
          progress(`${nameOf(one)}, two workers, seed ${seed}`);
          double.push(await runs.run(one, seed, 2));
        }
      }
      const gaps = rows.map(({ one, single, double }) => ({
        name: nameOf(one),
        seconds: one.seconds,
        one: mean(single.map(({ cost }) => gapOf(one, cost))),
        two: mean(double.map(({ cost }) => gapOf(one, cost))),
      }));
      const { p99, most } = runs.delay();
      const aims: Aim[] = gaps.map(({ name, one, two }) => ({
        what: `${name}: mean gap of two workers less that of one`,
        unit: 'points',
        better: 'lower',
        measured: two - one,
        ...(short ? {} : { aim: 0 }),
      }));
      return {
        results: [],
        aims: [
          ...aims,
          {
            what: 'event-loop delay of the main thread while planning, p99',
            unit: 'ms',
            better: 'lower',
            measured: p99,
            aim: 20,
          },
        ],
        table: table(
          ['mean gap in %', 'time', 'one worker', 'two workers'],
          gaps.map(({ name, seconds, one, two }) => [
            name,
            `${seconds} s`,
            one.toFixed(2),
            two.toFixed(2),
          ]),
        ),
        data: { rows, delay: { p99, most } },
        notes: [
          `Longest delay of the main thread ${most.toFixed(1)} ms, while it also reads, verifies and feeds the peers; p99 is the worst of any spell.`,
          'One-worker runs go as many at a time as there are cores, up to two, so that both sides find the machine equally busy.',
        ],
      };
    },
  };
}
