/**
 * The jobs building block: jobs by name, and their delivery to the app as
 * `POST /job/<name>`. Where they are kept and when they are due is the
 * scheduler's.
 */
import { drain } from '../core/bytes.ts';
import type { JobDelivery, Jobs, NamedJob } from '../core/job-scheduler.ts';
import type { JobData, JobSpec } from '../core/jobs.ts';
import { isTroupeError } from '../core/errors.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { ApiError, reasonOf } from './api-error.ts';
import { jobDeliveryOf } from './app-deliveries.ts';
import { timed } from './block-telemetry.ts';
import type { ApiErrorName } from './error-map.ts';
import type { AppChannel } from './invoke.ts';

export interface JobsOptions {
  readonly appId: string;
  readonly namespace?: string | undefined;
  /** Absent: no store keeps jobs, and the API says so. */
  readonly jobs?: Jobs | undefined;
  readonly app?: AppChannel | undefined;
  /** Absent: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
}

export interface JobsApi {
  schedule(name: string, spec: JobSpec, options?: { overwrite?: boolean }): Promise<void>;
  /** Errors: DAPR_SCHEDULER_GET_JOB when there is none. */
  get(name: string): Promise<NamedJob>;
  delete(name: string): Promise<void>;
  /** Of all names for an empty prefix. */
  deleteByPrefix(prefix: string): Promise<void>;
  list(): Promise<NamedJob[]>;
  /**
   * Delivers due jobs from now on; resolves to the function that ends it.
   * Default delivery: to the app, over what it speaks. Without app and delivery jobs stay where they are.
   */
  start(deliver?: JobDelivery): () => Promise<void>;
}

/** The body of a delivery: JSON of the data, or the bytes of an `Any` without white space around. */
function bodyOf(data: JobData | undefined): Uint8Array {
  if (!data) return new Uint8Array();
  if ('json' in data) return Buffer.from(data.json);
  const bytes = Buffer.from(data.base64, 'base64');
  const isBlank = (byte: number | undefined): boolean =>
    byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
  let [from, to] = [0, bytes.length];
  while (from < to && isBlank(bytes[from])) from++;
  while (to > from && isBlank(bytes[to - 1])) to--;
  return bytes.subarray(from, to);
}

/** A 404 of the app drops the tick, as in Dapr; other answers than 2xx fail it. */
function deliverTo(app: AppChannel): JobDelivery {
  return async ({ name, spec }, { signal }) => {
    const answer = await app.invoke({
      method: 'POST',
      path: `/job/${encodeURIComponent(name)}`,
      query: '',
      headers: { 'content-type': 'application/json' },
      body: bodyOf(spec.data),
      signal,
    });
    await drain(answer);
    if (answer.status === 404) return 'dropped';
    if (answer.status >= 200 && answer.status < 300) return undefined;
    throw new Error(`the app answered ${answer.status} to POST /job/${name}`);
  };
}

function measuredDelivery(
  deliver: JobDelivery,
  telemetry: Telemetry,
  namespace: string,
): JobDelivery {
  return (job, options) =>
    timed(
      () => deliver(job, options),
      (hasEnded, elapsedMs, outcome) => {
        const labels = { namespace, operation: 'job_trigger_op' };
        const success = hasEnded && outcome !== 'dropped';
        telemetry.count(`component_job_${success ? 'success' : 'failure'}_count`, labels);
        const told = { ...labels, success: String(success) };
        telemetry.observe('component_job_latencies', told, elapsedMs);
      },
    );
}

export function createJobsApi({ appId, namespace, jobs, app, telemetry }: JobsOptions): JobsApi {
  const rich = { metadata: { appID: appId, namespace: namespace || 'default' } };

  async function attempt<T>(
    name: ApiErrorName,
    what: string,
    work: (jobs: Jobs) => Promise<T>,
  ): Promise<T> {
    try {
      if (!jobs) {
        throw new Error(
          'nothing keeps jobs here; mark a state component with actorStateStore: "true"',
        );
      }
      return await work(jobs);
    } catch (cause) {
      const exists = isTroupeError(cause) && cause.code === 'CONFLICT' && name === 'JOB_SCHEDULE';
      const text = `failed to ${what} due to: ${reasonOf(cause)}`;
      throw new ApiError(exists ? 'JOB_EXISTS' : name, text, { cause, rich });
    }
  }

  function assertNamed(name: string): void {
    if (name === '') throw new ApiError('JOB_NAME_EMPTY', 'Name is empty', { rich });
  }

  return {
    async schedule(name, spec, { overwrite = false } = {}) {
      assertNamed(name);
      if (spec.schedule === undefined && spec.dueTime === undefined)
        throw new ApiError('JOB_SCHEDULE_EMPTY', 'Schedule is empty', { rich });
      await attempt('JOB_SCHEDULE', 'schedule job', (scheduler) =>
        scheduler.schedule(name, spec, { overwrite }),
      );
    },
    async get(name) {
      assertNamed(name);
      return attempt('JOB_GET', 'get job', async (scheduler) => {
        const job = await scheduler.get(name);
        if (job) return job;
        throw new Error(`job not found: ${name}`);
      });
    },
    async delete(name) {
      assertNamed(name);
      await attempt('JOB_DELETE', 'delete job', (scheduler) => scheduler.delete(name));
    },
    deleteByPrefix: (prefix) =>
      attempt('JOB_DELETE', 'delete job', (scheduler) => scheduler.deleteByPrefix(prefix)),
    list: () => attempt('JOB_LIST', 'list jobs', (scheduler) => scheduler.list()),
    start(deliver = app && (app.events ? jobDeliveryOf(app.events) : deliverTo(app))) {
      if (!jobs || !deliver) return async () => {};
      return jobs.start(
        telemetry ? measuredDelivery(deliver, telemetry, namespace ?? '') : deliver,
      );
    },
  };
}
