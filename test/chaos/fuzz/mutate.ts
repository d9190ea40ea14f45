/** Requests, files and events that nobody meant: the good ones of the comparison with daprd, damaged by dice. */
import type { Dice } from '../random.ts';

/** Bytes that parsers stumble over. */
const NASTY = [
  '',
  '\0',
  '%',
  '%00',
  '%zz',
  '../',
  '//',
  '||',
  '${x}',
  '"',
  "'",
  '\\',
  '{',
  '[',
  ']}',
  'null',
  '-1',
  '1e999',
  '99999999999999999999',
  'true',
  '__proto__',
  'constructor',
  '\u{1f600}',
  '\ud800',
  ' ',
  '\r\n',
  '\t',
  '&a *a',
  '!!js/function x',
  '- ',
  ': ',
  '#',
];

export const pick = <T>(dice: Dice, from: readonly T[]): T =>
  from[dice.between(0, from.length - 1)]!;

/** A text with one to three wounds: a part cut out, doubled, moved, replaced or something put in. */
export function damaged(dice: Dice, text: string): string {
  let result = text;
  for (let wounds = dice.between(1, 3); wounds > 0; wounds--) {
    const from = dice.between(0, result.length);
    const to = Math.min(result.length, from + dice.between(0, 8));
    const part = result.slice(from, to);
    const before = result.slice(0, from);
    const after = result.slice(to);
    switch (dice.between(0, 4)) {
      case 0:
        result = before + after;
        break;
      case 1:
        result = before + part.repeat(dice.between(2, 5)) + after;
        break;
      case 2:
        result = before + pick(dice, NASTY) + after;
        break;
      case 3:
        result = before + pick(dice, NASTY) + part + after;
        break;
      default:
        result = before + after + part;
    }
  }
  return result;
}

export function damagedBytes(dice: Dice, bytes: Uint8Array): Uint8Array {
  const result = Uint8Array.from(bytes);
  for (let wounds = dice.between(1, 4); wounds > 0 && result.length > 0; wounds--)
    result[dice.between(0, result.length - 1)] = dice.between(0, 255);
  return dice.falls(0.3) ? result.subarray(0, dice.between(0, result.length)) : result;
}

/** JSON with a value somewhere in it exchanged for one of another kind. */
export function twisted(dice: Dice, value: unknown): unknown {
  if (dice.falls(0.25) || typeof value !== 'object' || value === null) {
    return pick(dice, [
      null,
      0,
      -1,
      1e308,
      '',
      'text',
      [],
      {},
      true,
      [[[]]],
      { __proto__: null },
      'x'.repeat(5000),
      value,
    ]);
  }
  if (Array.isArray(value)) {
    const at = dice.between(0, value.length);
    return value.map((one, index) => (index === at ? twisted(dice, one) : (one as unknown)));
  }
  const keys = Object.keys(value);
  const key = keys.length === 0 ? 'key' : pick(dice, keys);
  return { ...value, [key]: twisted(dice, (value as Record<string, unknown>)[key]) };
}
