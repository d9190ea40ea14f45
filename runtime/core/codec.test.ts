import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyOf, LocalValue, toBytes, toJson, toValue } from './codec.ts';

class Money {
  readonly pence = 5;
  toJSON(): unknown {
    return { pence: this.pence, at: new Date(0), gone: undefined };
  }
}

const odd = fc.constantFrom<unknown>(
  undefined,
  null,
  -0,
  new Date(0),
  new Date(Number.NaN),
  new Money(),
  Object(1),
  Object('boxed'),
  Object(true),
  Object.create(null),
  Object.create({ inherited: 1 }),
  '\ud800',
  '\u2028',
  { toJSON: () => undefined },
  { toJSON: 'no function' },
  JSON.parse('{"__proto__": {"a": 1}}'),
  [undefined, [], {}],
  // oxlint-disable-next-line no-sparse-arrays -- what an author may send
  [1, , 3],
);
const unsendable = fc.constantFrom<unknown>(
  1n,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  new Map(),
  new Set(),
  new Uint8Array(1),
  new ArrayBuffer(1),
  Symbol('s'),
  () => 1,
  Object(Number.NaN),
  { toJSON: () => 1n },
);

function anything(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('__proto__', '1', 'toString')),
        tie('tree'),
        { maxKeys: 4 },
      ),
    ),
  })).tree;
}

const sendable = anything(fc.oneof(fc.jsonValue(), odd));
const any = anything(fc.oneof(fc.jsonValue(), odd, unsendable));

type Outcome = { value: unknown } | { code: string; message: string };

function outcomeOf(run: () => unknown): Outcome {
  try {
    return { value: run() };
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
}

const throughBytes = (value: unknown): unknown => {
  const json = toJson(value);
  return toValue(json === undefined ? new Uint8Array(0) : new TextEncoder().encode(json));
};

describe('a value that stays in the process', () => {
  it('comes out as it would after a wire', () => {
    fc.assert(
      fc.property(sendable, (value) => {
        expect(toValue(copyOf(value))).toStrictEqual(throughBytes(value));
        expect(toValue(toBytes(copyOf(value)))).toStrictEqual(throughBytes(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('comes out as JSON itself would bring it', () => {
    fc.assert(
      fc.property(sendable, (value) => {
        const json = JSON.stringify(value) as string | undefined;
        expect(copyOf(value).value).toStrictEqual(
          json === undefined ? undefined : JSON.parse(json),
        );
      }),
    );
  });

  it('is refused exactly when a wire would refuse it, in the same words', () => {
    fc.assert(
      fc.property(any, (value) => {
        fc.pre(!(value instanceof Uint8Array));
        const copied = outcomeOf(() => copyOf(value).value);
        expect(copied).toStrictEqual(outcomeOf(() => throughBytes(value)));
        if ('code' in copied) expect(copied.code).toBe('INVALID_ARGUMENT');
      }),
      { numRuns: 1000 },
    );
  });

  it('shares nothing with its sender', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const seen = new Set<object>();
        const walk = (at: unknown, visit: (part: object) => void): void => {
          if (typeof at !== 'object' || at === null) return;
          visit(at);
          for (const member of Object.values(at)) walk(member, visit);
        };
        walk(value, (part) => seen.add(part));
        walk(copyOf(value).value, (part) => expect(seen.has(part)).toBe(false));
      }),
    );
  });
});

it('bytes stay bytes, copied', () => {
  const bytes = new Uint8Array([1, 2]);
  const copy = copyOf(bytes).value as Uint8Array;
  bytes[0] = 9;
  expect(copy).toEqual(new Uint8Array([1, 2]));
  expect(toBytes(new LocalValue(copy))).toBe(copy);
});

it('nothing at all is an empty body', () => {
  expect(toBytes(copyOf(undefined))).toHaveLength(0);
  expect(toValue(new Uint8Array(0))).toBe(undefined);
  expect(toJson(undefined)).toBe(undefined);
});

it.each([
  ['no JSON', '{oops'],
  ['two values', '1 2'],
])('a body that is %s is refused', (_what, text) => {
  expect(outcomeOf(() => toValue(new TextEncoder().encode(text)))).toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});

it('a body that is no UTF-8 is refused', () => {
  expect(outcomeOf(() => toValue(new Uint8Array([0x22, 0xff, 0x22])))).toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});

it('nesting is taken to 500 levels and refused beyond, without an overflow', () => {
  const nested = (depth: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  };
  expect(copyOf(nested(500)).value).toEqual(nested(500));
  for (const depth of [502, 100_000]) {
    expect(outcomeOf(() => copyOf(nested(depth)))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(outcomeOf(() => toJson(nested(depth)))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
});
