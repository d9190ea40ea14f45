import { describe, expect, it } from 'vitest';
import { parseCron } from './cron.ts';

/** The first instants of a schedule after `from`, in UTC. */
function firings(schedule: string, from: string, count = 3): string[] {
  const cron = parseCron(schedule);
  const found: string[] = [];
  let at = Date.parse(from);
  for (let i = 0; i < count; i++) {
    const next = cron.next(at);
    if (next === undefined) break;
    expect(next).toBeGreaterThan(at);
    at = next;
    found.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  }
  return found;
}

describe('a cron schedule', () => {
  it.each([
    ['* * * * * *', ['2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z', '2026-01-01T00:00:03Z']],
    ['*/20 * * * * *', ['2026-01-01T00:00:20Z', '2026-01-01T00:00:40Z', '2026-01-01T00:01:00Z']],
    ['5/25 * * * * *', ['2026-01-01T00:00:05Z', '2026-01-01T00:00:30Z', '2026-01-01T00:00:55Z']],
    ['0 30 9-10 * * ?', ['2026-01-01T09:30:00Z', '2026-01-01T10:30:00Z', '2026-01-02T09:30:00Z']],
    ['0 0 0 31 * *', ['2026-01-31T00:00:00Z', '2026-03-31T00:00:00Z', '2026-05-31T00:00:00Z']],
    ['0 0 0 29 feb *', ['2028-02-29T00:00:00Z']],
    [
      '0 0 12 * * Mon,FRI',
      ['2026-01-02T12:00:00Z', '2026-01-05T12:00:00Z', '2026-01-09T12:00:00Z'],
    ],
    ['0 0 0 10 * mon', ['2026-01-05T00:00:00Z', '2026-01-10T00:00:00Z', '2026-01-12T00:00:00Z']],
    ['0 0 0 */10 * mon', ['2026-01-05T00:00:00Z', '2026-01-11T00:00:00Z', '2026-01-12T00:00:00Z']],
    ['@yearly', ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z', '2029-01-01T00:00:00Z']],
    ['@weekly', ['2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z', '2026-01-18T00:00:00Z']],
    ['@hourly', ['2026-01-01T01:00:00Z', '2026-01-01T02:00:00Z', '2026-01-01T03:00:00Z']],
    ['@every 1m30s', ['2026-01-01T00:01:30Z', '2026-01-01T00:03:00Z', '2026-01-01T00:04:30Z']],
    ['0 0 0 30 2 *', []],
  ])('%s fires at %j', (schedule, expected) => {
    expect(firings(schedule, '2026-01-01T00:00:00Z', 3).slice(0, expected.length)).toEqual(
      expected,
    );
    if (expected.length === 0) expect(firings(schedule, '2026-01-01T00:00:00Z')).toEqual([]);
  });

  it('in a zone follows its clocks, past their changes', () => {
    const nine = 'CRON_TZ=Europe/Berlin 0 0 9 * * *';
    expect(firings(nine, '2026-03-28T00:00:00Z', 2)).toEqual([
      '2026-03-28T08:00:00Z',
      '2026-03-29T07:00:00Z',
    ]);
    // Half past two does not exist on the day that clocks go forward.
    expect(firings('TZ=Europe/Berlin 0 30 2 * * *', '2026-03-28T12:00:00Z', 1)).toEqual([
      '2026-03-30T00:30:00Z',
    ]);
    expect(firings('TZ=Asia/Kolkata 0 0 0 * * *', '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-01T18:30:00Z',
    ]);
    // Midnight does not exist in Beirut on the day that clocks go forward.
    expect(firings('TZ=Asia/Beirut 0 0 12 * * *', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T09:00:00Z',
      '2026-03-30T09:00:00Z',
    ]);
  });

  it('may leave out seconds where that is allowed', () => {
    const from = Date.parse('2026-01-01T00:00:00Z');
    const cron = parseCron('30 9 * * *', { secondsOptional: true, zone: 'Asia/Tokyo' });
    expect(new Date(cron.next(from)!).toISOString()).toBe('2026-01-01T00:30:00.000Z');
    expect(() => parseCron('30 9 * * *')).toThrow(/must have 6 fields/);
  });

  it.each([
    ['', /6 fields/],
    ['* * * * *', /6 fields/],
    ['* * * * * * *', /6 fields/],
    ['60 * * * * *', /second must be within 0 to 59/],
    ['* * * 0 * *', /day of month must be within 1 to 31/],
    ['* * * * * 7', /day of week must be within 0 to 6/],
    ['*/0 * * * * *', /steps above 0/],
    ['5-1 * * * * *', /second must be within/],
    ['a * * * * *', /second has "a"/],
    ['1-2-3 * * * * *', /second has "1-2-3"/],
    ['* * * * jan-x *', /month has "x"/],
    ['@fortnightly', /there is no @fortnightly/],
    ['@every soon', /period/],
    ['@every 0s', /longer than zero/],
    ['CRON_TZ=Not/AZone 0 0 9 * * *', /time zone "Not\/AZone" is not known/],
  ])('%j is refused, saying why', (schedule, why) => {
    expect(() => parseCron(schedule)).toThrow(why);
  });
});
