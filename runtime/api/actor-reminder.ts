/** A reminder as Dapr's API tells it: times as RFC 3339, the period as Dapr's scheduler prints it. */
import type { ActorAddress } from '../core/errors.ts';
import type { ReminderRecord } from '../core/ports.ts';
import { addPeriod, isCalendar, parsePeriod } from '../core/schedule.ts';
import { rfc3339 } from './route.ts';

/** `@every` and a Go duration. */
function everyOf(period: string | number): string {
  const parsed = parsePeriod(period);
  const ms = isCalendar(parsed) ? addPeriod(0, parsed) : parsed.ms;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const rest = ms % 60_000;
  if (ms < 1000) return `@every ${ms}ms`;
  const seconds = `${rest / 1000}s`;
  return `@every ${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}`;
}

/** Members without content are left out, as daprd does. */
export interface ReminderFacts {
  readonly actorID: string;
  readonly actorType: string;
  readonly data?: unknown;
  readonly dueTime: string;
  readonly period?: string;
  readonly ttl?: string;
}

export function reminderFacts({ type, id }: ActorAddress, record: ReminderRecord): ReminderFacts {
  return {
    actorID: id,
    actorType: type,
    ...(record.data === undefined ? {} : { data: record.data }),
    dueTime: record.dueGiven ?? rfc3339(record.due),
    ...(record.period === undefined ? {} : { period: everyOf(record.period) }),
    ...(record.expires === undefined ? {} : { ttl: rfc3339(record.expires) }),
  };
}
