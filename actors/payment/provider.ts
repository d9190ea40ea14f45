/**
 * The payment provider of the shop's day: approves everything but a stable
 * share of orders, chosen by a hash of the order id, so that every run
 * declines the same ones. It moves no money and keeps nothing.
 */
import type { PaymentProvider } from './api.ts';

/** FNV-1a, 32 bits, finished with murmur3's mixer so that ids that differ in their last digit spread evenly. */
export function stableHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** True for the stable share `declineRate` (0 to 1) of order ids. */
export function isDeclined(orderId: string, declineRate: number): boolean {
  return stableHash(orderId) < declineRate * 0x1_0000_0000;
}

/** `declineRate` is the share of orders declined, from 0 to 1. Default 0.01. */
export function createHashPaymentProvider(options: { declineRate?: number } = {}): PaymentProvider {
  const { declineRate = 0.01 } = options;
  if (!(declineRate >= 0 && declineRate <= 1)) {
    throw new RangeError(`declineRate must be from 0 to 1, not ${declineRate}`);
  }
  return {
    async authorise({ orderId }) {
      if (isDeclined(orderId, declineRate))
        return { approved: false, reason: 'declined by the provider' };
      return { approved: true, reference: `auth-${orderId}` };
    },
    async capture() {},
    async void() {},
    async refund() {},
  };
}
