/**
 * Schedules by Dapr's cron grammar, which is that of robfig/cron: six fields
 * (second, minute, hour, day of month, month, day of week), `@daily` and its
 * like, `@every 1h30m`, and a zone in front as `CRON_TZ=Europe/Berlin`. A day
 * matches when either of its two fields does, unless one of them is a star.
 */
import { TroupeError } from './errors.ts';
import { parseDuration } from './schedule.ts';

export interface CronSchedule {
  /** The first instant after `after`, in milliseconds since the epoch; undefined when there is none within five years. */
  next(after: number): number | undefined;
}

export interface CronOptions {
  /** Whether `@every 0s` is taken: each time is the one before. */
  readonly mayRepeatAtOnce?: boolean;
  /** Seconds may be left out; then they are 0. Default: all six fields. */
  readonly secondsOptional?: boolean;
  /** IANA name of the zone that a schedule without one means. Default `UTC`. */
  readonly zone?: string;
}

interface Bounds {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const DAYS = 'sun mon tue wed thu fri sat'.split(' ');
const FIELDS: readonly Bounds[] = [
  { name: 'second', least: 0, most: 59 },
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: MONTHS },
  { name: 'day of week', least: 0, most: 6, names: DAYS },
];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
};

interface Field {
  readonly values: ReadonlySet<number>;
  readonly star: boolean;
}

function invalid(schedule: string, why: string): never {
  throw new TroupeError(
    'INVALID_ARGUMENT',
    `schedule ${JSON.stringify(schedule)} is not valid: ${why}`,
  );
}

/** A comma-separated list of `*`, `?`, `N`, `N-M`, each with `/step`. */
function parseField(text: string, bounds: Bounds, schedule: string): Field {
  const { name, least, most, names } = bounds;
  const numberOf = (part: string): number => {
    const named = names?.indexOf(part.toLowerCase()) ?? -1;
    if (named >= 0) return named + least;
    if (!/^\d+$/.test(part)) invalid(schedule, `${name} has ${JSON.stringify(part)}`);
    return Number(part);
  };
  const values = new Set<number>();
  let star = false;
  for (const range of text.split(',').filter((part) => part !== '')) {
    const [span = '', step, ...more] = range.split('/');
    const [first = '', last, ...others] = span.split('-');
    if (more.length + others.length > 0) invalid(schedule, `${name} has ${JSON.stringify(range)}`);
    const by = step === undefined ? 1 : numberOf(step);
    const isAny = first === '*' || first === '?';
    const from = isAny ? least : numberOf(first);
    const toSame = last === undefined ? (step === undefined ? from : most) : numberOf(last);
    const to = isAny ? most : toSame;
    if (from < least || to > most || from > to || by === 0)
      invalid(schedule, `${name} must be within ${least} to ${most}, steps above 0`);
    for (let value = from; value <= to; value += by) values.add(value);
    star ||= isAny && by === 1;
  }
  if (values.size === 0) invalid(schedule, `${name} is empty`);
  return { values, star };
}

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

interface Zone {
  fields(at: number): Moment;
  /** The instant of a local midnight; just behind it where clocks skip it. Days and months may run over. */
  midnight(year: number, month: number, day: number): number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function momentIn(format: Intl.DateTimeFormat, at: number): Moment {
  const parts: Partial<Record<string, number>> = {};
  for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
  return { year, month, day, hour, minute, second };
}

const asUtc = ({ year, month, day, hour, minute, second }: Moment): number =>
  Date.UTC(year, month - 1, day, hour, minute, second);

function zoneOf(name: string, schedule: string): Zone {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return invalid(schedule, `the time zone ${JSON.stringify(name)} is not known`);
  }
  const fields = (at: number): Moment => momentIn(format, at);
  return {
    fields,
    midnight(year, month, day) {
      const wanted = Date.UTC(year, month - 1, day);
      // The offset is looked up where the local time would be in UTC, then once more where that leads.
      const guess = wanted - (asUtc(fields(wanted)) - wanted);
      return wanted - (asUtc(fields(guess)) - guess);
    },
  };
}

/** @throws TroupeError INVALID_ARGUMENT naming the field that is wrong. */
export function parseCron(text: string, options: CronOptions = {}): CronSchedule {
  const zoned = /^(?:CRON_)?TZ=(\S*)\s+(.*)$/s.exec(text);
  const body = (zoned?.[2] ?? text).trim();
  if (body.startsWith('@every ')) {
    const delay = parseDuration(body.slice('@every '.length).trim(), `schedule "${text}": period`);
    if (!(delay > 0) && !(delay === 0 && options.mayRepeatAtOnce))
      invalid(text, 'the period must be longer than zero');
    return { next: (after) => after + delay };
  }
  if (body.startsWith('@') && !Object.hasOwn(DESCRIPTORS, body))
    invalid(text, `there is no ${body}; use @every, ${Object.keys(DESCRIPTORS).join(', ')}`);
  const written = (DESCRIPTORS[body] ?? body).split(/\s+/);
  if (options.secondsOptional && written.length === FIELDS.length - 1) written.unshift('0');
  if (written.length !== FIELDS.length || body === '')
    invalid(text, `it must have ${FIELDS.length} fields, beginning with seconds`);
  const parsed = FIELDS.map((bounds, i) => parseField(written[i]!, bounds, text));
  const zone = zoneOf(zoned?.[1] ?? options.zone ?? 'UTC', text);
  return { next: (after) => firstMatch(parsed as unknown as SixFields, zone, after) };
}

type SixFields = readonly [Field, Field, Field, Field, Field, Field];

function firstMatch(
  [second, minute, hour, dayOfMonth, month, dayOfWeek]: SixFields,
  zone: Zone,
  after: number,
): number | undefined {
  const dayMatches = ({ year, month: m, day }: Moment): boolean => {
    const byMonth = dayOfMonth.values.has(day);
    const byWeek = dayOfWeek.values.has(new Date(Date.UTC(year, m - 1, day)).getUTCDay());
    return dayOfMonth.star || dayOfWeek.star ? byMonth && byWeek : byMonth || byWeek;
  };
  // Where clocks go forward at midnight it may not lie ahead; then the step is an hour.
  const ahead = (at: number, target: number): number => (target > at ? target : at + HOUR);
  let at = Math.floor(after / SECOND) * SECOND + SECOND;
  const lastYear = zone.fields(at).year + 5;
  for (;;) {
    const now = zone.fields(at);
    if (now.year > lastYear) return undefined;
    const intoHour = (now.minute * 60 + now.second) * SECOND;
    if (!month.values.has(now.month)) {
      at = ahead(at, zone.midnight(now.year, now.month + 1, 1));
    } else if (!dayMatches(now)) at = ahead(at, zone.midnight(now.year, now.month, now.day + 1));
    else if (!hour.values.has(now.hour)) at += HOUR - intoHour;
    else if (!minute.values.has(now.minute)) at += MINUTE - now.second * SECOND;
    else if (!second.values.has(now.second)) at += SECOND;
    else return at;
  }
}
