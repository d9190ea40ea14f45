/** What the shop's actors need from outside; the host hands it in as `services`. */
import type { Duration } from 'troupe/actor';
import type { PaymentProvider } from './payment/api.ts';

export interface ShopServices {
  readonly payments: PaymentProvider;
  /** How long an order may hold stock before its saga is sent once more. Default `30m`. */
  readonly reservationHold?: Duration;
  /** How long after that it is rejected. Default `5m`. */
  readonly reservationGrace?: Duration;
}
