/** Does a call keep its price when 64 callers share 1,000 actors? */
import { createSystem } from 'troupe';
import { interleave } from '../harness/fork.ts';
import { measureCalls, type Operation } from '../harness/measure.ts';
import { type Measure, type Question, rateOf, resultOf } from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { HIT, nactCounters, Plain, Volatile } from './counters.ts';
import { spread } from './spread.ts';

const ACTORS = 1000;
const CALLERS = 64;

const measured =
  (open: () => Promise<readonly (() => Promise<unknown>)[]>): Measure =>
  async (_params, { ms, warmUpMs, short }) => {
    const calls = await open();
    const pick = spread(CALLERS, ACTORS);
    const operation: Operation = (caller) => calls[pick(caller)]!();
    return measureCalls(operation, {
      callers: CALLERS,
      ms,
      warmUpMs,
      every: 64,
      timedCalls: short ? 10_000 : 200_000,
    });
  };

const ids = Array.from({ length: ACTORS }, (_, at) => `actor-${at}`);

export const contenders: Readonly<Record<string, Measure>> = {
  promise: measured(async () =>
    ids.map(() => {
      const plain = new Plain();
      return () => plain.hit(HIT);
    }),
  ),
  nact: measured(async () => {
    const { spawn, ask } = nactCounters();
    return ids.map((id) => {
      const actor = spawn(id);
      return () => ask(actor, HIT);
    });
  }),
  troupe: measured(async () => {
    const system = await createSystem({ actors: [Volatile] });
    return ids.map((id) => {
      const actor = system.ref(Volatile, id);
      return () => actor.hit(HIT);
    });
  }),
};

export const question: Question = {
  name: 'callers',
  title: `Concurrent calls: ${CALLERS} callers, ${ACTORS.toLocaleString('en-US')} actors`,
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
    return {
      results,
      aims: [
        {
          what: '1,000 actors under 64 callers',
          unit: 'calls/s',
          better: 'higher',
          measured: medianOf(resultOf(results, 'Troupe').rounds, rateOf),
        },
      ],
    };
  },
};
