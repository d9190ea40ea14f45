import fc from 'fast-check';
import { expect, it } from 'vitest';
import { restoreSnapshot, takeSnapshot } from './snapshot.ts';

/** Spoils a value at every level, as a method that throws half way might. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) spoil(member);
  if (Array.isArray(value)) {
    value.splice(0, 1, 'spoiled', {});
    value.reverse();
  } else {
    const [first] = Object.keys(value);
    if (first !== undefined) delete (value as Record<string, unknown>)[first];
    (value as Record<string, unknown>)['spoiled'] = [];
  }
}

it('puts back the content of every object, in the same objects', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const before = structuredClone(value);
      const snapshot = takeSnapshot(value);
      const parts = Object.values(Object(value) as object);
      spoil(value);
      const restored = restoreSnapshot(snapshot);
      expect(restored).toEqual(before);
      expect(restored).toBe(value);
      expect(Object.values(Object(restored) as object)).toEqual(parts);
      expect(
        Object.values(Object(restored) as object).every((part, i) => Object.is(part, parts[i])),
      ).toBe(true);
    }),
  );
});

it('can be put back twice', () => {
  const value = { items: [1], name: 'a' };
  const snapshot = takeSnapshot(value);
  for (let i = 0; i < 2; i++) {
    value.items.push(2);
    value.name = 'b';
    restoreSnapshot(snapshot);
    expect(value).toEqual({ items: [1], name: 'a' });
  }
});

it('puts back an own member called __proto__', () => {
  const value = JSON.parse('{"__proto__":{"a":1}}') as Record<string, unknown>;
  const snapshot = takeSnapshot(value);
  delete value['__proto__'];
  restoreSnapshot(snapshot);
  expect(JSON.stringify(value)).toBe('{"__proto__":{"a":1}}');
});
