import { expect, it } from 'vitest';
import { Ownership, OWNER, SENDS_AN_EPOCH } from './ownership.ts';

const actor = { type: 'T', id: 'i' };
const fresh = (term = 1): Ownership => new Ownership(actor, term, { name: OWNER }, 'stream');
const stored = (epoch: number, term: number) => ({
  name: OWNER,
  json: JSON.stringify({ epoch, term, stream: 'old' }),
  etag: 'e1',
});

it('claims an actor without a record only if it still has none', () => {
  const ownership = fresh();
  ownership.observe({ name: 'a' });
  ownership.observe({ name: 'b', etag: '7' });
  const [claim, ...checks] = ownership.condition();
  expect(claim).toMatchObject({ kind: 'set', name: OWNER, firstWrite: true });
  expect(JSON.parse((claim as { json: string }).json)).toEqual({
    epoch: 1,
    term: 1,
    stream: 'stream',
  });
  expect(checks).toEqual([
    { kind: 'check', name: 'a', etag: null },
    { kind: 'check', name: 'b', etag: '7' },
  ]);
});

it('claims an actor of an earlier owner with the next epoch, and keeps its stream', () => {
  const ownership = new Ownership(actor, 3, stored(4, 2), 'new');
  expect([ownership.superseded, ownership.stream, ownership.epoch]).toEqual([
    false,
    'old',
    undefined,
  ]);
  const [claim] = ownership.condition();
  expect(claim).toMatchObject({ etag: 'e1' });
  expect(JSON.parse((claim as { json: string }).json)).toMatchObject({ epoch: 5, term: 3 });
  ownership.committed('e2');
  expect(ownership.epoch).toBe(5);
  expect(ownership.condition()).toEqual([{ kind: 'check', name: OWNER, etag: 'e2' }]);
  expect(ownership.conditionToDelete()).toEqual([{ kind: 'check', name: OWNER, etag: 'e2' }]);
});

it('is superseded by a record of a newer term, and not by its own', () => {
  expect(new Ownership(actor, 2, stored(1, 3), 's').superseded).toBe(true);
  expect(new Ownership(actor, 2, stored(1, 2), 's').superseded).toBe(false);
});

it('depends on everything it has read also when it deletes', () => {
  const ownership = new Ownership(actor, 2, stored(1, 1), 's');
  ownership.observe({ name: 'balance', etag: '3' });
  expect(ownership.conditionToDelete()).toEqual([
    { kind: 'check', name: OWNER, etag: 'e1' },
    { kind: 'check', name: 'balance', etag: '3' },
  ]);
});

it('numbers sends upwards, over activations and when an epoch has no numbers left', () => {
  const first = fresh();
  expect([first.numberSends(2), first.numberSends(1)]).toEqual([
    SENDS_AN_EPOCH,
    SENDS_AN_EPOCH + 2,
  ]);
  first.committed('e1');
  first.numberSends(SENDS_AN_EPOCH - 4);
  const last = first.numberSends(1);
  expect(last).toBe(2 * SENDS_AN_EPOCH - 1);
  expect(first.numberSends(2)).toBe(2 * SENDS_AN_EPOCH);
  const [claim] = first.condition();
  expect(claim).toMatchObject({ kind: 'set', etag: 'e1' });
  expect(JSON.parse((claim as { json: string }).json)).toMatchObject({ epoch: 2 });
  first.committed('e2');
  expect(first.epoch).toBe(2);
  expect(first.numberSends(1)).toBe(2 * SENDS_AN_EPOCH + 2);
  const next = new Ownership(
    actor,
    1,
    { name: OWNER, json: (claim as { json: string }).json, etag: 'e2' },
    's',
  );
  expect(next.numberSends(1)).toBe(3 * SENDS_AN_EPOCH);
  expect(() => next.numberSends(SENDS_AN_EPOCH + 1)).toThrow('in one turn');
});
