/**
 * Jobs of an app: durable schedules by name, with the semantics of Dapr's
 * scheduler. Every tick of a schedule is delivered, the missed ones too, one
 * after another; never early, and again after a crash. A tick that the app
 * fails is tried again as the job's failure policy says, and the schedule goes
 * on from the time of the tick.
 */
import { parseCron, type CronSchedule } from './cron.ts';
import { TroupeError } from './errors.ts';
import type { FailurePolicy } from './ports.ts';
import { parseDuration, parseTime } from './schedule.ts';

/** What a job carries: JSON text, or a protobuf `Any` with its value in base64. */
export type JobData =
  | { readonly json: string }
  | { readonly typeUrl: string; readonly base64: string };

/** A job as it was asked for. */
export interface JobSpec {
  readonly schedule?: string;
  /** Ticks in all. Default: without end. */
  readonly repeats?: number;
  /** When the first tick is: RFC 3339, or a duration from now. Default: the schedule's first. */
  readonly dueTime?: string;
  /** When the job ends: RFC 3339, or a duration from the due time. Needs a schedule. */
  readonly ttl?: string;
  readonly data?: JobData;
  /** Default: three tries more, a second apart. */
  readonly failurePolicy?: FailurePolicy;
}

/** A job as it is stored. */
export interface JobRecord {
  readonly spec: JobSpec & { readonly failurePolicy: FailurePolicy };
  /** When the schedule begins. */
  readonly begin: number;
  /** The end of its time to live. */
  readonly expires?: number;
  /** Ticks that are over. */
  readonly count: number;
  /** The last of them, by the schedule. */
  readonly last?: number;
  /** The tick that comes next, by the schedule. */
  readonly tick: number;
  /** How often it has failed. */
  readonly attempts: number;
  /** When it is delivered: the tick, or its next try. */
  readonly at: number;
}

const DEFAULT_POLICY: FailurePolicy = { kind: 'constant', intervalMs: 1000, maxRetries: 3 };
/** Characters of the name of a job or reminder, as Dapr's scheduler takes. */
export const LONGEST_NAME = 512;
// oxlint-disable-next-line no-control-regex -- Control characters are what names are checked for.
const UNSAFE_NAME = /[/\\#?\x00-\x1f\x7f]/;

function invalid(why: string): never {
  throw new TroupeError('INVALID_ARGUMENT', why);
}

function assertJobName(name: string): void {
  if (name.length > LONGEST_NAME || UNSAFE_NAME.test(name) || !name.isWellFormed()) {
    const shown = JSON.stringify(name.slice(0, 80));
    invalid(
      `job name is invalid ${shown}: at most ${LONGEST_NAME} characters, none of / \\ # ? and control characters`,
    );
  }
}

function instantOf(text: string, from: number, what: string): number {
  if (text === '') invalid(`${what} format not recognized: it is empty`);
  return parseTime(text, from, what);
}

/** Only a job that ends may come again at once, which is `@every 0s`. */
const cronOf = (schedule: string, repeats: number | undefined): CronSchedule =>
  parseCron(schedule, { mayRepeatAtOnce: repeats !== undefined });

/** The tick after `count` of them, of which `last` was the last; undefined when there is none. */
function tickAfter(
  { spec, begin, expires }: Pick<JobRecord, 'spec' | 'begin' | 'expires'>,
  count: number,
  last: number | undefined,
): number | undefined {
  const { schedule, dueTime, repeats } = spec;
  if (repeats !== undefined && count >= repeats) return undefined;
  let next: number | undefined;
  if (schedule === undefined) next = count === 0 ? begin : undefined;
  else if (last === undefined && dueTime !== undefined) next = begin;
  else next = cronOf(schedule, repeats).next(last ?? begin);
  return next !== undefined && expires !== undefined && next > expires ? undefined : next;
}

/** Checks a job and finds its first tick; undefined when it would never have one. Errors: INVALID_ARGUMENT. */
export function planJob(name: string, spec: JobSpec, now: number): JobRecord | undefined {
  assertJobName(name);
  const { schedule, dueTime, ttl, repeats, failurePolicy = DEFAULT_POLICY } = spec;
  if (schedule === undefined && dueTime === undefined)
    invalid('job must have either a due time or a schedule');
  if (schedule === undefined && (repeats ?? 1) > 1) invalid('job must have a schedule to repeat');
  if (repeats !== undefined && (!Number.isInteger(repeats) || repeats < 1))
    invalid('defined repeats must be greater than 0');
  if (schedule === undefined && ttl !== undefined)
    invalid('job must have a schedule to have a ttl');
  if (schedule !== undefined) cronOf(schedule, repeats);
  const begin = dueTime === undefined ? now : instantOf(dueTime, now, 'due time');
  const expires = ttl === undefined ? undefined : instantOf(ttl, begin, 'ttl');
  if (dueTime !== undefined && expires !== undefined && begin > expires)
    invalid('ttl must be greater than due time');
  const series = {
    spec: { ...spec, failurePolicy },
    begin,
    ...(expires === undefined ? {} : { expires }),
  };
  const tick = tickAfter(series, 0, undefined);
  return tick === undefined ? undefined : { ...series, count: 0, tick, attempts: 0, at: tick };
}

/** The job after its tick is over, delivered or given up; undefined when it was the last. */
export function afterTick(record: JobRecord): JobRecord | undefined {
  const count = record.count + 1;
  const tick = tickAfter(record, count, record.tick);
  if (tick === undefined) return undefined;
  return { ...record, count, last: record.tick, tick, attempts: 0, at: tick };
}

/** The job after the app failed its tick: the same one again later, or the next. */
export function afterFailedTick(record: JobRecord, now: number): JobRecord | undefined {
  const { failurePolicy: policy } = record.spec;
  const attempts = record.attempts + 1;
  const triesAgain = policy.kind === 'constant' && attempts <= (policy.maxRetries ?? attempts);
  if (!triesAgain) return afterTick(record);
  return { ...record, attempts, at: now + policy.intervalMs };
}

/** Milliseconds of an interval in a failure policy, as protobuf's JSON (`1.5s`) or Go writes it. */
export function parseInterval(text: string): number {
  return parseDuration(text, 'interval of the failure policy');
}
