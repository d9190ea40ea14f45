/** How fast is one typed call after another, from one caller to one actor? */
import { createSystem } from 'troupe';
import { interleave } from '../harness/fork.ts';
import { measureCalls, type Operation } from '../harness/measure.ts';
import type { Measure, Question } from '../harness/question.ts';
import { rateOf, resultOf } from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { HIT, nactCounters, Plain, Volatile } from './counters.ts';

const measured =
  (open: () => Promise<Operation>): Measure =>
  async (_params, { ms, warmUpMs, short }) =>
    measureCalls(await open(), {
      callers: 1,
      ms,
      warmUpMs,
      every: 1000,
      timedCalls: short ? 10_000 : 200_000,
    });

export const contenders: Readonly<Record<string, Measure>> = {
  promise: measured(async () => {
    const plain = new Plain();
    return () => plain.hit(HIT);
  }),
  nact: measured(async () => {
    const { spawn, ask } = nactCounters();
    const actor = spawn('one');
    return () => ask(actor, HIT);
  }),
  troupe: measured(async () => {
    const system = await createSystem({ actors: [Volatile] });
    const actor = system.ref(Volatile, 'one');
    return () => actor.hit(HIT);
  }),
};

export const question: Question = {
  name: 'call',
  title: 'Sequential call: one caller, one actor, argument and answer',
  async ask(scale, progress) {
    const results = await interleave(
      import.meta.filename,
      [
        { name: 'bare promise call', run: 'promise' },
        { name: 'nact query', run: 'nact' },
        { name: 'Troupe', run: 'troupe' },
      ],
      scale,
      progress,
    );
    const rate = (of: string): number => medianOf(resultOf(results, of).rounds, rateOf);
    return {
      results,
      aims: [
        {
          what: 'sequential typed call',
          unit: 'calls/s',
          aim: 300_000,
          better: 'higher',
          measured: rate('Troupe'),
        },
        {
          what: 'the same beside nact',
          unit: 'times',
          better: 'higher',
          measured: rate('Troupe') / rate('nact query'),
        },
      ],
    };
  },
};
