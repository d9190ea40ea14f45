/** The depot's clock: minutes since the midnight before its vehicles leave, and the texts that stand for them. Pure. */
import { ActorError } from 'troupe/actor';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
const TIME = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}):(\d{2})(?::\d{2})?$/;

/** Milliseconds of the midnight after the day of the orders. */
function midnight(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) + DAY_MS;
}

/** `2010-12-02 09:41`: the minute is cut, not rounded. */
export function timeText(day: string, minute: number): string {
  const whole = Math.floor(minute + 1e-6);
  return new Date(midnight(day) + whole * MINUTE_MS).toISOString().slice(0, 16).replace('T', ' ');
}

/** Throws ActorError INVALID_DELIVERY (400) for what is no time. */
export function minuteOf(day: string, text: unknown, name: string): number {
  const found = TIME.exec(String(text));
  const at = found ? Date.parse(`${found[1]}T${found[2]}:${found[3]}:00Z`) : Number.NaN;
  if (!Number.isNaN(at)) return (at - midnight(day)) / MINUTE_MS;
  throw new ActorError('INVALID_DELIVERY', `${name} must be a time such as 2010-12-02 08:15`, {
    status: 400,
  });
}
