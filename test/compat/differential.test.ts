/**
 * The same requests to Troupe and to the official daprd 1.18.2, over HTTP and
 * gRPC: statuses, headers, bodies and what their apps are asked, compared one by
 * one. What may differ stands in differential/differences.ts, with its reason.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BLOCKS } from './differential/blocks/index.ts';
import { createCaller, nameOf, textOf, type Answer } from './differential/case.ts';
import { DIFFERENCES } from './differential/differences.ts';
import { differencesPage, LEAST_CASES, PAGE } from './differential/page.ts';
import { startOfficial, startTroupe, type RunningSide } from './differential/sides.ts';

const shown = new Set<(typeof DIFFERENCES)[number]>();
const statusOf = ({ status, code }: Answer): string => String(status ?? code);

/** The answer without what a row says may differ; the rows that left something out are noted. */
function masked(answer: Answer): { text: string; by: Set<(typeof DIFFERENCES)[number]> } {
  const by = new Set<(typeof DIFFERENCES)[number]>();
  let text = textOf(answer);
  for (const row of DIFFERENCES) {
    for (const mask of row.masks ?? []) {
      const next = text.replace(mask, (_all, kept: unknown) =>
        typeof kept === 'string' ? `${kept}…` : '',
      );
      if (next !== text) by.add(row);
      text = next;
    }
  }
  return { text: text.replaceAll(',}', '}').replaceAll('{,', '{'), by };
}

let troupe: RunningSide;
let daprd: RunningSide;

beforeAll(async () => {
  [troupe, daprd] = await Promise.all([startTroupe(), startOfficial()]);
}, 120_000);

afterAll(async () => {
  await troupe?.[Symbol.asyncDispose]();
  await daprd?.[Symbol.asyncDispose]();
});

describe('Troupe answers as daprd', () => {
  let callers: readonly ReturnType<typeof createCaller>[];

  beforeAll(() => {
    callers = [createCaller(troupe), createCaller(daprd)];
  });

  afterAll(() => {
    for (const caller of callers) caller[Symbol.dispose]();
  });

  it.each(BLOCKS)('in $name', async ({ cases }) => {
    const differing: unknown[] = [];
    for (const one of cases) {
      const [ours, theirs] = (await Promise.all(callers.map((caller) => caller.run(one)))) as [
        Answer,
        Answer,
      ];
      if (textOf(ours) === textOf(theirs)) continue;
      const name = nameOf(one);
      const row = DIFFERENCES.find(
        ({ cases: of, statuses }) =>
          of?.test(name) && statuses?.includes(`${statusOf(ours)}/${statusOf(theirs)}`),
      );
      const [mine, other] = [masked(ours), masked(theirs)];
      if (mine.text === other.text) for (const by of [...mine.by, ...other.by]) shown.add(by);
      else if (row) shown.add(row);
      else differing.push({ request: name, troupe: mine.text, daprd: other.text });
    }
    expect(differing).toEqual([]);
  });
});

it('every difference that is excused was seen', () => {
  expect(DIFFERENCES.filter((row) => !shown.has(row)).map(({ what }) => what)).toEqual([]);
});

it(`compares at least ${LEAST_CASES} requests, bad ones among them, on both transports`, () => {
  const requests = BLOCKS.flatMap(({ cases }) => cases).filter((one) => !('app' in one));
  expect(requests.length).toBeGreaterThanOrEqual(LEAST_CASES);
  expect(requests.filter((one) => 'grpc' in one).length).toBeGreaterThan(100);
});

it('an answer that differs is noticed', () => {
  const answer = { status: 200, headers: {}, body: { a: 1 } };
  expect(masked(answer).text).not.toBe(masked({ ...answer, status: 204 }).text);
  expect(masked(answer).text).not.toBe(masked({ ...answer, body: { a: 2 } }).text);
});

it(`${PAGE} has the rows`, async () => {
  const written = await readFile(new URL(`../../${PAGE}`, import.meta.url), 'utf8');
  expect(written).toBe(differencesPage(DIFFERENCES));
});
