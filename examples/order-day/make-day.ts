/**
 * Writes day.csv, the small day that ships with the example:
 * `node examples/order-day/make-day.ts > examples/order-day/day.csv`.
 * The same seed gives the same file. Its shop, goods and customers are made up.
 */
import { diceOf, generator, GOODS } from './made-up.ts';

const SEED = 20260301;
const ORDERS = 120;
const FIRST_INVOICE = 708001;

const COUNTRIES = [
  'United Kingdom',
  'United Kingdom',
  'United Kingdom',
  'France',
  'Germany',
  'EIRE',
];

interface Good {
  readonly code: string;
  readonly description: string;
  readonly pence: number;
}

interface Sold {
  readonly good: Good;
  readonly quantity: number;
}

const random = generator(SEED);
const { whole, pick, popular, quantity } = diceOf(random);

const goods: Good[] = GOODS.map(({ code, description, place }) => ({
  code,
  description,
  pence: whole(3, 180) * 5 + (place % 2 === 0 ? 0 : 4),
}));

const field = (text: string): string =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

function clock(minutes: number): string {
  const hour = String(Math.floor(minutes / 60)).padStart(2, '0');
  return `2026-03-02 ${hour}:${String(minutes % 60).padStart(2, '0')}:00`;
}

const rows: string[] = [
  'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
];
function write(
  invoice: string,
  { good, quantity }: Sold,
  { time, customer, country }: { time: string; customer: string; country: string },
  unitPrice = (good.pence / 100).toString(),
): void {
  const customerId = customer === '' ? '' : `${customer}.0`;
  rows.push(
    [
      invoice,
      good.code,
      field(good.description),
      quantity,
      time,
      unitPrice,
      customerId,
      country,
    ].join(','),
  );
}

const homes = new Map(
  Array.from({ length: 45 }, (_, index) => [String(21001 + index * 7), pick(COUNTRIES)]),
);
const customers = [...homes.keys()];
const past: { customer: string; country: string; sold: Sold[] }[] = [];

// The till is busiest around noon: each time is the mean of two between 8 and 18 h.
const minutesOf = Array.from({ length: ORDERS }, () => 480 + whole(0, 300) + whole(0, 299)).sort(
  (a, b) => a - b,
);
for (let number = 0; number < ORDERS; number++) {
  const invoice = String(FIRST_INVOICE + number);
  const minutes = minutesOf[number]!;
  const customer = random() < 0.12 ? '' : pick(customers);
  const country = customer === '' ? 'United Kingdom' : homes.get(customer)!;
  const header = { time: clock(minutes), customer, country };
  const sold = Array.from({ length: whole(1, 9) }, () => ({
    good: popular(goods),
    quantity: quantity(),
  }));
  // Two invoices are stock corrections: nothing on them can be sold.
  const nothingToSell = number === 40 || number === 91;
  for (const one of sold) {
    const roll = random();
    if (nothingToSell || roll < 0.012)
      write(invoice, { ...one, quantity: -one.quantity }, header, '0.0');
    else if (roll < 0.024) write(invoice, one, header, '0.0');
    else write(invoice, one, header);
  }
  if (customer !== '' && !nothingToSell) past.push({ customer, country, sold });
  if (number === 30)
    rows.push(
      `${invoice},10100,${field('OLIVE MUG')},six,${header.time},1.25,${customer}.0,${country}`,
    );
  if (number === 60) rows.push(`${invoice},10100,OLIVE MUG,6,${header.time}`);
  if (number === 77)
    rows.push(`${invoice},10100,"OLIVE MUG,6,${header.time},1.25,${customer}.0,${country}`);
  if (number % 17 === 16) {
    const earlier = pick(past);
    const returned = earlier.sold.slice(0, whole(1, 2));
    for (const { good, quantity } of returned) {
      write(
        `C${invoice}`,
        { good, quantity: -Math.max(1, Math.floor(quantity / 2)) },
        { time: clock(minutes + 1), customer: earlier.customer, country: earlier.country },
      );
    }
  }
}
// A return by somebody who never bought: it ends as a credit note.
write(
  `C${FIRST_INVOICE + ORDERS}`,
  { good: goods[3]!, quantity: -2 },
  { time: clock(1075), customer: '29999', country: 'France' },
);
process.stdout.write(`${rows.join('\n')}\n`);
