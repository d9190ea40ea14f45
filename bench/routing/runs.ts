/**
 * One plan by Troupe, as a host makes it: through a pool of worker threads, with
 * progress coming in, verified by the checker, while the delay of the main
 * thread's event loop is watched. And a way to keep as many at work as there are
 * cores, because a search takes one.
 */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { planRoutes } from '../../workers/planning.ts';
import { createPool } from '../../workers/pool.ts';
import type { PlanInput, PlanOutput, PlanRoute } from '../../workers/protocol.ts';
import { checkPlan } from '../../workers/tasks/routing/check.ts';
import { readInstance } from '../../workers/tasks/routing/read.ts';
import { type Case, nameOf, textOf } from './instances.ts';

/** Runs at the same time; Troupe's and the peers' alike. */
export const SIDE_BY_SIDE = Math.min(2, availableParallelism());
const DELAY_EVERY_MS = 1;

/** Runs all, `SIDE_BY_SIDE` at a time, in their order. */
export async function inTurn(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = left.shift(); job; job = left.shift()) await job();
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
}

/** The cost by the checker. Throws when the plan breaks a rule. */
export function verified(
  name: string,
  text: string,
  routes: readonly PlanRoute[],
  frozen: readonly PlanRoute[] = [],
): number {
  const { cost, problems } = checkPlan(readInstance(name, text).instance, routes, frozen);
  if (problems.length > 0) throw new Error(`${name}: the plan is wrong: ${problems[0]}`);
  return cost;
}

export interface Run {
  readonly cost: number;
  readonly routes: number;
  readonly iterations: number;
  readonly seconds: number;
}

export interface Runs {
  /** The same run is made once, whichever question asks. */
  run(one: Case, seed: number, workers: number): Promise<Run>;
  plan(input: PlanInput, workers?: number): Promise<PlanOutput>;
  /**
   * Milliseconds of the main thread's delay while plans were made: the longest, and the worst p99
   * of all spells without a pause. The 1 ms between two looks is part of both.
   */
  delay(): { readonly p99: number; readonly most: number };
}

export function createRuns(): Runs {
  const delays: ReturnType<typeof monitorEventLoopDelay>[] = [];
  const made = new Map<string, Promise<Run>>();
  let atWork = 0;

  const plan = async (input: PlanInput, workers = 1): Promise<PlanOutput> => {
    await using pool = createPool({ workers });
    if (atWork++ === 0) {
      const spell = monitorEventLoopDelay({ resolution: DELAY_EVERY_MS });
      spell.enable();
      delays.push(spell);
    }
    try {
      return await planRoutes(pool, input, { workers, onProgress: () => {} });
    } finally {
      if (--atWork === 0) delays.at(-1)!.disable();
    }
  };
  const run = async (one: Case, seed: number, workers: number): Promise<Run> => {
    const text = textOf(one);
    const name = basename(one.file);
    // Seeds of two workers must not be those of another run's.
    const first = (seed - 1) * workers + 1;
    const output = await plan({ name, text, seconds: one.seconds, seed: first }, workers);
    if (!output.feasible) throw new Error(`${name}: ${output.problems[0]}`);
    const { iterations, seconds, routes } = output;
    return { cost: verified(name, text, routes), routes: routes.length, iterations, seconds };
  };
  return {
    plan,
    run(one, seed, workers) {
      const key = `${nameOf(one)} ${one.seconds} ${seed} ${workers}`;
      let known = made.get(key);
      if (!known) made.set(key, (known = run(one, seed, workers)));
      return known;
    },
    delay: () => ({
      p99: Math.max(...delays.map((spell) => spell.percentile(99))) / 1e6,
      most: Math.max(...delays.map(({ max }) => max)) / 1e6,
    }),
  };
}
