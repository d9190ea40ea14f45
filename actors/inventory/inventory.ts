/**
 * The stock of one code. What it keeps is small on purpose: five figures and
 * the holds of orders that are not decided yet, never a list of past orders.
 * Messages of a decided order find no hold and change nothing.
 */
import { Actor, ActorError } from 'troupe/actor';
import { internal } from '../internal.ts';
import type { OrderApi } from '../order/api.ts';
import type { InventoryApi, StockView } from './api.ts';
import {
  commitHold,
  hold,
  isWhole,
  openedWith,
  putBack,
  releaseHold,
  type Stock,
} from './stock.ts';

function invalid(what: string): ActorError {
  return new ActorError('INVALID_STOCK', what, { status: 400 });
}

export class Inventory extends Actor implements InventoryApi {
  static readonly type = 'Inventory';
  static readonly options = { readOnly: ['view', 'holds'] };

  readonly #stock = this.state<Stock | null>('stock', { initial: () => null });

  async open({ initial }: { initial: number }): Promise<StockView> {
    if (!isWhole(initial)) throw invalid(`initial must be a whole number, not ${initial}`);
    const stock = await this.#stock.get();
    if (stock && stock.initial !== initial) {
      throw new ActorError(
        'CONFLICT',
        `${this.ctx.id} was opened with ${stock.initial}, not ${initial}`,
        { status: 409 },
      );
    }
    const opened = stock ?? openedWith(initial);
    if (!stock) this.#stock.set(opened);
    return this.#view(opened);
  }

  async reserve(request: { orderId: string; item: number; quantity: number }): Promise<void> {
    internal(this.ctx, 'Order');
    const { orderId, item, quantity } = request;
    const stockCode = this.ctx.id;
    const stock = await this.#stock.get();
    const fault = stock ? hold(stock, orderId, quantity) : 'is not a stock code of the shop';
    const order = this.ctx.outbox.ref<OrderApi>('Order', orderId);
    if (fault === undefined) order.reserved({ item, stockCode, quantity });
    else order.refused({ item, stockCode, reason: `${stockCode} ${fault}` });
  }

  async commit({ orderId }: { orderId: string }): Promise<void> {
    internal(this.ctx, 'Order');
    const stock = await this.#stock.get();
    if (stock) commitHold(stock, orderId);
  }

  async release({ orderId }: { orderId: string }): Promise<void> {
    internal(this.ctx, 'Order');
    const stock = await this.#stock.get();
    if (stock) releaseHold(stock, orderId);
  }

  /** Units of a code that was never opened open it with nothing: what came back is not lost. */
  async putBack({ quantity }: { reference: string; quantity: number }): Promise<void> {
    internal(this.ctx, 'Order', 'Returns');
    if (!isWhole(quantity)) throw invalid(`quantity must be a whole number, not ${quantity}`);
    const stock = (await this.#stock.get()) ?? openedWith(0);
    putBack(stock, quantity);
    this.#stock.set(stock);
  }

  async view(): Promise<StockView> {
    return this.#view(await this.#opened());
  }

  async holds(): Promise<{ orderId: string; quantity: number }[]> {
    const { holds } = await this.#opened();
    return Object.keys(holds)
      .toSorted()
      .map((orderId) => ({ orderId, quantity: holds[orderId] ?? 0 }));
  }

  async #opened(): Promise<Stock> {
    const stock = await this.#stock.get();
    if (stock) return stock;
    throw new ActorError('NOT_FOUND', `stock code ${this.ctx.id} was never opened`, {
      status: 404,
    });
  }

  #view({ initial, onHand, reserved, sold, returned }: Stock): StockView {
    return { code: this.ctx.id, initial, onHand, reserved, sold, returned };
  }
}
