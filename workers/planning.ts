/** Plans with several workers of a pool: independent seeds, the best plan wins. */
import type { Pool, RunOptions } from './pool.ts';
import type { PlanInput, PlanOutput, PlanProgress } from './protocol.ts';

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

/** The best of the workers' plans; its iterations are those of all together. */
export async function planRoutes(
  pool: Pool,
  input: PlanInput,
  { workers = 1, onProgress, ...options }: PlanningOptions = {},
): Promise<PlanOutput> {
  const latest = new Map<number, PlanProgress>();
  const report = (worker: number, progress: PlanProgress): void => {
    latest.set(worker, progress);
    const all = [...latest.values()];
    const best = all.toSorted((a, b) => a.absent - b.absent || a.cost - b.cost)[0]!;
    const iterations = all.reduce((sum, one) => sum + one.iterations, 0);
    onProgress?.({ ...best, seconds: progress.seconds, iterations });
  };
  const plans = await Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      pool.run(
        'plan',
        { ...input, seed: (input.seed ?? 1) + worker },
        { ...options, onProgress: (progress) => report(worker, progress) },
      ),
    ),
  );
  const best = plans.reduce((found, plan) => (isBetter(plan, found) ? plan : found));
  return { ...best, iterations: plans.reduce((sum, plan) => sum + plan.iterations, 0) };
}
