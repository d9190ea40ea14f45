/** What an order says to the other contexts: every message is a durable send of the turn that is running. */
import type { ActorContext } from 'troupe/actor';
import type { InventoryApi } from '../inventory/api.ts';
import type { PaymentApi } from '../payment/api.ts';
import type { PurchasesApi, Quantity, ReturnMatched, ReturnsApi } from './api.ts';
import type { OrderEvent } from './events.ts';
import { type Demand, demandOf } from './lines.ts';
import type { Invoice } from './request.ts';
import type { Status } from './states.ts';

export function createSends(ctx: ActorContext<unknown>) {
  const orderId = ctx.id;
  const inventory = (code: string) => ctx.outbox.ref<InventoryApi>('Inventory', code);
  const payment = () => ctx.outbox.ref<PaymentApi>('Payment', orderId);

  return {
    /** To every code that has not answered. */
    reserve({ marks }: Status, demands: readonly Demand[]): void {
      for (const [item, { stockCode, quantity }] of demands.entries()) {
        if (marks[item] === '.') inventory(stockCode).reserve({ orderId, item, quantity });
      }
    },
    release(stockCode: string): void {
      inventory(stockCode).release({ orderId });
    },
    /** To every code that has reserved. */
    releaseReserved({ marks }: Status, demands: readonly Demand[]): void {
      for (const [item, { stockCode }] of demands.entries()) {
        if (marks[item] === 'r') inventory(stockCode).release({ orderId });
      }
    },
    commit(demands: readonly Demand[]): void {
      for (const { stockCode } of demands) inventory(stockCode).commit({ orderId });
    },
    putBack(lines: readonly Quantity[]): void {
      for (const { stockCode, quantity } of lines) {
        inventory(stockCode).putBack({ reference: orderId, quantity });
      }
    },
    authorise({ totalPence: amountPence, customer }: Status): void {
      payment().authorise({ amountPence, currency: 'GBP', customer });
    },
    capture(): void {
      payment().capture();
    },
    void(reason: string): void {
      payment().void({ reason });
    },
    refund(returnId: string, amountPence: number): void {
      if (amountPence > 0) payment().refund({ key: `refund:${returnId}`, amountPence });
    },
    record(customer: string, { lines }: Invoice): void {
      const codes = demandOf(lines).map(({ stockCode }) => stockCode);
      ctx.outbox.ref<PurchasesApi>('Purchases', customer).record({ orderId, codes });
    },
    matched(returnId: string, lines: readonly ReturnMatched[]): void {
      ctx.outbox.ref<ReturnsApi>('Returns', returnId).orderMatched({ orderId, lines });
    },
    publish(event: OrderEvent): void {
      ctx.outbox.publish('orders', event, { metadata: { 'cloudevent.type': event.type } });
    },
  };
}

export type Sends = ReturnType<typeof createSends>;
