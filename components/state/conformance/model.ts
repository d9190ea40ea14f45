/**
 * Any sequence of requests against a store and against a plain Map must give
 * the same answers. fast-check makes the sequences and shortens those that
 * fail. The model applies the contract's words: conditions first, then the
 * writes in order, expired rows are absent.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTestClock, type TestClock } from '../../test-clock.ts';
import type { StateOperation, StateStore, StateValue } from '../contract.ts';
import type { StateSubject } from './subject.ts';

interface ModelRow {
  value: StateValue;
  etag: string;
  expiresAt: number | undefined;
  score: number | undefined;
}

/** What a generated write says about the row it wants to meet. */
type Condition = 'none' | 'current' | 'stale' | 'first';

type Step =
  | { readonly kind: 'transact'; readonly writes: readonly Write[] }
  | { readonly kind: 'range'; readonly maxScore: number; readonly limit: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'reopen' };

type Write =
  | {
      readonly kind: 'set';
      readonly key: string;
      readonly value: StateValue;
      readonly condition: Condition;
      readonly ttlSeconds: number | undefined;
      readonly score: number;
    }
  | { readonly kind: 'delete'; readonly key: string; readonly condition: Condition }
  | { readonly kind: 'check'; readonly key: string; readonly condition: Condition }
  | { readonly kind: 'delete-prefix'; readonly prefix: string };

/** Rows whose key begins with `i` are in the index `x`, the others in none: the contract fixes that per row. */
const KEYS = ['a', 'a||1', 'a||12', 'b', 'i', 'i||1', 'i||2', 'i||ü', 'i||\uffee', 'i||😀'];
const INDEX = 'x';
const isIndexed = (key: string): boolean => key.startsWith('i');

const key = fc.constantFrom(...KEYS);
const condition = fc.constantFrom<Condition>('none', 'none', 'current', 'stale', 'first');
const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      key,
      value: fc.oneof(
        fc.json({ maxDepth: 1 }),
        fc.constant(''),
        // No UTF-8, so that every store returns them as bytes.
        fc.uint8Array({ maxLength: 8 }).map((bytes) => Uint8Array.of(...bytes, 255)),
      ),
      condition,
      ttlSeconds: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined, freq: 3 }),
      score: fc.integer({ min: 0, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key, condition }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('check' as const), key, condition }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('delete-prefix' as const),
      prefix: fc.constantFrom('a||', 'i||', 'i', 'b', 'none'),
    }),
  },
);

function steps(reopens: boolean): fc.Arbitrary<Step[]> {
  const transact = fc.record({
    kind: fc.constant('transact' as const),
    writes: fc.array(write, { minLength: 1, maxLength: 4 }),
  });
  const range = fc.record({
    kind: fc.constant('range' as const),
    maxScore: fc.integer({ min: 0, max: 4 }),
    limit: fc.integer({ min: 1, max: 3 }),
  });
  const advance = fc.record({
    kind: fc.constant('advance' as const),
    ms: fc.integer({ min: 1, max: 3_000 }),
  });
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: transact },
      { weight: 2, arbitrary: range },
      { weight: 2, arbitrary: advance },
      { weight: reopens ? 1 : 0, arbitrary: fc.constant({ kind: 'reopen' as const }) },
    ),
    { minLength: 1, maxLength: 25 },
  );
}

class Model {
  readonly rows = new Map<string, ModelRow>();
  readonly #clock: TestClock;

  constructor(clock: TestClock) {
    this.#clock = clock;
  }

