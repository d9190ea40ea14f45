/**
 * What an invoice must look like to become an order or a return: the edge where
 * a body from outside is checked and brought into one normal form, so that two
 * bodies can be compared.
 */
import { ActorError } from 'troupe/actor';
import { lineAmountPence, sumPence } from '../money.ts';
import type { CreateOrder, LeftOutLine, LineRequest, OrderLine, Receipt } from './api.ts';
import { admitLines, lineFault } from './lines.ts';

const MAX_LINES = 5000;
const PLACED_AT = /^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?/;

/** An invoice in normal form: only valid lines, priced, and the others with their reason. */
export interface Invoice {
  readonly customer: string | null;
  readonly country: string;
  readonly currency: 'GBP';
  readonly placedAt: string;
  readonly lines: readonly OrderLine[];
  readonly leftOut: readonly LeftOutLine[];
}

function refuse(what: string): never {
  throw new ActorError('INVALID_ORDER', what, { status: 400 });
}

function textOf(value: unknown, name: string): string {
  return typeof value === 'string' && value !== '' ? value : refuse(`${name} must be text`);
}

function readLine(value: unknown, at: string): LineRequest {
  if (typeof value !== 'object' || value === null) return refuse(`${at} must be an object`);
  const { stockCode, description, quantity, unitPrice, amountPence } =
    value as Partial<LineRequest>;
  if (typeof stockCode !== 'string') return refuse(`${at}.stockCode must be text`);
  if (typeof unitPrice !== 'string') return refuse(`${at}.unitPrice must be decimal text`);
  if (typeof quantity !== 'number') return refuse(`${at}.quantity must be a number`);
  const line = { stockCode, description: String(description ?? ''), quantity, unitPrice };
  if (lineFault(line) !== undefined) return line;
  let expected: number;
  try {
    expected = lineAmountPence(unitPrice, quantity);
  } catch {
    return refuse(`${at} is worth more than can be counted in pence`);
  }
  if (amountPence !== undefined && amountPence !== expected) {
    refuse(`${at}.amountPence is ${amountPence}, but ${quantity} at ${unitPrice} are ${expected}`);
  }
  return line;
}

function readLeftOut(value: unknown, at: string): LeftOutLine {
  if (typeof value !== 'object' || value === null) return refuse(`${at} must be an object`);
  const { stockCode, quantity, unitPrice, reason } = value as Partial<LeftOutLine>;
  return {
    stockCode: String(stockCode ?? ''),
    quantity: typeof quantity === 'number' ? quantity : 0,
    unitPrice: String(unitPrice ?? ''),
    reason: textOf(reason, `${at}.reason`),
  };
}

/** The invoice that a `create` body stands for. Throws ActorError INVALID_ORDER (400) that names the field. */
export function readInvoice(body: CreateOrder): Invoice {
  if (typeof body !== 'object' || body === null) return refuse('the body must be an object');
  const { customer, currency, placedAt, lines, leftOut = [] } = body;
  if (customer !== null) textOf(customer, 'customer (null for a guest)');
  const country = textOf(body.country, 'country');
  if (currency !== 'GBP') refuse(`currency must be GBP, not ${JSON.stringify(currency)}`);
  if (!PLACED_AT.test(textOf(placedAt, 'placedAt'))) {
    refuse('placedAt must be a time such as 2010-12-01 08:26:00');
  }
  if (!Array.isArray(lines)) return refuse('lines must be an array');
  if (!Array.isArray(leftOut)) return refuse('leftOut must be an array');
  if (lines.length > MAX_LINES) refuse(`an order takes at most ${MAX_LINES} lines`);
  const admitted = admitLines(lines.map((line, i) => readLine(line, `lines[${i}]`)));
  const others = leftOut.map((line, i) => readLeftOut(line, `leftOut[${i}]`));
  return {
    customer,
    country,
    currency,
    placedAt,
    lines: admitted.lines,
    leftOut: [...others, ...admitted.leftOut],
  };
}

export const NO_VALID_LINE = 'no valid line';

/** The answer to the `create` of an invoice: a function of its body alone. */
export function receiptOf(id: string, invoice: Invoice): Receipt {
  const accepted = invoice.lines.length > 0;
  return {
    id,
    accepted,
    ...(accepted ? {} : { reason: NO_VALID_LINE }),
    totalPence: totalOf(invoice),
    currency: invoice.currency,
    lines: invoice.lines.length,
    leftOut: invoice.leftOut.length,
  };
}

export function totalOf(invoice: Invoice): number {
  try {
    return sumPence(invoice.lines.map((line) => line.amountPence));
  } catch {
    return refuse('the lines are worth more than can be counted in pence');
  }
}

/** Throws ActorError CONFLICT (409) unless both bodies mean the same. */
export function assertSameInvoice(id: string, known: Invoice, again: Invoice): void {
  if (JSON.stringify(known) === JSON.stringify(again)) return;
  throw new ActorError('CONFLICT', `${id} was already created with another body; use another id`, {
    status: 409,
  });
}
