/** Times of timers and reminders in the forms that daprd takes. */
import type { TimerSpec } from '../core/ports.ts';
import { isCalendar, parsePeriod, parseTime } from '../core/schedule.ts';

export interface DaprTimes {
  readonly dueTime: string;
  readonly period?: string;
  readonly ttl?: string;
}

/** `PT1.5S`-like texts and days are not read by daprd, so lengths go as Go durations where they can. */
function periodText(value: string | number): string {
  const period = parsePeriod(value);
  if (isCalendar(period))
    return typeof value === 'string' && !/^\d+d$/.test(value) ? value : `P${period.days}D`;
  if (period.repeats === undefined) return `${period.ms}ms`;
  return `R${period.repeats}/PT${period.ms / 1000}S`;
}

export function daprTimes({ due, period, ttl }: TimerSpec, now: number): DaprTimes {
  const at = parseTime(due ?? 0, now);
  return {
    dueTime: `${Math.max(0, Math.ceil(at - now))}ms`,
    ...(period === undefined || period === '' ? {} : { period: periodText(period) }),
    ...(ttl === undefined ? {} : { ttl: `${Math.max(0, parseTime(ttl, at) - at)}ms` }),
  };
}
