/** A reminder as Dapr's API tells it: times as RFC 3339, the period as Dapr's scheduler prints it. */
import type { ActorAddress } from '../core/errors.ts';
import { goText } from '../core/go-text.ts';
import type { ReminderRecord } from '../core/ports.ts';
import { addPeriod, isCalendar, parsePeriod } from '../core/schedule.ts';
import { rfc3339 } from './route.ts';

/** `@every` and a Go duration. */
function everyOf(period: string | number): string {
  const parsed = parsePeriod(period);
  const ms = isCalendar(parsed) ? addPeriod(0, parsed) : parsed.ms;
  return `@every ${goText(ms)}`;
}

/** Members without content are left out, as daprd does. */
export interface ReminderFacts {
  readonly actorID: string;
  readonly actorType: string;
  readonly data?: unknown;
  /** Absent: a service keeps it that told none. */
  readonly dueTime?: string;
  readonly period?: string;
  readonly ttl?: string;
}

export function reminderFacts({ type, id }: ActorAddress, record: ReminderRecord): ReminderFacts {
  return {
    actorID: id,
    actorType: type,
    ...(record.data === undefined ? {} : { data: record.data }),
    ...(record.dueGiven === '' ? {} : { dueTime: record.dueGiven ?? rfc3339(record.due) }),
    ...(record.period === undefined ? {} : { period: everyOf(record.period) }),
    ...(record.expires === undefined ? {} : { ttl: rfc3339(record.expires) }),
  };
}
