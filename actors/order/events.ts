/** The events of the order context: what logistics, prediction and notification may listen to. */
import type { OrderLine, Quantity } from './api.ts';

/**
 * What is published on topic `orders`, with the type as `cloudevent.type` too.
 * An order publishes exactly one of confirmed and rejected, or cancelled; a
 * cancelled one may have been confirmed before.
 */
export type OrderEvent =
  | {
      readonly type: 'order.confirmed';
      readonly orderId: string;
      readonly customer: string | null;
      readonly country: string;
      readonly placedAt: string;
      readonly currency: 'GBP';
      readonly totalPence: number;
      readonly lines: readonly OrderLine[];
    }
  | {
      readonly type: 'order.rejected' | 'order.cancelled';
      readonly orderId: string;
      readonly customer: string | null;
      readonly country: string;
      readonly placedAt: string;
      readonly currency: 'GBP';
      readonly totalPence: number;
      readonly refundedPence: number;
      readonly reason: string;
    }
  | {
      readonly type: 'order.shipped';
      readonly orderId: string;
      readonly customer: string | null;
      readonly country: string;
      readonly shipmentId: string;
      readonly lines: readonly Quantity[];
      /** False for a part. */
      readonly complete: boolean;
    }
  | {
      readonly type: 'order.delivered' | 'order.returned';
      readonly orderId: string;
      readonly customer: string | null;
      readonly country: string;
    }
  | {
      readonly type: 'return.settled';
      readonly returnId: string;
      readonly customer: string | null;
      readonly country: string;
      readonly placedAt: string;
      readonly currency: 'GBP';
      readonly totalPence: number;
      readonly refundedPence: number;
      readonly creditPence: number;
      readonly lines: readonly Quantity[];
    }
  | {
      readonly type: 'return.rejected';
      readonly returnId: string;
      readonly customer: string | null;
      readonly country: string;
      readonly placedAt: string;
      readonly reason: string;
    };
