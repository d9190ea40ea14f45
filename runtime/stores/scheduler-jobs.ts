/** Jobs of the app in Dapr's scheduler. */
import type { JobDelivery, Jobs, NamedJob } from '../core/job-scheduler.ts';
import { jobData, jobMessage, jobSpec, type JobMessage } from '../transport/grpc/methods/jobs.ts';
import type { DaprScheduler } from './dapr-scheduler.ts';
import type { Trigger } from './dapr-triggers.ts';

export interface SchedulerJobs extends Jobs {
  /** A job is due. Rejects when the app failed it, or takes none. */
  trigger(trigger: Trigger): Promise<void>;
}

export interface SchedulerJobsOptions {
  readonly scheduler: DaprScheduler;
  /** Told when the app begins or ends taking its jobs. */
  readonly takesJobs: (takes: boolean) => void;
}

export function createSchedulerJobs({ scheduler, takesJobs }: SchedulerJobsOptions): SchedulerJobs {
  const metadata = scheduler.metadata({ job: {} });
  const underWay = new Set<Promise<unknown>>();
  let delivery: { readonly deliver: JobDelivery; readonly stopping: AbortController } | undefined;

  const named = (name: string, job: JobMessage): NamedJob => ({
    name,
    record: { spec: jobSpec(job) },
  });

  return {
    async schedule(name, spec, { overwrite }) {
      const job = jobMessage(name, spec);
      await scheduler.call('ScheduleJob', { name, job, overwrite, metadata });
    },
    async get(name) {
      const { job } = await scheduler.call<{ job: JobMessage }>('GetJob', { name, metadata });
      return named(name, job);
    },
    async delete(name) {
      await scheduler.call('DeleteJob', { name, metadata });
    },
    async deleteByPrefix(namePrefix) {
      await scheduler.call('DeleteByNamePrefix', { namePrefix, metadata });
    },
    async list() {
      const { jobs } = await scheduler.call<{
        jobs: readonly { readonly name: string; readonly job: JobMessage }[];
      }>('ListJobs', { metadata });
      return jobs
        .map(({ name, job }) => named(name, job))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    start(deliver) {
      const started = { deliver, stopping: new AbortController() };
      delivery = started;
      takesJobs(true);
      return async () => {
        if (delivery !== started) return;
        delivery = undefined;
        takesJobs(false);
        started.stopping.abort();
        await Promise.allSettled(underWay);
      };
    },
    async trigger({ name, data }) {
      if (!delivery) throw new Error(`the app takes no jobs now, so not "${name}" either`);
      const { deliver, stopping } = delivery;
      const carried = data ? jobData(data) : undefined;
      const spec = carried ? { data: carried } : {};
      const working = deliver({ name, spec }, { signal: stopping.signal });
      underWay.add(working);
      await working.finally(() => underWay.delete(working));
    },
  };
}