  live(wanted: string): ModelRow | undefined {
    const row = this.rows.get(wanted);
    return row && (row.expiresAt === undefined || row.expiresAt > this.#clock.now())
      ? row
      : undefined;
  }

  /** The request for a generated write, with the etag that its condition means now. */
  request(step: Write): StateOperation {
    if (step.kind === 'delete-prefix') return step;
    const current = this.live(step.key)?.etag;
    const etag = step.condition === 'current' ? (current ?? 'none') : 'stale';
    const named = step.condition === 'current' || step.condition === 'stale' ? { etag } : {};
    switch (step.kind) {
      case 'check':
        return { kind: 'check', key: step.key, etag: named.etag ?? null };
      case 'delete':
        return {
          kind: 'delete',
          key: step.key,
          ...named,
          ...(isIndexed(step.key) ? { index: INDEX } : {}),
        };
      case 'set':
        return {
          kind: 'set',
          key: step.key,
          value: step.value,
          ...named,
          ...(step.condition === 'first' ? { firstWrite: true } : {}),
          ...(step.ttlSeconds === undefined ? {} : { ttlSeconds: step.ttlSeconds }),
          ...(isIndexed(step.key) ? { index: { name: INDEX, score: step.score } } : {}),
        };
    }
  }

  holds(operation: StateOperation): boolean {
    if (operation.kind === 'delete-prefix') return true;
    const current = this.live(operation.key)?.etag;
    if (operation.etag != null) return current === operation.etag;
    const mustBeAbsent =
      operation.kind === 'set' ? operation.firstWrite : operation.kind === 'check';
    return !mustBeAbsent || current === undefined;
  }

  write(operation: StateOperation, etag: string | undefined): void {
    if (operation.kind === 'set') {
      const { ttlSeconds } = operation;
      this.rows.set(operation.key, {
        value: operation.value,
        etag: etag!,
        expiresAt: ttlSeconds === undefined ? undefined : this.#clock.now() + ttlSeconds * 1_000,
        score: operation.index?.score,
      });
    } else if (operation.kind === 'delete') {
      this.rows.delete(operation.key);
    } else if (operation.kind === 'delete-prefix') {
      for (const stored of this.rows.keys())
        if (stored.startsWith(operation.prefix)) this.rows.delete(stored);
    }
  }

  range(maxScore: number): { key: string; score: number }[] {
    return [...this.rows.keys()]
      .flatMap((stored) => {
        const score = this.live(stored)?.score;
        return score === undefined || score > maxScore ? [] : [{ key: stored, score }];
      })
      .sort((a, b) => a.score - b.score || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }
}

async function compare(store: StateStore, model: Model): Promise<void> {
  const found = await store.getBulk(KEYS);
  const expected = KEYS.map((wanted) => {
    const row = model.live(wanted);
    if (!row) return { key: wanted };
    const item = { key: wanted, value: row.value, etag: row.etag };
    return row.expiresAt === undefined ? item : { ...item, expiresAt: row.expiresAt };
  });
  expect(found).toEqual(expected);
}

/** Runs generated sequences; rejects with the shortest that the store answers otherwise than the model. */
export async function checkAgainstModel(subject: StateSubject, runs = 60): Promise<void> {
  const property = fc.asyncProperty(steps(subject.reopen !== undefined), async (sequence) => {
    const clock = createTestClock();
    const model = new Model(clock);
    let store = await subject.create(clock);
    try {
      for (const step of sequence) {
        switch (step.kind) {
          case 'advance':
            clock.advance(step.ms);
            break;
          case 'reopen':
            await store.close();
            store = await subject.reopen!(store, clock);
            break;
          case 'range': {
            const { maxScore, limit } = step;
            const expected = model.range(maxScore);
            const first = await store.range({ index: INDEX, maxScore, limit });
            const after = expected[0];
            const rest = after ? await store.range({ index: INDEX, maxScore, limit, after }) : [];
            const places = [first, rest].map((page) =>
              page.map(({ key: found, score }) => ({ key: found, score })),
            );
            expect(places).toEqual([expected.slice(0, limit), expected.slice(1, limit + 1)]);
            break;
          }
          case 'transact': {
            const operations = step.writes.map((entry) => model.request(entry));
            const refused = operations.find((operation) => !model.holds(operation));
            if (refused) {
              await expect(store.transact(operations)).rejects.toMatchObject({ code: 'CONFLICT' });
            } else {
              const etags = await store.transact(operations);
              operations.forEach((operation, i) => model.write(operation, etags[i]));
            }
            break;
          }
        }
        await compare(store, model);
      }
    } finally {
      await store.close();
    }
  });
  await fc.assert(property, { numRuns: runs });
}

export function modelTests(subject: StateSubject): void {
  it('answers any sequence of requests as a plain map does', async () => {
    await checkAgainstModel(subject);
  });
}
