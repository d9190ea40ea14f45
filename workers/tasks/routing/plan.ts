/**
 * The task `plan`: reads a file, searches until time, iterations or its caller
 * say stop, and lets the checker look at what it found before it answers.
 */
import type { PlanInput, PlanOutput, Site, Task } from '../../protocol.ts';
import { createSearch, SEARCH, type Search } from './anneal.ts';
import { checkPlan } from './check.ts';
import { InputError } from './input-error.ts';
import type { Instance } from './instance.ts';
import { Random } from './random.ts';
import { readInstance } from './read.ts';
import { findReasons } from './reasons.ts';
import { startTours } from './savings.ts';
import { simpleTours } from './simple.ts';
import { fromStart, toStart } from './start.ts';
import { createTeam } from './team.ts';
import type { StartRoute } from './tours.ts';

/** Iterations between two looks at the clock. */
const CHUNK = 32;
const REPORT_MS = 200;
/** Iterations a second that a search by the clock is taken to make. */
const USUAL_RATE = 150_000;
/** Iterations a customer from which on a search begins as hot as any. */
const FULL_SEARCH = 6_000;
const COOLING = 0.75;
/** Part of the search between two meetings of a team. */
const LEAST_PERIOD = 1 / 60;
const LEAST_PERIOD_SECONDS = 0.1;
/** How long a team waits for a member. */
const PATIENCE_MS = 1000;
const PATIENCE_WITHOUT_CLOCK_MS = 10_000;

function sites({ x, y, ids, depots }: Instance): PlanOutput['map'] {
  if (!x || !y) return undefined;
  const all = ids.map((id, node): Site => ({ id, x: x[node]!, y: y[node]! }));
  return { depots: all.slice(0, depots), customers: all.slice(depots) };
}

/**
 * The first temperature: the fewer iterations a customer, the colder, or the end
 * is not reached in order; and the more of a plan there is to go on from, the
 * less is shaken.
 */
function hotFor(instance: Instance, input: PlanInput, start: readonly StartRoute[]): number {
  const { seconds = Infinity, iterations = seconds * USUAL_RATE, team } = input;
  const customers = Math.max(1, instance.size - instance.depots);
  const each = (iterations * (team?.members ?? 1)) / customers;
  const fresh = SEARCH.hot * (each / FULL_SEARCH) ** COOLING;
  const hot = Math.min(SEARCH.hot, Math.max(SEARCH.again, fresh));
  const planned = start.reduce((sum, { stops, frozen }) => sum + stops.length - frozen, 0);
  return hot * (SEARCH.again / hot) ** Math.min(1, planned / customers);
}

export const plan: Task<'plan'> = (input, context) => {
  const { name, text, seconds = Infinity, iterations = Infinity, seed = 1 } = input;
  if (seconds === Infinity && iterations === Infinity) {
    throw new InputError('a plan needs an end: give seconds, iterations or both');
  }
  const began = performance.now();
  const { instance, plan: saved } = readInstance(name, text);
  const given = input.start ?? saved ?? [];
  const reasons = findReasons(instance);
  const elapsed = (): number => (performance.now() - began) / 1000;

  const start = toStart(instance, given);
  const tours = startTours(instance, start);
  const search = createSearch(tours, new Random(seed), {
    ...SEARCH,
    hot: hotFor(instance, input, start),
  });
  const customers = instance.size - instance.depots;
  const searches = reasons.length === 0 && customers > 0;
  // With a bound on iterations the clock must not steer, or a seed would not repeat.
  const partOf = (now: number): number =>
    Math.min(1, iterations === Infinity ? now / seconds : search.iterations / iterations);
  const team = input.team && searches ? createTeam(input.team, tours, search) : undefined;
  const patience = iterations === Infinity ? PATIENCE_MS : PATIENCE_WITHOUT_CLOCK_MS;
  const period = Math.max(LEAST_PERIOD, seconds === Infinity ? 0 : LEAST_PERIOD_SECONDS / seconds);
  let meeting = 0;
  let reported = 0;
  while (searches && !context.cancelled()) {
    const now = elapsed();
    const part = partOf(now);
    const left = iterations - search.iterations;
    const ends = now >= seconds || left <= 0 || context.finishing();
    if (team?.state === 'together' && (ends || part >= meeting)) {
      team.meet(part, ends, patience);
      meeting = partOf(elapsed()) + period;
    }
    if (ends || team?.state === 'done') break;
    search.run(Math.min(CHUNK, left), part);
    if (now * 1000 - reported < REPORT_MS) continue;
    reported = now * 1000;
    context.report({ ...figures(instance, search), seconds: now, iterations: search.iterations });
  }

  const routes = fromStart(instance, search.routes());
  const verdict = checkPlan(instance, routes, given);
  const absent = search.absent().map((node) => instance.ids[node]!);
  const left = reasons.length === 0 && absent.length > 0 ? leftOut(absent) : verdict.problems;
  const problems = reasons.length > 0 ? reasons : [...left];
  const map = sites(instance);
  return {
    instance: instance.name,
    cost: verdict.cost,
    routes,
    seconds: elapsed(),
    iterations: search.iterations,
    feasible: verdict.feasible,
    problems,
    depots: Object.fromEntries(instance.fleets.map((one) => [one.name, instance.ids[one.depot]!])),
    ...(map ? { map } : {}),
    ...(input.compare ? { simple: simpleTours(instance) } : {}),
  };
};

function figures(instance: Instance, search: Search) {
  const { cost, absent, routes } = search.best;
  return { cost: cost / instance.scale, absent, routes };
}

function leftOut(absent: readonly (number | string)[]): string[] {
  const some = absent.slice(0, 10).join(', ');
  const more = absent.length > 10 ? ` and ${absent.length - 10} more` : '';
  return [`no vehicle was found for ${absent.length} customers: ${some}${more}`];
}
