/** How far does batching carry a model, beside the ways without it and beside what the runtime itself can do? */
import { join } from 'node:path';
import { interleave } from '../harness/fork.ts';
import {
  type Aim,
  type Contender,
  type Question,
  rateOf,
  type Result,
  resultOf,
  type Scale,
} from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { MODELS, type ModelName } from './models.ts';

const CONTENDERS = join(import.meta.dirname, 'contenders.ts');

const WAYS = {
  main: 'one call at a time on the main thread',
  pool: 'piscina, a call a request',
  batched: 'Troupe, batched',
} as const;
type Way = keyof typeof WAYS;

/**
 * What loads are shares of. Callers that wait for their answers leave both threads
 * asleep in turn, and get less out of the pool than a load that goes on.
 */
const SATURATED = `${WAYS.pool}, rates doubled until it answers no more`;
/** Shares of the most that the pool without batching takes. */
const LOADS = [0.1, 0.5, 0.95, 2] as const;
/** Where the search for the highest rate begins. */
const LEAST_RATE = 20_000;
/** The main thread must stay this responsive. */
const MOST_DELAY_MS = 20;

const nameOf = (way: Way, load: number): string => `${WAYS[way]}, ${load * 100} %`;

/** Shorter phases than those of other suites, because there are many. */
function phasesOf(scale: Scale): Scale {
  return scale.short ? scale : { ...scale, ms: 2000 };
}

function delayOf({ rounds }: Result): number {
  return medianOf(rounds, ({ facts }) => facts?.['delayMs']);
}

export function modelQuestion(model: ModelName): Question {
  const { title } = MODELS[model];
  const isTabular = model === 'demand';
  return {
    name: model,
    title: `${title} (${model}): requests of one row; loads are shares of what piscina takes with a call a request`,
    async ask(given, progress) {
      const scale = phasesOf(given);
      const limit = 'ONNX Runtime alone, its best batch';
      const ends: Contender[] = [
        { name: limit, run: 'limit', params: { model } },
        ...(['main', 'pool', 'batched'] as const).map((way) => ({
          name: `${WAYS[way]}, as many as it takes`,
          run: 'most',
          // Enough to fill two batches, as an overloaded server has.
          params: { model, way, ...(way === 'batched' ? { callers: isTabular ? 2048 : 128 } : {}) },
        })),
        { name: SATURATED, run: 'saturated', params: { model, way: 'pool' } },
      ];
      const most = await interleave(CONTENDERS, ends, scale, progress);
      const rate = (of: string): number => medianOf(resultOf(most, of).rounds, rateOf);
      const unbatched = rate(SATURATED);
      const paced: Contender[] = LOADS.flatMap((load) =>
        (['main', 'pool', 'batched'] as const).map((way) => ({
          name: nameOf(way, load),
          run: 'paced',
          params: { model, way, rate: Math.round(unbatched * load) },
        })),
      );
      const results = await interleave(CONTENDERS, paced, scale, progress);
      const p99 = (way: Way, load: number): number =>
        medianOf(resultOf(results, nameOf(way, load)).rounds, (round) => round.p99);

      const aims: Aim[] = [];
      const all = [...most, ...results];
      if (isTabular) {
        const from = Math.round(Math.max(unbatched, LEAST_RATE));
        const name = 'Troupe, batched, highest rate with p99 under 10 ms';
        const params = { model, way: 'batched', from };
        const ladder = [{ name, run: 'highest', params }];
        const [highest] = await interleave(CONTENDERS, ladder, scale, progress);
        all.push(highest!);
        aims.push(
          {
            what: `${title}: p99 at 95 %, piscina against batched`,
            unit: 'times',
            aim: 5,
            better: 'higher',
            measured: p99('pool', 0.95) / p99('batched', 0.95),
          },
          {
            what: `${title}: p99 at 10 %, batched against piscina`,
            unit: 'times',
            aim: 1.1,
            better: 'lower',
            measured: p99('batched', 0.1) / p99('pool', 0.1),
          },
          {
            what: `${title}: requests a second with p99 under 10 ms`,
            unit: '/s',
            aim: 60_000,
            better: 'higher',
            measured: medianOf(highest!.rounds, rateOf),
          },
        );
      }
      const share = rate(`${WAYS.batched}, as many as it takes`) / rate(limit);
      aims.push(
        {
          what: `${title}: batched, part of the limit's throughput`,
          unit: '%',
          ...(isTabular ? {} : { aim: 80 }),
          better: 'higher',
          measured: share * 100,
        },
        {
          what: `${title}: event-loop delay p99 of the main thread, batched, worst load`,
          unit: 'ms',
          aim: MOST_DELAY_MS,
          better: 'lower',
          measured: Math.max(
            ...LOADS.map((load) => delayOf(resultOf(results, nameOf('batched', load)))),
          ),
        },
      );
      const rows = medianOf(resultOf(most, limit).rounds, ({ facts }) => facts?.['rows']);
      const delays = (['main', 'pool', 'batched'] as const).map((way) => {
        const of = LOADS.map((load) => delayOf(resultOf(results, nameOf(way, load))).toFixed(1));
        return `${WAYS[way]} ${of.join(', ')}`;
      });
      return {
        results: all,
        aims,
        notes: [
          `The limit's best batch has ${rows} rows. Rates at a load count answers within the phase.`,
          `Event-loop delay p99 of the main thread in ms at ${LOADS.map((load) => `${load * 100} %`).join(', ')}: ${delays.join('; ')}.`,
        ],
      };
    },
  };
}
