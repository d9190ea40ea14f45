import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createCalendar } from './calendar.ts';
import { baselinesOf, FEATURES, featuresOf, type Sold } from './features.ts';

interface Row {
  readonly code: string;
  readonly sold: Sold;
  readonly features: readonly number[];
}

const read = (path: string): Promise<string> =>
  readFile(new URL(`../../workers/models/demand/${path}`, import.meta.url), 'utf8');

it('gives the model what its trainer gave it, bit by bit', async () => {
  const [first, ...lines] = (await read('golden.jsonl')).trim().split('\n');
  const { day, openDays } = JSON.parse(first!) as { day: string; openDays: string[] };
  const open = new Set(openDays);
  const calendar = createCalendar((candidate) => open.has(candidate));
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) {
    const { code, sold, features } = JSON.parse(line) as Row;
    const given = [...(featuresOf(sold, day, calendar) ?? [])];
    expect({ code, features: given }).toEqual({ code, features });
  }
});

it('names the features as the trainer does, in its order', async () => {
  const names = /NAMES = \(([^)]*)\)/.exec(await read('features.py'))?.[1] ?? '';
  expect([...names.matchAll(/"(\w+)"/g)].map(([, name]) => name)).toEqual([...FEATURES]);
});

it('looks at nothing of the day itself or after it', () => {
  const sold = { '2011-02-13': 5, '2011-02-14': 3 };
  const later = { ...sold, '2011-02-15': 900, '2011-02-16': 900 };
  const calendar = createCalendar();
  expect(featuresOf(later, '2011-02-15', calendar)).toEqual(
    featuresOf(sold, '2011-02-15', calendar),
  );
  expect(baselinesOf(later, '2011-02-15', calendar)).toEqual(
    baselinesOf(sold, '2011-02-15', calendar),
  );
});

it('has nothing to say of a code that did not sell in 40 open days', () => {
  const calendar = createCalendar();
  expect(featuresOf({ '2010-12-01': 9 }, '2011-02-15', calendar)).toBeUndefined();
  expect(featuresOf({ '2011-02-15': 9 }, '2011-02-15', calendar)).toBeUndefined();
});

it('counts open days, so that a closed one is no day without demand', () => {
  // 2011-02-12 is a Saturday.
  const calendar = createCalendar();
  const sold = { '2011-02-10': 4, '2011-02-11': 6 };
  expect(calendar.before('2011-02-13', 2)).toEqual(['2011-02-11', '2011-02-10']);
  expect(calendar.onOrAfter('2011-02-12')).toBe('2011-02-13');
  expect(baselinesOf(sold, '2011-02-13', calendar)).toEqual({
    lastValue: { day: 6, week: 36 },
    mean20: { day: 0.5, week: 3 },
    lastWeek: { day: 0, week: 10 },
    zero: { day: 0, week: 0 },
  });
});

it('ends its search for open days of a shop that is always closed', () => {
  const calendar = createCalendar(() => false);
  expect(calendar.before('2011-02-15', 3)).toEqual([]);
  expect(featuresOf({ '2011-02-14': 1 }, '2011-02-15', calendar)).toBeUndefined();
});
