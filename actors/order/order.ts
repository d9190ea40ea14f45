/**
 * The order: an aggregate that guards its own transitions and drives its saga
 * over inventory, payment and the customer's purchases by durable sends alone.
 * A reply changes the small `status` entry only; the lines are read when an
 * order starts and when it is decided. An answer that arrives after a
 * compensation is compensated on arrival, so nothing depends on its being in
 * time.
 */
import { Actor, type CloudEvent, type Firing } from 'troupe/actor';
import { internal } from '../internal.ts';
import type { ShopServices } from '../services.ts';
import type {
  CreateOrder,
  HistoryItem,
  OrderApi,
  OrderState,
  OrderStatus,
  OrderView,
  Receipt,
  ReturnMatched,
  ReturnWanted,
  ShipRequest,
} from './api.ts';
import { DELIVERIES, noteDelivery } from './delivery.ts';
import { noFulfilment, outstanding, ship, takeBack, unreturned } from './fulfilment.ts';
import { demandOf } from './lines.ts';
import { assertSameInvoice, type Invoice, readInvoice, receiptOf } from './request.ts';
import { createSends } from './sends.ts';
import {
  assertCreated,
  isSold,
  isUndecided,
  mark,
  move,
  NO_STATUS,
  type Status,
  wrongState,
} from './states.ts';
import { eventBase, readShipment, statusView } from './view.ts';

type Answer = { readonly item: number; readonly stockCode: string };

export class Order extends Actor<ShopServices> implements OrderApi {
  static readonly type = 'Order';
  static readonly options = { readOnly: ['get', 'status', 'history'] };
  static readonly subscriptions = [DELIVERIES];

  readonly #status = this.state<Status>('status', { initial: () => ({ ...NO_STATUS }) });
  readonly #invoice = this.state<Invoice | null>('invoice', { initial: () => null });
  readonly #trail = this.state<HistoryItem[]>('history', { initial: () => [] });
  readonly #fulfilment = this.state('fulfilment', { initial: noFulfilment });
  readonly #send = createSends(this.ctx);

