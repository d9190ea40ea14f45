/**
 * What one customer bought: one entry an order, each pointing to the one
 * before, so that a new purchase costs the same however many there are. It only
 * says where to look; the order alone decides what it takes back.
 */
import { Actor, type StateEntry } from 'troupe/actor';
import { internal } from '../internal.ts';
import type { Candidate, OrderApi, PurchasesApi, ReturnsApi } from './api.ts';

interface Purchase {
  readonly previous: string | null;
  readonly codes: readonly string[];
}

const LATEST = 20;

export class Purchases extends Actor implements PurchasesApi {
  static readonly type = 'Purchases';
  static readonly options = { readOnly: ['view'] };

  readonly #head = this.state<{ orders: number; last: string | null }>('head', {
    initial: () => ({ orders: 0, last: null }),
  });
  readonly #purchases = new Map<string, StateEntry<Purchase | null>>();

  async record({ orderId, codes }: { orderId: string; codes: readonly string[] }): Promise<void> {
    internal(this.ctx, 'Order');
    const entry = this.#purchase(orderId);
    if (!(await entry.get())) {
      const head = await this.#head.get();
      entry.set({ previous: head.last, codes });
      head.last = orderId;
      head.orders += 1;
    }
    this.ctx.outbox.ref<OrderApi>('Order', orderId).purchaseRecorded();
  }

  async findCandidates(request: { returnId: string; codes: readonly string[] }): Promise<void> {
    internal(this.ctx, 'Returns');
    const wanted = new Set(request.codes);
    const orders: Candidate[] = [];
    for await (const { orderId, codes } of this.#latestFirst()) {
      const held = codes.filter((code) => wanted.has(code));
      if (held.length > 0) orders.push({ orderId, codes: held });
    }
    this.ctx.outbox.ref<ReturnsApi>('Returns', request.returnId).candidatesFound({ orders });
  }

  async view(): Promise<{ customer: string; orders: number; latest: string[] }> {
    const latest: string[] = [];
    for await (const { orderId } of this.#latestFirst()) {
      if (latest.push(orderId) === LATEST) break;
    }
    return { customer: this.ctx.id, orders: (await this.#head.get()).orders, latest };
  }

  async *#latestFirst(): AsyncGenerator<Candidate> {
    let { last: orderId } = await this.#head.get();
    while (orderId !== null) {
      const purchase = await this.#purchase(orderId).get();
      if (!purchase) return;
      yield { orderId, codes: purchase.codes };
      orderId = purchase.previous;
    }
  }

  #purchase(orderId: string): StateEntry<Purchase | null> {
    let entry = this.#purchases.get(orderId);
    if (!entry) {
      entry = this.state<Purchase | null>(`order-${orderId}`, { initial: () => null });
      this.#purchases.set(orderId, entry);
    }
    return entry;
  }
}
