/** What the generated day and its history share: numbers by a seed, and goods of which a few sell most. */

const KINDS = [
  'MUG',
  'TEA TOWEL',
  'CANDLE',
  'NOTEBOOK',
  'LUNCH TIN',
  'GARLAND',
  'DOORMAT',
  'CLOCK',
];
const STYLES = ['OLIVE', 'HARBOUR', 'MEADOW', 'NIGHT SKY', 'ROBIN', 'TARTAN', 'PAPER, FOLDED'];

/** Mulberry32: numbers in [0, 1) from a 32-bit seed. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export interface Dice {
  whole(from: number, to: number): number;
  pick<T>(items: readonly T[]): T;
  /** The first goods of the list sell most: the square of a uniform number leans to its front. */
  popular<T>(goods: readonly T[]): T;
  /** Units of one order line. */
  quantity(): number;
}

export function diceOf(random: () => number): Dice {
  const whole = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  return {
    whole,
    pick: (items) => items[Math.floor(random() * items.length)]!,
    popular: (goods) => goods[Math.floor(random() ** 2.5 * goods.length)]!,
    quantity: () => (random() < 0.1 ? whole(24, 96) : whole(1, 12)),
  };
}

/** `place` counts the styles of a kind. */
export const GOODS: readonly { code: string; description: string; place: number }[] = KINDS.flatMap(
  (kind, k) =>
    STYLES.map((style, s) => ({
      code: `${10100 + k * 100 + s}${s % 3 === 2 ? 'B' : ''}`,
      description: `${style} ${kind}`,
      place: s,
    })),
);