  async create(request: CreateOrder): Promise<Receipt> {
    const invoice = readInvoice(request);
    const receipt = receiptOf(this.ctx.id, invoice);
    const status = await this.#status.get();
    if (status.state !== 'none') {
      assertSameInvoice(`order ${this.ctx.id}`, await this.#known(), invoice);
      return receipt;
    }
    this.#invoice.set(invoice);
    const { customer, country, placedAt } = invoice;
    Object.assign(status, { customer, country, placedAt, totalPence: receipt.totalPence });
    if (receipt.reason !== undefined) {
      await this.#end(status, 'rejected', receipt.reason);
      return receipt;
    }
    const demands = demandOf(invoice.lines);
    status.waiting = demands.length;
    status.marks = '.'.repeat(demands.length);
    await this.#move(status, 'created', `${demands.length} stock codes to reserve`);
    this.#send.reserve(status, demands);
    await this.ctx.reminders.set('hold', { due: this.ctx.services.reservationHold ?? '30m' });
    return receipt;
  }

  async get(): Promise<OrderView> {
    const status = await this.status();
    const { lines, leftOut } = await this.#known();
    return { ...status, lines, leftOut };
  }

  async status(): Promise<OrderStatus> {
    return statusView(this.ctx.id, await this.#status.get());
  }

  async history(): Promise<HistoryItem[]> {
    assertCreated(this.ctx.id, await this.#status.get());
    return this.#trail.get();
  }

  async cancel(request: { reason: string }): Promise<OrderStatus> {
    const status = await this.#status.get();
    if (assertCreated(this.ctx.id, status) !== 'cancelled') {
      const reason = String(request?.reason ?? '') || 'no reason given';
      await this.#end(status, 'cancelled', reason);
    }
    return statusView(this.ctx.id, status);
  }

  async ship(request: ShipRequest): Promise<OrderStatus> {
    const { shipmentId, lines } = readShipment(request);
    const status = await this.#status.get();
    assertCreated(this.ctx.id, status);
    const record = await this.#fulfilment.get();
    if (Object.hasOwn(record.shipments, shipmentId)) return statusView(this.ctx.id, status);
    const demands = demandOf((await this.#known()).lines);
    const shipment = { shipmentId, lines: lines ?? outstanding(demands, record) };
    if (isSold(status.state) && shipment.lines.length === 0) {
      throw wrongState(this.ctx.id, status, 'shipped: nothing is left to ship');
    }
    await this.#move(status, 'shipped', `shipment ${shipmentId}`);
    ship(demands, record, shipment);
    const complete = outstanding(demands, record).length === 0;
    const event = { ...eventBase(this.ctx.id, status), ...shipment, complete };
    this.#send.publish({ type: 'order.shipped', ...event });
    return statusView(this.ctx.id, status);
  }

  async deliver(): Promise<OrderStatus> {
    const status = await this.#status.get();
    if (assertCreated(this.ctx.id, status) === 'delivered') return statusView(this.ctx.id, status);
    const demands = demandOf((await this.#known()).lines);
    if (
      status.state === 'shipped' &&
      outstanding(demands, await this.#fulfilment.get()).length > 0
    ) {
      throw wrongState(this.ctx.id, status, 'delivered: a part of it is not shipped');
    }
    await this.#move(status, 'delivered', 'delivered');
    this.#send.publish({ type: 'order.delivered', ...eventBase(this.ctx.id, status) });
    return statusView(this.ctx.id, status);
  }

  async retry(): Promise<OrderStatus> {
    const status = await this.#status.get();
    assertCreated(this.ctx.id, status);
    if (!isUndecided(status.state)) throw wrongState(this.ctx.id, status, 'retried');
    await this.#resend(status);
    return statusView(this.ctx.id, status);
  }

  override async onReminder({ name }: Firing): Promise<void> {
    const status = await this.#status.get();
    if (!isUndecided(status.state)) return;
    if (name === 'hold') {
      await this.#resend(status);
      await this.ctx.reminders.set('grace', { due: this.ctx.services.reservationGrace ?? '5m' });
    } else await this.#end(status, 'rejected', 'not confirmed in time');
  }

  async reserved({ item, stockCode }: Answer): Promise<void> {
    internal(this.ctx, 'Inventory');
    const status = await this.#status.get();
    if (status.state === 'none') this.#send.release(stockCode);
    if (status.marks[item] !== '.') return;
    status.waiting -= 1;
    if (status.state !== 'created') {
      status.marks = mark(status.marks, item, 'x');
      this.#send.release(stockCode);
      return;
    }
    status.marks = mark(status.marks, item, 'r');
    if (status.waiting > 0) return;
    await this.#move(status, 'reserved', 'all stock reserved');
    this.#send.authorise(status);
  }

  async refused({ item, reason }: Answer & { readonly reason: string }): Promise<void> {
    internal(this.ctx, 'Inventory');
    const status = await this.#status.get();
    if (status.marks[item] !== '.') return;
    status.waiting -= 1;
    status.marks = mark(status.marks, item, 'x');
    if (status.state === 'created') await this.#end(status, 'rejected', reason);
  }

  async paymentAuthorised(): Promise<void> {
    internal(this.ctx, 'Payment');
    const status = await this.#status.get();
    if (status.state === 'reserved') {
      await this.#move(status, 'authorised', 'payment authorised');
      this.#send.capture();
    } else if (status.state === 'rejected' || status.state === 'cancelled') {
      this.#send.void(`order ${status.state}`);
    }
  }

  async paymentDeclined({ reason }: { readonly reason: string }): Promise<void> {
    internal(this.ctx, 'Payment');
    const status = await this.#status.get();
    if (status.state === 'reserved') await this.#end(status, 'rejected', `payment ${reason}`);
  }

  async paymentCaptured(): Promise<void> {
    internal(this.ctx, 'Payment');
    const status = await this.#status.get();
    if (status.captured) return;
    if (status.state === 'authorised') {
      status.captured = true;
      if (status.customer === null) await this.#confirm(status);
      else this.#send.record(status.customer, await this.#known());
    } else if (status.state === 'rejected' || status.state === 'cancelled') {
      status.captured = true;
      status.refundedPence = status.totalPence;
      this.#send.void(`order ${status.state}`);
    }
  }

  async purchaseRecorded(): Promise<void> {
    internal(this.ctx, 'Purchases');
    const status = await this.#status.get();
    if (status.state === 'authorised' && status.captured) await this.#confirm(status);
  }

  async applyReturn(request: { returnId: string; lines: readonly ReturnWanted[] }): Promise<void> {
    internal(this.ctx, 'Returns');
    const { returnId, lines } = request;
    const status = await this.#status.get();
    const record = await this.#fulfilment.get();
    if (!Object.hasOwn(record.returns, returnId)) {
      const sold = isSold(status.state);
      record.returns[returnId] = sold ? await this.#takeBack(status, returnId, lines) : [];
    }
    this.#send.matched(returnId, record.returns[returnId] ?? []);
  }

  async #takeBack(
    status: Status,
    returnId: string,
    wanted: readonly ReturnWanted[],
  ): Promise<ReturnMatched[]> {
    const record = await this.#fulfilment.get();
    const demands = demandOf((await this.#known()).lines);
    const matched = takeBack(demands, record, { orderId: this.ctx.id, lines: wanted });
    const amountPence = matched.reduce((sum, line) => sum + line.amountPence, 0);
    status.refundedPence += amountPence;
    this.#send.refund(returnId, amountPence);
    if (status.state !== 'confirmed' && unreturned(demands, record).length === 0) {
      await this.#move(status, 'returned', `all came back, the last with ${returnId}`);
      this.#send.publish({ type: 'order.returned', ...eventBase(this.ctx.id, status) });
    }
    return matched;
  }

  async #confirm(status: Status): Promise<void> {
    const { lines } = await this.#known();
    await this.#move(status, 'confirmed', 'paid');
    this.#send.commit(demandOf(lines));
    await this.#stopWaiting();
    this.#send.publish({ type: 'order.confirmed', ...eventBase(this.ctx.id, status), lines });
  }

  async onDelivery(event: CloudEvent): Promise<void> {
    noteDelivery(await this.#status.get(), event);
  }

  /** Rejects or cancels, with every compensation that is due now. */
  async #end(status: Status, to: 'rejected' | 'cancelled', reason: string): Promise<void> {
    const from = status.state;
    await this.#move(status, to, reason);
    status.reason = reason;
    const demands = demandOf((await this.#known()).lines);
    if (isSold(from)) this.#send.putBack(unreturned(demands, await this.#fulfilment.get()));
    else this.#send.releaseReserved(status, demands);
    if (!isSold(from)) status.marks = status.marks.replaceAll('r', 'x');
    if (from !== 'none' && from !== 'created') this.#send.void(reason);
    if (status.captured) status.refundedPence = status.totalPence;
    if (isUndecided(from)) await this.#stopWaiting();
    this.#send.publish({ type: `order.${to}`, ...eventBase(this.ctx.id, status), reason });
  }

  /** Sends the current step again; its receiver answers again. */
  async #resend(status: Status): Promise<void> {
    const invoice = await this.#known();
    if (status.state === 'created') this.#send.reserve(status, demandOf(invoice.lines));
    else if (status.state === 'reserved') this.#send.authorise(status);
    else if (!status.captured) this.#send.capture();
    else if (status.customer !== null) this.#send.record(status.customer, invoice);
  }

  async #stopWaiting(): Promise<void> {
    await this.ctx.reminders.delete('hold');
    await this.ctx.reminders.delete('grace');
  }

  async #move(status: Status, to: OrderState, note: string): Promise<void> {
    move(this.ctx.id, status, await this.#trail.get(), { to, at: this.ctx.now(), note });
  }

  async #known(): Promise<Invoice> {
    const invoice = await this.#invoice.get();
    if (!invoice) throw new Error(`order ${this.ctx.id} has a state but no invoice`);
    return invoice;
  }
}
