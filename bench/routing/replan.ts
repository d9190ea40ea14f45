/**
 * A tenth of the orders of a day changes: how close is the plan of two seconds
 * that goes on from the day's plan to one of a minute from nothing? Once with
 * every stop free to move, once with vehicles on their way.
 */
import type { PlanRoute } from '../../workers/protocol.ts';
import type { Aim, Question } from '../harness/question.ts';
import { table } from '../harness/report.ts';
import { type Case, casesOf, instanceOf, nameOf, requireData } from './instances.ts';
import { inTurn, type Runs, verified } from './runs.ts';

const REPLAN_SECONDS = 2;
/** One order in so many comes in later, and one in so many is cancelled: a tenth in all. */
const EVERY = 20;
/** One vehicle in so many is on its way, with so many stops frozen. */
const ON_THE_WAY = 3;
const FROZEN = 4;

interface Day {
  readonly before: string;
  readonly after: string;
}

/** The instance as a day of two halves: what is known in the morning, and after the changes. */
function dayOf(one: Case): Day {
  const { x, y, ids, demand, depots, size, fleets } = instanceOf(one);
  const all = Array.from({ length: size - depots }, (_, at) => {
    const node = depots + at;
    return { id: ids[node]!, x: x![node]!, y: y![node]!, demand: demand[node]! };
  });
  const text = (customers: readonly unknown[]): string =>
    JSON.stringify({
      name: nameOf(one),
      rounding: 'integer',
      depots: [{ id: 'depot', x: x![0]!, y: y![0]! }],
      fleets: [{ name: 'all', capacity: fleets[0]!.capacity }],
      customers,
    });
  return {
    before: text(all.filter((_, at) => at % EVERY !== 7)),
    after: text(all.filter((_, at) => at % EVERY !== 13)),
  };
}

/** Some vehicles have left; their first stops that are still wanted stay as they are. */
function sendOff(routes: readonly PlanRoute[], after: string): PlanRoute[] {
  const { customers } = JSON.parse(after) as { customers: { id: number }[] };
  const wanted = new Set(customers.map(({ id }) => id));
  return routes.map((route, at) => {
    const stops = route.stops.filter((stop) => wanted.has(Number(stop)));
    return at % ON_THE_WAY === 0
      ? { ...route, stops, frozen: Math.min(FROZEN, stops.length) }
      : { ...route, stops };
  });
}

export function replanQuestion(runs: Runs): Question {
  return {
    name: 'replan',
    title: 'A tenth of the orders changes: two seconds from the old plan against a fresh minute',
    check: requireData,
    async ask({ short, rounds }, progress) {
      const one = casesOf(short).find(({ file }) => file.includes('n502'))!;
      const { before, after } = dayOf(one);
      const name = `${nameOf(one)}.json`;
      const { seconds } = one;
      progress('the plan of the morning');
      const morning = await runs.plan({ name, text: before, seconds, seed: 100 });
      const left = sendOff(morning.routes, after);
      const onTheWay = left
        .filter(({ frozen }) => frozen !== undefined)
        .map((route) => ({ ...route, stops: route.stops.slice(0, route.frozen) }));
      const cases = [
        {
          what: 'every stop free',
          start: left.map(({ fleet, stops }) => ({ fleet, stops })),
          fixed: [],
        },
        { what: `${onTheWay.length} vehicles on their way`, start: left, fixed: onTheWay },
      ].map((given) => ({ ...given, fresh: [] as number[], again: [] as number[] }));
      const seeds = Array.from({ length: rounds }, (_, at) => at + 1);
      await inTurn(
        cases.map(({ what, fixed, fresh }) => async () => {
          progress(`a fresh plan, ${what}`);
          const start = fixed.length > 0 ? { start: fixed } : {};
          const { routes } = await runs.plan({ name, text: after, seconds, seed: 1, ...start });
          fresh.push(verified(name, after, routes, fixed));
        }),
      );
      await inTurn(
        cases.flatMap(({ what, start, fixed, again }) =>
          seeds.map((seed) => async () => {
            progress(`planning again, ${what}, seed ${seed}`);
            const input = { name, text: after, seconds: REPLAN_SECONDS, seed, start };
            const { routes } = await runs.plan(input);
            again.push(verified(name, after, routes, fixed));
          }),
        ),
      );
      const rows = cases.map(({ what, fresh, again }) => {
        const above = again.map((cost) => (cost / fresh[0]! - 1) * 100);
        const mean = above.reduce((sum, value) => sum + value, 0) / above.length;
        return { what, fresh: fresh[0]!, mean, worst: Math.max(...above) };
      });
      const aims: Aim[] = rows.map(({ what, worst }) => ({
        what: `planning again, ${what}, worst seed above the fresh plan`,
        unit: '%',
        better: 'lower',
        measured: worst,
        ...(short ? {} : { aim: 1.5 }),
      }));
      return {
        results: [],
        aims,
        table: table(
          ['', 'fresh plan', `after ${REPLAN_SECONDS} s, mean`, 'worst seed'],
          rows.map(({ what, fresh, mean, worst }) => [
            what,
            String(fresh),
            `${mean.toFixed(2)} %`,
            `${worst.toFixed(2)} %`,
          ]),
        ),
        data: rows,
        notes: [
          `The morning's and the fresh plan take ${seconds} s each; 25 orders are cancelled and 25 come in. Frozen stops are checked too.`,
        ],
      };
    },
  };
}
