/**
 * A return invoice: asks the customer's purchases where its goods may have come
 * from, lets those orders take back what they can, latest first and one after
 * the other, puts the goods back to stock and credits the rest. Durable sends
 * alone, so that a crash at any point resumes.
 */
import { Actor, ActorError } from 'troupe/actor';
import { internal } from '../internal.ts';
import type {
  Candidate,
  CreateReturn,
  OrderApi,
  PurchasesApi,
  Receipt,
  ReturnMatched,
  ReturnsApi,
  ReturnState,
  ReturnView,
} from './api.ts';
import type { InventoryApi } from '../inventory/api.ts';
import type { PaymentApi } from '../payment/api.ts';
import type { OrderEvent } from './events.ts';
import { demandOf } from './lines.ts';
import { assertSameInvoice, type Invoice, readInvoice, receiptOf } from './request.ts';
import { bookMatches, linesOf, refundedPence, type Settlement, wantedFrom } from './settlement.ts';

interface Progress extends Settlement {
  state: ReturnState | 'none';
  /** Absent while the customer's purchases are searched. */
  candidates?: readonly Candidate[];
  /** The candidate whose answer is awaited. */
  at: number;
}

export class Returns extends Actor implements ReturnsApi {
  static readonly type = 'Returns';
  static readonly options = { readOnly: ['get'] };

  readonly #progress = this.state<Progress>('progress', {
    initial: () => ({ state: 'none', at: 0, matched: [] }),
  });
  readonly #invoice = this.state<Invoice | null>('invoice', { initial: () => null });

  async create(request: CreateReturn): Promise<Receipt> {
    const invoice = readInvoice(request);
    const receipt = receiptOf(this.ctx.id, invoice);
    const progress = await this.#progress.get();
    if (progress.state !== 'none') {
      assertSameInvoice(`return ${this.ctx.id}`, await this.#known(), invoice);
      return receipt;
    }
    this.#invoice.set(invoice);
    if (receipt.reason !== undefined) this.#reject(progress, invoice, receipt.reason);
    else if (invoice.customer === null) this.#settle(progress, invoice);
    else {
      progress.state = 'matching';
      this.#search(invoice);
    }
    return receipt;
  }

  async get(): Promise<ReturnView> {
    return this.#view(await this.#progress.get(), await this.#known());
  }

  async retry(): Promise<ReturnView> {
    const progress = await this.#progress.get();
    const invoice = await this.#known();
    if (progress.state !== 'matching') {
      throw new ActorError('WRONG_STATE', `return ${this.ctx.id} is ${progress.state}`, {
        status: 409,
        details: { state: progress.state },
      });
    }
    if (progress.candidates) this.#next(progress, invoice);
    else this.#search(invoice);
    return this.#view(progress, invoice);
  }

  async candidatesFound({ orders }: { orders: readonly Candidate[] }): Promise<void> {
    internal(this.ctx, 'Purchases');
    const progress = await this.#progress.get();
    if (progress.state !== 'matching' || progress.candidates) return;
    progress.candidates = orders;
    this.#next(progress, await this.#known());
  }

  async orderMatched(reply: { orderId: string; lines: readonly ReturnMatched[] }): Promise<void> {
    internal(this.ctx, 'Order');
    const progress = await this.#progress.get();
    const asked = progress.candidates?.[progress.at];
    if (progress.state !== 'matching' || asked?.orderId !== reply.orderId) return;
    bookMatches(progress, reply.lines);
    progress.at += 1;
    this.#next(progress, await this.#known());
  }

  /** Asks the next order that may take something back, or settles when there is none. */
  #next(progress: Progress, invoice: Invoice): void {
    const candidates = progress.candidates ?? [];
    for (; progress.at < candidates.length; progress.at++) {
      const candidate = candidates[progress.at];
      const lines = candidate ? wantedFrom(invoice, progress, candidate) : [];
      if (!candidate || lines.length === 0) continue;
      const order = this.ctx.outbox.ref<OrderApi>('Order', candidate.orderId);
      order.applyReturn({ returnId: this.ctx.id, lines });
      return;
    }
    this.#settle(progress, invoice);
  }

  #search({ customer, lines }: Invoice): void {
    const codes = demandOf(lines).map(({ stockCode }) => stockCode);
    const purchases = this.ctx.outbox.ref<PurchasesApi>('Purchases', customer ?? '');
    purchases.findCandidates({ returnId: this.ctx.id, codes });
  }

  #settle(progress: Progress, invoice: Invoice): void {
    progress.state = 'settled';
    delete progress.candidates;
    const { totalPence } = receiptOf(this.ctx.id, invoice);
    const refunded = refundedPence(progress);
    const creditPence = totalPence - refunded;
    const goods = demandOf(invoice.lines);
    for (const { stockCode, quantity } of goods) {
      const inventory = this.ctx.outbox.ref<InventoryApi>('Inventory', stockCode);
      inventory.putBack({ reference: this.ctx.id, quantity });
    }
    if (creditPence > 0) {
      const payment = this.ctx.outbox.ref<PaymentApi>('Payment', this.ctx.id);
      payment.creditNote({ key: 'credit-note', amountPence: creditPence });
    }
    const { customer, country, placedAt, currency } = invoice;
    this.#publish({
      type: 'return.settled',
      returnId: this.ctx.id,
      customer,
      country,
      placedAt,
      currency,
      totalPence,
      refundedPence: refunded,
      creditPence,
      lines: goods.map(({ stockCode, quantity }) => ({ stockCode, quantity })),
    });
  }

  #reject(progress: Progress, { customer, country, placedAt }: Invoice, reason: string): void {
    progress.state = 'rejected';
    const returnId = this.ctx.id;
    this.#publish({ type: 'return.rejected', returnId, customer, country, placedAt, reason });
  }

  #publish(event: OrderEvent): void {
    this.ctx.outbox.publish('orders', event, { metadata: { 'cloudevent.type': event.type } });
  }

  #view(progress: Progress, invoice: Invoice): ReturnView {
    const { state } = progress;
    if (state === 'none') throw this.#notFound();
    const { accepted, reason, totalPence } = receiptOf(this.ctx.id, invoice);
    const refunded = refundedPence(progress);
    const isSettled = state === 'settled';
    return {
      id: this.ctx.id,
      customer: invoice.customer,
      country: invoice.country,
      state,
      ...(accepted || reason === undefined ? {} : { reason }),
      totalPence,
      refundedPence: refunded,
      creditPence: isSettled ? totalPence - refunded : 0,
      currency: invoice.currency,
      placedAt: invoice.placedAt,
      lines: linesOf(invoice, progress, isSettled),
      leftOut: invoice.leftOut,
    };
  }

  async #known(): Promise<Invoice> {
    const invoice = await this.#invoice.get();
    if (!invoice) throw this.#notFound();
    return invoice;
  }

  #notFound(): ActorError {
    return new ActorError('NOT_FOUND', `return ${this.ctx.id} was never created`, { status: 404 });
  }
}
