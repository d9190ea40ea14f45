import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addPeriod,
  isCalendar,
  nextFiring,
  parseDuration,
  parsePeriod,
  parseTime,
} from './schedule.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 31, 12);

const refused = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'no error';
};

describe('parseDuration', () => {
  it.each<[string | number, number]>([
    ['0', 0],
    ['0s', 0],
    ['90s', 90 * SECOND],
    ['1h30m', HOUR + 30 * MINUTE],
    ['1.5h', 90 * MINUTE],
    ['.5s', 500],
    ['1.s', SECOND],
    ['250ms', 250],
    ['1000us', 1],
    ['1000µs', 1],
    ['1000000ns', 1],
    ['+5s', 5 * SECOND],
    ['1h2m3s4ms', HOUR + 2 * MINUTE + 3 * SECOND + 4],
    ['3d', 3 * DAY],
    ['PT5S', 5 * SECOND],
    ['PT1H30M', 90 * MINUTE],
    ['PT0.5S', 500],
    ['P3D', 3 * DAY],
    ['P2W', 14 * DAY],
    ['P1DT12H', DAY + 12 * HOUR],
    [1500, 1500],
    [0, 0],
  ])('%j is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 6);
  });

  it.each<string | number>([
    '',
    ' ',
    's',
    '5',
    '5 s',
    '-5s',
    '5x',
    '1h-5m',
    'P',
    'PT',
    'P1',
    'P1H',
    'PT1D',
    '1d12h',
    'P1M',
    'P1Y',
    'pt5s',
    'R3/PT1S',
    'tomorrow',
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])('refuses %j', (text) => {
    expect(refused(() => parseDuration(text))).toBe('INVALID_ARGUMENT');
  });

  it('names what it was to be', () => {
    expect(() => parseDuration('soon', 'idleTimeout of Cart')).toThrow(
      'idleTimeout of Cart "soon"',
    );
  });
});

describe('parseTime', () => {
  it.each<[string | number | Date, number]>([
    ['', NOW],
    ['0s', NOW],
    ['10s', NOW + 10 * SECOND],
    ['-10s', NOW - 10 * SECOND],
    [10, NOW + 10],
    ['3d', NOW + 3 * DAY],
    ['PT1M', NOW + MINUTE],
    ['P1M', Date.UTC(2026, 2, 3, 12)],
    ['P1Y', Date.UTC(2027, 0, 31, 12)],
    ['2026-02-01T00:00:00Z', Date.UTC(2026, 1, 1)],
    ['2026-02-01T02:00:00.5+02:00', Date.UTC(2026, 1, 1) + 500],
    ['2026-02-01 00:00:00Z', Date.UTC(2026, 1, 1)],
    [new Date(5), 5],
  ])('%j', (value, at) => {
    expect(parseTime(value, NOW)).toBe(at);
  });

  it.each([
    'soon',
    '2026-02-01',
    '2026-02-01T00:00:00',
    '2026-13-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-02-01T25:00:00Z',
    '12:00',
    'R1/PT1S',
  ])('refuses %j', (value) => {
    expect(refused(() => parseTime(value, NOW))).toBe('INVALID_ARGUMENT');
  });

  it('refuses a Date that is none', () => {
    expect(refused(() => parseTime(new Date('nothing'), NOW))).toBe('INVALID_ARGUMENT');
  });
});

describe('parsePeriod', () => {
  it.each<[string | number, object]>([
    ['10s', { years: 0, months: 0, days: 0, ms: 10 * SECOND }],
    ['PT1H', { years: 0, months: 0, days: 0, ms: HOUR }],
    ['R3/PT10S', { years: 0, months: 0, days: 0, ms: 10 * SECOND, repeats: 3 }],
    ['R1/P1D', { years: 0, months: 0, days: 1, ms: 0, repeats: 1 }],
    ['P1Y2M1W3DT4H', { years: 1, months: 2, days: 10, ms: 4 * HOUR }],
    ['2d', { years: 0, months: 0, days: 2, ms: 0 }],
    [500, { years: 0, months: 0, days: 0, ms: 500 }],
  ])('%j', (value, period) => {
    expect(parsePeriod(value)).toEqual(period);
  });

  it.each<string | number>([
    '',
    'R0/PT1S',
    'R3',
    'R/PT1S',
    'R-1/PT1S',
    'R3/10s',
    'R3/2d',
    '0s',
    'PT0S',
    'R3/PT0S',
    '-5s',
    0,
    -1,
  ])('refuses %j', (value) => {
    expect(refused(() => parsePeriod(value))).toBe('INVALID_ARGUMENT');
  });

  it('tells periods whose length depends on the calendar', () => {
    expect(['PT24H', 'P1D', 'P1M', 'P1Y'].map((text) => isCalendar(parsePeriod(text)))).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
});

const period = fc.oneof(
  fc.integer({ min: 1, max: 5 * 365 * DAY }).map((ms) => ({ years: 0, months: 0, days: 0, ms })),
  fc.record({
    years: fc.integer({ min: 0, max: 2 }),
    months: fc.integer({ min: 0, max: 14 }),
    days: fc.integer({ min: 1, max: 40 }),
    ms: fc.integer({ min: 0, max: 2 * DAY }),
  }),
);
const instant = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2040) });

describe('nextFiring', () => {
  it('is after now, and is the first of its series that is', () => {
    fc.assert(
      fc.property(
        period,
        instant,
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: -1, max: 1 }),
        (every, due, periods, off) => {
          // Now is on the grid or a millisecond beside it, where mistakes are.
          const grid = [due];
          for (let i = 0; i <= periods + 1; i++) grid.push(addPeriod(grid.at(-1)!, every));
          const now = grid[periods]! + off;
          const expected = grid.find((at, i) => i > 0 && at > now)!;
          expect(nextFiring(due, every, now)).toBe(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('is on the grid however long ago the last one was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 * DAY }),
        instant,
        fc.integer({ min: 0, max: 50 * 365 * DAY }),
        (ms, due, late) => {
          const next = nextFiring(due, { years: 0, months: 0, days: 0, ms }, due + late);
          expect(next).toBeGreaterThan(due + late);
          expect(next - (due + late)).toBeLessThanOrEqual(ms);
          expect((next - due) % ms).toBe(0);
        },
      ),
    );
  });

  it('adds days, months and years in UTC, whatever the clocks of a place do', () => {
    const daily = parsePeriod('P1D');
    // In Europe clocks change on 2026-03-29 and 2026-10-25.
    for (const start of [Date.UTC(2026, 2, 28, 1, 30), Date.UTC(2026, 9, 24, 1, 30)]) {
      expect(nextFiring(start, daily, start)).toBe(start + DAY);
      expect(nextFiring(start, daily, start + DAY)).toBe(start + 2 * DAY);
    }
    const leapDay = Date.UTC(2028, 1, 29);
    expect(nextFiring(leapDay, parsePeriod('P1Y'), leapDay)).toBe(Date.UTC(2029, 2, 1));
  });
});
