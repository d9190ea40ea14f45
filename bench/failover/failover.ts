/** A member is killed under load: how soon do its actors answer from another one, and how many calls fail until then? */
import { interleave } from '../harness/fork.ts';
import { type Measurement, memory, meter } from '../harness/measure.ts';
import type { Measure, Question } from '../harness/question.ts';
import { resultOf } from '../harness/question.ts';
import { figure, table } from '../harness/report.ts';
import { medianOf } from '../harness/stats.ts';
import { call, startMembers, type Kind } from './members.ts';

const CALLERS = 16;
const ACTORS = 32;
/** What a call may take before it counts as failed. */
const CALL_MS = 10_000;
/** The run ends when every actor has answered again, or after this. */
const LONGEST_MS = 30_000;

interface Outcome {
  readonly id: string;
  readonly begun: number;
  readonly ended: number;
  readonly good: boolean;
}

/** Callers that go round all actors until they are told to stop. */
function load(base: string, ids: readonly string[]) {
  const outcomes: Outcome[] = [];
  let stopped = false;
  const loop = async (caller: number): Promise<void> => {
    for (let at = caller; !stopped; at++) {
      const id = ids[at % ids.length]!;
      const begun = performance.now();
      const good = await call(base, id, CALL_MS).then(
        () => true,
        () => false,
      );
      outcomes.push({ id, begun, ended: performance.now(), good });
    }
  };
  const running = Promise.all(Array.from({ length: CALLERS }, (_, caller) => loop(caller)));
  return {
    outcomes,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

const failover: Measure = async (params, scale) => {
  const kinds = { victim: params['victim'] as Kind, survivor: params['survivor'] as Kind };
  await using members = await startMembers(kinds, ACTORS);
  const stopMeter = meter();
  const { outcomes, stop } = load(members.survivor.base, members.ids);
  await new Promise((resolve) => setTimeout(resolve, scale.warmUpMs + scale.ms));
  const killed = performance.now();
  members.victim.kill();
  const back = new Map<string, number>();
  while (back.size < ACTORS && performance.now() < killed + LONGEST_MS) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const { id, begun, ended, good } of outcomes)
      if (good && begun > killed && !back.has(id)) back.set(id, ended - killed);
  }
  await stop();
  const times = [...back.values()].toSorted((a, b) => a - b);
  const measurement: Measurement = {
    ops: outcomes.length,
    ...stopMeter(),
    ...memory(),
    facts: {
      firstMs: times[0] ?? Number.NaN,
      allMs: back.size === ACTORS ? times.at(-1)! : Number.NaN,
      failed: outcomes.filter(({ good, ended }) => !good && ended > killed).length,
      failedBefore: outcomes.filter(({ good, ended }) => !good && ended <= killed).length,
    },
  };
  return measurement;
};

export const contenders: Readonly<Record<string, Measure>> = { failover };

const PAIRS = [
  ['troupe', 'troupe'],
  ['troupe', 'daprd'],
  ['daprd', 'troupe'],
  ['daprd', 'daprd'],
] as const;

const LABELS = { troupe: 'Troupe', daprd: 'daprd' } as const;
const nameOf = ([victim, survivor]: readonly [Kind, Kind]): string =>
  `${LABELS[victim]} killed, ${LABELS[survivor]} left`;

export const question: Question = {
  name: 'failover',
  title: `A member is killed (SIGKILL) while ${CALLERS} callers call ${ACTORS} of its actors through the one that is left`,
  async ask(scale, progress) {
    const results = await interleave(
      import.meta.filename,
      PAIRS.map((pair) => ({
        name: nameOf(pair),
        run: 'failover',
        params: { victim: pair[0], survivor: pair[1] },
      })),
      scale,
      progress,
    );
    const fact = (of: string, name: string): number =>
      medianOf(resultOf(results, of).rounds, ({ facts }) => facts![name]!);
    const rows = results.map(({ contender, rounds }) => [
      contender,
      `${figure(fact(contender, 'firstMs'))} ms`,
      `${figure(fact(contender, 'allMs'))} ms`,
      figure(fact(contender, 'failed')),
      figure(medianOf(rounds, ({ ops }) => ops)),
      figure(fact(contender, 'failedBefore')),
    ]);
    const head = ['', 'first good call', 'all actors back', 'failed calls', 'calls in all'];
    return {
      results,
      table: table([...head, 'failed before the kill'], rows),
      aims: PAIRS.map(nameOf).flatMap((of) => [
        {
          what: `${of}: first good call`,
          unit: 'ms',
          better: 'lower' as const,
          measured: fact(of, 'firstMs'),
        },
        {
          what: `${of}: failed calls`,
          unit: 'calls',
          better: 'lower' as const,
          measured: fact(of, 'failed'),
        },
      ]),
      notes: [
        'Medians of the rounds. Dapr’s own placement and scheduler, actors on Redis; a call that takes over 10 s counts as failed.',
        'A call that was on its way into the killed sidecar may have taken effect; the one that is left makes it again.',
      ],
    };
  },
};
