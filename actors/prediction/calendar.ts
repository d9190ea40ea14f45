/**
 * The shop's open days. Demand is forecast from one open day to the next:
 * a closed day is no day without demand. Days are texts such as `2011-02-18`.
 */

export interface Calendar {
  isOpen(day: string): boolean;
  /** The latest open days before a day, latest first; fewer when the shop was closed for years. */
  before(day: string, count: number): readonly string[];
  /** The first open day on or after a day. */
  onOrAfter(day: string): string;
}

const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d\d-\d\d$/;
/** How far it is looked for an open day. */
const FARTHEST_DAYS = 366;
/** Answers kept: many actors ask for the same few days. */
const KEPT = 64;

const SATURDAY = 6;

export function isDay(text: unknown): text is string {
  if (typeof text !== 'string' || !DAY.test(text)) return false;
  const time = timeOf(text);
  return !Number.isNaN(time) && dayOf(time) === text;
}

/** The day so many days later. */
export function addDays(day: string, days: number): string {
  return dayOf(timeOf(day) + days * DAY_MS);
}

/** 0 is Sunday. */
export function weekdayOf(day: string): number {
  return new Date(timeOf(day)).getUTCDay();
}

function timeOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** In UTC. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Default: closed on Saturdays, as the shop of Online Retail. */
export function createCalendar(
  isOpen: (day: string) => boolean = (day) => weekdayOf(day) !== SATURDAY,
): Calendar {
  const known = new Map<string, readonly string[]>();
  return {
    isOpen,
    before(day, count) {
      const key = `${day} ${count}`;
      const found = known.get(key);
      if (found) return found;
      const days: string[] = [];
      for (let back = 1; back <= FARTHEST_DAYS && days.length < count; back++) {
        const candidate = addDays(day, -back);
        if (isOpen(candidate)) days.push(candidate);
      }
      if (known.size >= KEPT) known.clear();
      known.set(key, days);
      return days;
    },
    onOrAfter(day) {
      for (let ahead = 0; ahead < FARTHEST_DAYS; ahead++) {
        const candidate = addDays(day, ahead);
        if (isOpen(candidate)) return candidate;
      }
      return day;
    },
  };
}
