/**
 * Personal data out of texts, by patterns: each find is replaced by its name
 * in angle brackets, as `<EMAIL_ADDRESS>`. Web addresses are left alone. It is a
 * help against slips, not a promise; names it cannot see.
 */

interface Pattern {
  readonly name: string;
  readonly expression: RegExp;
  /** What the expression alone cannot say. */
  readonly fits?: (text: string) => boolean;
}

const digitsOf = (text: string): number => text.replaceAll(/\D/g, '').length;
const STREETS =
  'street|st|avenue|ave|road|rd|highway|hwy|square|sq|trail|drive|dr|court|ct|parkway|pkwy|circle|cir|boulevard|blvd';

/** In order of preference where two find the same text. Repetitions are bounded, so that time grows with the text alone. */
const PATTERNS: readonly Pattern[] = [
  {
    name: 'EMAIL_ADDRESS',
    expression: /[\w.!#$%&'*+/=?^{|}~-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z0-9-]{1,63}/gi,
  },
  {
    name: 'IP',
    expression: /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)/g,
    fits: (text) => text.split('.').every((part) => Number(part) <= 255),
  },
  {
    name: 'IP',
    expression: /(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])/gi,
    fits: (text) => URL.canParse(`http://[${text}]`),
  },
  { name: 'MAC_ADDRESS', expression: /\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b/gi },
  { name: 'US_SSN', expression: /\b\d{3}-\d{2}-\d{4}\b/g },
  { name: 'CREDIT_CARD', expression: /\b(?:(?:\d{4}[- ]?){3}\d{4}|\d{15,16})\b/g },
  { name: 'IBAN', expression: /\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b/g },
  { name: 'ISBN', expression: /\b97[89][- ]?(?:\d[- ]?){9}\d\b/g },
  {
    name: 'STREET_ADDRESS',
    expression: new RegExp(String.raw`\b\d{1,5} [\w ]{1,30}?\b(?:${STREETS})\b\.?`, 'gi'),
  },
  { name: 'PO_BOX', expression: /\bP\.? ?O\.? ?Box \d{1,10}\b/gi },
  { name: 'ZIP_CODE', expression: /\b\d{5}(?:-\d{4})?\b/g },
  {
    name: 'PHONE_NUMBER',
    expression: /(?<![\w.])\+?\(?\d[\d\s().-]{4,18}\d(?!\w)/g,
    fits: (text) => digitsOf(text) >= 7 && digitsOf(text) <= 15,
  },
];

const LINK = /https?:\/\/[^\s<>()]+/g;

interface Find {
  readonly from: number;
  readonly to: number;
  readonly name: string;
  readonly order: number;
}

function findsIn(text: string): Find[] {
  return PATTERNS.flatMap(({ name, expression, fits = () => true }, order) =>
    Array.from(text.matchAll(expression))
      .filter(([found]) => fits(found))
      .map(({ index, 0: found }) => ({ from: index, to: index + found.length, name, order })),
  );
}

/** The text with every find replaced; where finds overlap, the one that begins first, then the longest. */
export function scrubPii(text: string): string {
  const links = Array.from(text.matchAll(LINK), ({ index, 0: link }) => [
    index,
    index + link.length,
  ]);
  const isInLink = ({ from, to }: Find): boolean =>
    links.some(([start, end]) => from < end! && to > start!);
  const finds = findsIn(text)
    .filter((find) => !isInLink(find))
    .sort((a, b) => a.from - b.from || b.to - a.to || a.order - b.order);
  let scrubbed = '';
  let at = 0;
  for (const { from, to, name } of finds) {
    if (from < at) continue;
    scrubbed += `${text.slice(at, from)}<${name}>`;
    at = to;
  }
  return scrubbed + text.slice(at);
}
