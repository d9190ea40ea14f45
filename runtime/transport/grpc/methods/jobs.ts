/** gRPC methods of the jobs block. A job's data is an Any; one of Value is JSON to the other side. */
import { ApiError } from '../../../api/api-error.ts';
import type { JobsApi } from '../../../api/jobs.ts';
import type { JobData, JobSpec } from '../../../core/jobs.ts';
import type { FailurePolicy } from '../../../core/ports.ts';
import type { AnyBytes } from '../any.ts';
import { EMPTY, unary, type MethodRow } from '../registry.ts';
import {
  decodeValue,
  durationOf,
  encodeValue,
  millisecondsOf,
  type PlainDuration,
} from '../struct.ts';

/** A job of Dapr's API, or of its scheduler, which has the name beside it. */
export interface JobMessage {
  readonly name?: string;
  readonly schedule?: string;
  readonly repeats?: number;
  readonly dueTime?: string;
  readonly ttl?: string;
  readonly data?: AnyBytes | null;
  readonly failurePolicy?: PolicyMessage | null;
}

/** JobFailurePolicy, which reminders have as well. */
export interface PolicyMessage {
  readonly drop?: object | null;
  readonly constant?: {
    readonly interval?: PlainDuration | null;
    readonly maxRetries?: number;
  } | null;
}

type Named = { readonly name: string };

const VALUE_TYPE = 'type.googleapis.com/google.protobuf.Value';

/** An Any as a job keeps it. */
export function jobData({ type_url: typeUrl, value }: AnyBytes): JobData | undefined {
  if (typeUrl !== VALUE_TYPE) return { typeUrl, base64: Buffer.from(value).toString('base64') };
  const json = decodeValue(value);
  return json === undefined ? undefined : { json };
}

/** The Any of what a job carries. */
export function anyOfJob(data: JobData): AnyBytes {
  if ('json' in data) return { type_url: VALUE_TYPE, value: encodeValue(data.json) };
  return { type_url: data.typeUrl, value: Buffer.from(data.base64, 'base64') };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Optional members of the proto are there only when they were set. */
export function jobSpec(job: JobMessage): JobSpec {
  const spec: Mutable<JobSpec> = {};
  for (const name of ['schedule', 'dueTime', 'ttl'] as const)
    if (Object.hasOwn(job, name)) spec[name] = job[name]!;
  if (Object.hasOwn(job, 'repeats')) spec.repeats = job.repeats!;
  const data = job.data ? jobData(job.data) : undefined;
  if (data) spec.data = data;
  const failurePolicy = failurePolicyOf(job.failurePolicy);
  if (failurePolicy) spec.failurePolicy = failurePolicy;
  return spec;
}

export function failurePolicyOf(
  message: PolicyMessage | null | undefined,
): FailurePolicy | undefined {
  const { drop, constant } = message ?? {};
  if (drop) return { kind: 'drop' };
  if (!constant) return undefined;
  const maxRetries = Object.hasOwn(constant, 'maxRetries') ? constant.maxRetries! : undefined;
  return {
    kind: 'constant',
    intervalMs: constant.interval ? millisecondsOf(constant.interval) : 0,
    ...(maxRetries === undefined ? {} : { maxRetries }),
  };
}

/** A failure policy as the message that jobs and reminders have. */
export function policyMessage(policy: FailurePolicy): object {
  if (policy.kind === 'drop') return { drop: {} };
  const { intervalMs, maxRetries } = policy;
  return {
    constant: {
      interval: durationOf(intervalMs),
      ...(maxRetries === undefined ? {} : { maxRetries }),
    },
  };
}

/** The same message the other way. */
export function jobMessage(name: string, { data, failurePolicy, ...spec }: JobSpec): object {
  return {
    ...spec,
    name,
    ...(data === undefined ? {} : { data: anyOfJob(data) }),
    ...(failurePolicy ? { failurePolicy: policyMessage(failurePolicy) } : {}),
  };
}

export function jobMethods(api: JobsApi): MethodRow[] {
  return ['', 'Alpha1'].flatMap((version): MethodRow[] => [
    unary<{ job?: JobMessage | null; overwrite: boolean }, object>(
      `ScheduleJob${version}`,
      async ({ job, overwrite }) => {
        if (!job) throw new ApiError('JOB_EMPTY', 'Job is empty');
        await api.schedule(job.name ?? '', jobSpec(job), { overwrite });
        return EMPTY;
      },
      { failure: 'JOB_SCHEDULE' },
    ),
    unary<Named, object>(
      `GetJob${version}`,
      async ({ name }) => {
        const { record } = await api.get(name);
        return { job: jobMessage(name, record.spec) };
      },
      { failure: 'JOB_GET' },
    ),
    unary<Named, object>(
      `DeleteJob${version}`,
      async ({ name }) => {
        await api.delete(name);
        return EMPTY;
      },
      { failure: 'JOB_DELETE' },
    ),
    unary<{ namePrefix?: string }, object>(
      `DeleteJobsByPrefix${version}`,
      async ({ namePrefix }) => {
        await api.deleteByPrefix(namePrefix ?? '');
        return EMPTY;
      },
      { failure: 'JOB_DELETE' },
    ),
    unary<object, object>(
      `ListJobs${version}`,
      async () => {
        const jobs = await api.list();
        return { jobs: jobs.map(({ name, record }) => jobMessage(name, record.spec)) };
      },
      { failure: 'JOB_LIST' },
    ),
  ]);
}
