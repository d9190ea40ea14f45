/** What the shop's actors need from outside; the host hands it in as `services`. */
import type { Duration } from 'troupe/actor';
import type { PaymentProvider } from './payment/api.ts';
import type { Forecaster } from './prediction/api.ts';
import type { Calendar } from './prediction/calendar.ts';

export interface ShopServices {
  readonly payments: PaymentProvider;
  /** How long an order may hold stock before its saga is sent once more. Default `30m`. */
  readonly reservationHold?: Duration;
  /** How long after that it is rejected. Default `5m`. */
  readonly reservationGrace?: Duration;
  /** Forecasts demand. Absent: every forecast is refused as NO_MODEL. */
  readonly forecaster?: Forecaster;
  /** The shop's open days. Default: every day but Saturday. */
  readonly calendar?: Calendar;
  /** How long sales wait to be told to their stock codes together. Default `5m`. */
  readonly salesDelay?: Duration;
}
