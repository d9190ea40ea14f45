/** Plans with several workers of a pool: each searches with a seed of its own, and all share what they find. */
import type { Pool, RunOptions } from './pool.ts';
import { type PlanInput, type PlanOutput, type PlanProgress, teamBytes } from './protocol.ts';

export interface PlanningOptions extends RunOptions<PlanProgress> {
  /** Searches side by side, with the seeds from `input.seed` on. Default 1. */
  readonly workers?: number;
}

function isBetter(a: PlanOutput, b: PlanOutput): boolean {
  if (a.feasible !== b.feasible) return a.feasible;
  const served = (plan: PlanOutput) =>
    plan.routes.reduce((sum, { stops }) => sum + stops.length, 0);
  return served(a) === served(b) ? a.cost < b.cost : served(a) > served(b);
}

function isLess(a: PlanProgress, b: PlanProgress): boolean {
  return a.absent === b.absent ? a.cost < b.cost : a.absent < b.absent;
}

/** The best of the workers' plans; its iterations are those of all together. */
export async function planRoutes(
  pool: Pool,
  input: PlanInput,
  { workers = 1, onProgress, ...options }: PlanningOptions = {},
): Promise<PlanOutput> {
  const latest = new Map<number, PlanProgress>();
  // Members that wait for a thread would keep the others waiting at every meeting.
  const shares = workers > 1 && pool.workers >= workers;
  const memory = shares ? new SharedArrayBuffer(teamBytes(workers)) : undefined;
  const report = (worker: number, progress: PlanProgress): void => {
    const before = latest.get(worker);
    // A search that shares starts each of its parts over, and has then not lost what was known.
    const { cost, absent, routes } = before && isLess(before, progress) ? before : progress;
    latest.set(worker, { ...progress, cost, absent, routes });
    const all = [...latest.values()];
    const best = all.reduce((found, one) => (isLess(one, found) ? one : found));
    const iterations = all.reduce((sum, one) => sum + one.iterations, 0);
    onProgress?.({ ...best, seconds: progress.seconds, iterations });
  };
  const plans = await Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      pool.run(
        'plan',
        {
          ...input,
          seed: (input.seed ?? 1) + worker,
          ...(memory ? { team: { memory, member: worker, members: workers } } : {}),
        },
        { ...options, onProgress: (progress) => report(worker, progress) },
      ),
    ),
  );
  const best = plans.reduce((found, plan) => (isBetter(plan, found) ? plan : found));
  return { ...best, iterations: plans.reduce((sum, plan) => sum + plan.iterations, 0) };
}
