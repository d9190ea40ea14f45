/**
 * Money as the shop counts it: integer pence, computed exactly from decimal
 * text. No floating point number ever holds a price.
 */

const DECIMAL = /^([+-]?)(\d{1,12})(?:\.(\d{1,12}))?$/;

/** An exact decimal: `units` times ten to the power of `-scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** The decimal that `text` writes (`2.55`, `-3`, `18.0`), or undefined when it writes none. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = ''] = match;
  const units = BigInt(`${whole}${fraction}`);
  return { units: sign === '-' ? -units : units, scale: fraction.length };
}

/** Unit price in pounds as decimal text times a whole quantity, in pence, half a penny rounded up (away from zero). Throws RangeError for other input. */
export function lineAmountPence(unitPrice: string, quantity: number): number {
  const price = parseDecimal(unitPrice);
  if (!price) throw new RangeError(`"${unitPrice}" is not a decimal amount such as 2.55`);
  if (!Number.isSafeInteger(quantity)) throw new RangeError(`${quantity} is not a whole quantity`);
  const exact = price.units * BigInt(quantity) * 100n;
  const divisor = 10n ** BigInt(price.scale);
  const magnitude = exact < 0n ? -exact : exact;
  const rounded = (2n * magnitude + divisor) / (2n * divisor);
  const pence = Number(exact < 0n ? -rounded : rounded);
  if (!Number.isSafeInteger(pence))
    throw new RangeError(`${unitPrice} times ${quantity} is too large`);
  return pence === 0 ? 0 : pence;
}

/** Sum of pence; throws RangeError when it can no longer be exact. */
export function sumPence(amounts: Iterable<number>): number {
  let sum = 0;
  for (const amount of amounts) {
    sum += amount;
    if (!Number.isSafeInteger(sum)) throw new RangeError('the sum of pence is too large');
  }
  return sum;
}

/** `1234` as `12.34`. */
export function formatPence(pence: number): string {
  const magnitude = Math.abs(pence);
  const text = `${Math.floor(magnitude / 100)}.${String(magnitude % 100).padStart(2, '0')}`;
  return pence < 0 ? `-${text}` : text;
}
