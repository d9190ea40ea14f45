/** Reminders of actors in Dapr's scheduler, which any member of the placement may be asked to fire. */
import { isTroupeError, TroupeError, type ActorAddress } from '../core/errors.ts';
import { goText } from '../core/go-text.ts';
import type { ReminderRecord, ReminderSpec } from '../core/ports.ts';
import type { ReminderService } from '../core/services.ts';
import { isCalendar, parsePeriod } from '../core/schedule.ts';
import { bytesOfAny, bytesValue, type AnyBytes } from '../transport/grpc/any.ts';
import { policyMessage } from '../transport/grpc/methods/jobs.ts';
import type { DaprScheduler } from './dapr-scheduler.ts';

interface JobMessage {
  readonly schedule?: string;
  readonly repeats?: number;
  readonly dueTime?: string;
  readonly ttl?: string;
  readonly data?: AnyBytes | null;
}

interface NamedMessage {
  readonly name: string;
  readonly job: JobMessage;
  readonly metadata: { readonly target: { readonly actor?: ActorAddress | null } };
}

const EVERY = '@every ';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The scheduler reads texts as Dapr's API has them. */
function timeText(time: ReminderSpec['due']): string | undefined {
  if (time === undefined || time === '') return undefined;
  if (time instanceof Date) return time.toISOString();
  return typeof time === 'number' ? `${time}ms` : time;
}

function scheduleOf(given: ReminderSpec['period']): Pick<JobMessage, 'schedule' | 'repeats'> {
  if (given === undefined || given === '') return {};
  const refuse = (cause?: unknown): never => {
    throw new TroupeError('INVALID_ARGUMENT', `unsupported period format: ${given}`, { cause });
  };
  try {
    const period = parsePeriod(given);
    if (isCalendar(period)) return refuse();
    const { ms, repeats } = period;
    return { schedule: EVERY + goText(ms), ...(repeats === undefined ? {} : { repeats }) };
  } catch (cause) {
    return refuse(cause);
  }
}

function jobOf(spec: ReminderSpec): object {
  const { due, period, ttl, data, failurePolicy } = spec;
  const dueTime = timeText(due);
  const expires = timeText(ttl);
  return {
    ...scheduleOf(period),
    ...(dueTime === undefined ? {} : { dueTime }),
    ...(expires === undefined ? {} : { ttl: expires }),
    ...(data === undefined ? {} : { data: bytesValue(encoder.encode(JSON.stringify(data))) }),
    ...(failurePolicy === undefined ? {} : { failurePolicy: policyMessage(failurePolicy) }),
  };
}

function recordOf(name: string, job: JobMessage): ReminderRecord {
  const { schedule, repeats, dueTime = '', ttl, data } = job;
  const bytes = data ? bytesOfAny(data) : undefined;
  const expires = ttl === undefined ? Number.NaN : Date.parse(ttl);
  return {
    name,
    due: Date.parse(dueTime),
    dueGiven: dueTime,
    ...(schedule?.startsWith(EVERY) ? { period: schedule.slice(EVERY.length) } : {}),
    ...(repeats === undefined ? {} : { left: repeats }),
    ...(Number.isNaN(expires) ? {} : { expires }),
    ...(bytes && bytes.length > 0 ? { data: JSON.parse(decoder.decode(bytes)) as unknown } : {}),
    failures: 0,
  };
}

/** Members that the message does not have are those of the proto's prototype. */
function given(job: JobMessage): JobMessage {
  return { ...job };
}

/** daprd tells of a reminder that cannot be read as of the job that it is. */
function notGot(cause: unknown): unknown {
  if (!isTroupeError(cause)) return cause;
  const text = `api error: code = Internal desc = failed to get job due to: ${cause.message}`;
  return new TroupeError(cause.code, text, { cause });
}

export function createSchedulerReminders(scheduler: DaprScheduler): ReminderService {
  const of = (type: string, id: string): object => scheduler.metadata({ actor: { type, id } });

  return {
    async set({ type, id }, name, spec) {
      await scheduler.call('ScheduleJob', {
        name,
        job: jobOf(spec),
        overwrite: spec.overwrite ?? true,
        metadata: of(type, id),
      });
    },
    async get({ type, id }, name) {
      try {
        const metadata = of(type, id);
        const { job } = await scheduler.call<{ job: JobMessage }>('GetJob', { name, metadata });
        return recordOf(name, given(job));
      } catch (error) {
        if (isTroupeError(error) && error.code === 'NOT_FOUND') return undefined;
        throw notGot(error);
      }
    },
    async delete({ type, id }, name) {
      await scheduler.call('DeleteJob', { name, metadata: of(type, id) });
    },
    async list(type, id = '') {
      const { jobs } = await scheduler.call<{ jobs: readonly NamedMessage[] }>('ListJobs', {
        metadata: of(type, id),
      });
      return jobs.flatMap(({ name, job, metadata: { target } }) =>
        target.actor
          ? [
              {
                actor: { type: target.actor.type, id: target.actor.id },
                record: recordOf(name, given(job)),
              },
            ]
          : [],
      );
    },
    async deleteAll(type, id) {
      await scheduler.call('DeleteByMetadata', {
        metadata: of(type, id ?? ''),
        idPrefixMatch: id === undefined,
      });
    },
  };
}

/** A member of a placement keeps no reminders itself: another member would not fire them. */
export function createNoReminders(): ReminderService {
  const disabled = (): TroupeError =>
    new TroupeError('COMPONENT', 'scheduler clients are disabled');
  const refuse = (): Promise<never> => Promise.reject(disabled());
  const get = (): Promise<never> => Promise.reject(notGot(disabled()) as Error);
  return { set: refuse, get, delete: refuse, list: refuse, deleteAll: refuse };
}
