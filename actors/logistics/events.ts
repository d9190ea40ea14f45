/** The events of the logistics context: what the order context listens to. */

/**
 * What is published on topic `deliveries`, with the type as `cloudevent.type`
 * too: one event an order whenever its vehicle or its minute changes.
 */
export type DeliveryEvent =
  | {
      readonly type: 'delivery.planned';
      readonly orderId: string;
      readonly depot: string;
      /** Plan of the depot that it is of; a later plan has a higher one. */
      readonly version: number;
      readonly vehicle: string;
      /** For example `2010-12-02 09:41`. */
      readonly eta: string;
    }
  | {
      readonly type: 'delivery.unserved';
      readonly orderId: string;
      readonly depot: string;
      readonly version: number;
      readonly reason: string;
    };
