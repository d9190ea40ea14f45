/**
 * Times as Dapr takes them (its actors API reference): Go durations, ISO 8601 durations,
 * RFC 3339 instants, and periods with a bounded number of firings (`R3/PT10S`).
 * Calendar parts (years, months, days) are added in UTC.
 */
import { TroupeError } from './errors.ts';

export interface Period {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly ms: number;
  /** Firings in all; undefined is without end. */
  readonly repeats?: number;
}

const GO_UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const GO_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const GO = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const ISO =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const DAYS = /^(\d+)d$/;
const DAY_MS = 86_400_000;

function invalid(what: string, value: unknown, expected: string): never {
  throw new TroupeError('INVALID_ARGUMENT', `${what} ${JSON.stringify(value)} is not ${expected}`);
}

function parseGo(text: string): number | undefined {
  if (text === '0' || text === '+0' || text === '-0') return 0;
  if (!GO.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(GO_PART)) ms += Number(amount) * GO_UNITS[unit!]!;
  return text.startsWith('-') ? -ms : ms;
}

function parseIso(text: string): Omit<Period, 'repeats'> | undefined {
  const match = ISO.exec(text);
  if (!match || text === 'P' || text.endsWith('T')) return undefined;
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  return {
    years: years!,
    months: months!,
    days: weeks! * 7 + days!,
    ms: hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1000,
  };
}

/**
 * Milliseconds of a duration: a number of milliseconds, Go (`1h30m`), ISO 8601
 * without years and months (`PT5S`, `P3D`), or days (`3d`). Errors:
 * INVALID_ARGUMENT naming `what`.
 */
export function parseDuration(value: string | number, what = 'duration'): number {
  if (typeof value === 'number') {
    return Number.isFinite(value) && value >= 0
      ? value
      : invalid(what, value, 'a number of milliseconds');
  }
  const go = parseGo(value);
  if (go !== undefined && go >= 0) return go;
  const days = DAYS.exec(value);
  if (days) return Number(days[1]) * DAY_MS;
  const iso = parseIso(value);
  if (iso && iso.years === 0 && iso.months === 0) return iso.days * DAY_MS + iso.ms;
  return invalid(what, value, 'a duration such as "90s", "1h30m", "3d" or "PT5M"');
}

/** The instant, in milliseconds since the epoch, that a due time or ttl means when counted from `from`. */
export function parseTime(value: string | number | Date, from: number, what = 'time'): number {
  if (value instanceof Date) {
    const instant = value.getTime();
    return Number.isNaN(instant) ? invalid(what, value, 'a time') : instant;
  }
  if (typeof value === 'number') return from + parseDuration(value, what);
  if (value === '') return from;
  const go = parseGo(value);
  if (go !== undefined) return from + go;
  const days = DAYS.exec(value);
  if (days) return from + Number(days[1]) * DAY_MS;
  const iso = parseIso(value);
  if (iso) return addPeriod(from, iso);
  const instant = RFC3339.test(value) && isDay(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(instant)
    ? invalid(what, value, 'a duration ("90s", "PT5M", "3d") or an RFC 3339 time')
    : instant;
}

/** False for the 30th of February and its like, which Date.parse takes for a day of March. */
function isDay(rfc3339: string): boolean {
  const [year, month, day] = rfc3339.slice(0, 10).split('-').map(Number);
  return new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() === day;
}

/** A period between firings. Errors: INVALID_ARGUMENT for text that is none, for `R0` and for a length of zero. */
export function parsePeriod(value: string | number, what = 'period'): Period {
  if (typeof value === 'number')
    return positive({ years: 0, months: 0, days: 0, ms: parseDuration(value, what) }, value, what);
  const repeat = /^R(\d+)\/(.*)$/.exec(value);
  const body = repeat ? repeat[2]! : value;
  const repeats = repeat ? Number(repeat[1]) : undefined;
  if (repeats === 0) invalid(what, value, 'a period: the number of repetitions must be at least 1');
  const go = repeat ? undefined : parseGo(body);
  const days = repeat ? undefined : DAYS.exec(body);
  const parts =
    go === undefined
      ? days
        ? { years: 0, months: 0, days: Number(days[1]), ms: 0 }
        : parseIso(body)
      : { years: 0, months: 0, days: 0, ms: go };
  if (!parts) return invalid(what, value, 'a period such as "10s", "PT1H" or "R3/PT10S"');
  return positive(repeats === undefined ? parts : { ...parts, repeats }, value, what);
}

function positive(period: Period, value: unknown, what: string): Period {
  const { years, months, days, ms } = period;
  return ms >= 0 && years + months + days + ms > 0
    ? period
    : invalid(what, value, 'longer than zero');
}

/** True when the period has parts whose length depends on the calendar; Dapr's reminders refuse them. */
export function isCalendar(period: Period): boolean {
  return period.years + period.months + period.days > 0;
}

/** The instant one period after `from`. */
export function addPeriod(from: number, period: Omit<Period, 'repeats'>): number {
  if (period.years === 0 && period.months === 0) return from + period.days * DAY_MS + period.ms;
  const date = new Date(from);
  date.setUTCFullYear(
    date.getUTCFullYear() + period.years,
    date.getUTCMonth() + period.months,
    date.getUTCDate() + period.days,
  );
  return date.getTime() + period.ms;
}

/** The first firing after `now` in the series that had one at `due`: firings missed meanwhile count as one. */
export function nextFiring(due: number, period: Period, now: number): number {
  const next = addPeriod(due, period);
  if (next > now) return next;
  // One step less than the division says, because it may round up; the loop makes it right.
  const skipped = isCalendar(period) ? 0 : Math.max(0, Math.floor((now - next) / period.ms) - 1);
  let at = next + skipped * period.ms;
  while (at <= now) at = addPeriod(at, period);
  return at;
}
