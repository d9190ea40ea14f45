import { expect, it } from 'vitest';
import { createHashPaymentProvider, isDeclined } from './provider.ts';

const ids = Array.from({ length: 20_000 }, (_, i) => String(536_365 + i));

it.each([0.01, 0.1, 0.5])('declines about the share %d of neighbouring invoices', (rate) => {
  const declined = ids.filter((id) => isDeclined(id, rate)).length / ids.length;
  expect(Math.abs(declined - rate)).toBeLessThan(0.15 * rate);
});

it('declines the same orders at every run, and more of them at a higher rate', () => {
  const first = ids.filter((id) => isDeclined(id, 0.01));
  expect(first).toEqual(ids.filter((id) => isDeclined(id, 0.01)));
  expect(first.every((id) => isDeclined(id, 0.02))).toBe(true);
});

it('declines none at 0 and all at 1', async () => {
  expect(ids.some((id) => isDeclined(id, 0))).toBe(false);
  expect(ids.every((id) => isDeclined(id, 1))).toBe(true);
  const provider = createHashPaymentProvider({ declineRate: 1 });
  const request = {
    key: 'k',
    orderId: '1',
    amountPence: 1,
    currency: 'GBP',
    customer: null,
  } as const;
  expect(await provider.authorise(request)).toEqual({
    approved: false,
    reason: 'declined by the provider',
  });
});

it.each([-0.1, 1.1, Number.NaN])('refuses the rate %d', (declineRate) => {
  expect(() => createHashPaymentProvider({ declineRate })).toThrow(RangeError);
});
