/** What does an actor cost that is called for the first time, and one that rests, as ids grow? */
import { createSystem } from 'troupe';
import { interleave } from '../harness/fork.ts';
import { heapAfterCollection, memory, meter } from '../harness/measure.ts';
import { type Measure, type Question, rateOf, resultOf } from '../harness/question.ts';
import { figure } from '../harness/report.ts';
import { medianOf } from '../harness/stats.ts';
import { Declared, HIT, nactCounters, Volatile } from './counters.ts';

const WARM_UP_IDS = 20_000;

/** First calls on `ids` fresh ids, one after the other; `call` makes the id's text and everything else itself. */
const measured =
  (open: () => Promise<(id: string) => Promise<unknown>>): Measure =>
  async (params, { short }) => {
    const ids = Number(params['ids']);
    const call = await open();
    for (let i = 0; i < (short ? 1000 : WARM_UP_IDS); i++) await call(`warm-${i}`);
    const before = heapAfterCollection();
    const parts: number[] = [];
    const stop = meter();
    let lap = performance.now();
    for (let part = 0; part < 2; part++) {
      const end = ((part + 1) * ids) / 2;
      for (let i = (part * ids) / 2; i < end; i++) await call(`fresh-${i}`);
      const now = performance.now();
      parts.push((now - lap) / 1000);
      lap = now;
    }
    const cost = stop();
    const used = memory();
    const bytes = (heapAfterCollection() - before) / ids;
    return {
      ops: ids,
      ...cost,
      ...used,
      facts: { bytes, firstHalf: ids / 2 / parts[0]!, secondHalf: ids / 2 / parts[1]! },
    };
  };

export const contenders: Readonly<Record<string, Measure>> = {
  nact: measured(async () => {
    const { spawn, ask } = nactCounters();
    return (id) => ask(spawn(id), HIT);
  }),
  troupe: measured(async () => {
    const system = await createSystem({ actors: [Volatile] });
    return (id) => system.ref(Volatile, id).hit(HIT);
  }),
  declared: measured(async () => {
    const system = await createSystem({ actors: [Declared] });
    return (id) => system.ref(Declared, id).hit(HIT);
  }),
};

export const question: Question = {
  name: 'fresh',
  title: 'First calls on fresh ids, and the heap of an idle actor',
  async ask(scale, progress) {
    const few = scale.short ? 1000 : 10_000;
    const many = scale.short ? 10_000 : 1_000_000;
    const named = (name: string, run: string, ids: number) => ({
      name: `${name}, ${ids.toLocaleString('en-US')} ids`,
      run,
      params: { ids },
    });
    const small = named('Troupe', 'troupe', few);
    const large = named('Troupe', 'troupe', many);
    const declared = named('Troupe, a declared state entry', 'declared', many);
    const nactFew = named('nact spawn and query', 'nact', few);
    const nactMany = named('nact spawn and query', 'nact', many);
    const results = await interleave(
      import.meta.filename,
      [nactFew, small, nactMany, large, declared],
      scale,
      progress,
    );
    const rate = (of: string): number => medianOf(resultOf(results, of).rounds, rateOf);
    const fact = (of: string, name: string): number =>
      medianOf(resultOf(results, of).rounds, ({ facts }) => facts?.[name]);
    const bytes = (what: string, of: string) => ({
      what: `heap of an idle actor, ${what}`,
      unit: 'bytes',
      aim: 1000,
      better: 'lower' as const,
      measured: fact(of, 'bytes'),
    });
    const first = (ids: number, of: string) => ({
      what: `first call, ${ids.toLocaleString('en-US')} fresh ids`,
      unit: 'calls/s',
      better: 'higher' as const,
      measured: rate(of),
    });
    return {
      results,
      aims: [
        first(few, small.name),
        first(many, large.name),
        {
          what: 'flat as ids grow: second half of the ids beside the first',
          unit: 'times',
          aim: 0.8,
          better: 'higher',
          measured: fact(large.name, 'secondHalf') / fact(large.name, 'firstHalf'),
        },
        bytes('fields only', large.name),
        bytes('with a declared state entry', declared.name),
      ],
      notes: [nactMany, large, declared].map(
        ({ name }) =>
          `${name}: ${figure(fact(name, 'bytes'))} bytes of heap each; first half ${figure(fact(name, 'firstHalf'))}/s, second half ${figure(fact(name, 'secondHalf'))}/s`,
      ),
    };
  },
};
