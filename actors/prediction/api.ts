/**
 * The language of the prediction context. Actor `SalesBook`, id = month such as
 * `2011-02`, listens to topic `orders` and knows what was sold on each day of
 * the month. Actor `Prediction`, id = stock code as written, keeps the days of
 * one code and forecasts it.
 */
import type { Baseline } from './features.ts';

/** The model, as the host hands it in. */
export interface Forecaster {
  /** Name and version. */
  readonly model: string;
  /**
   * `features` holds rows in the order of `FEATURES`; the answer two figures a
   * row: units of the day and of the week. What it throws reaches the caller of
   * the forecast.
   */
  predict(
    features: Float32Array,
    options: { readonly signal: AbortSignal; readonly deadline: number },
  ): Promise<Float32Array>;
}

export interface Forecast {
  readonly code: string;
  /** The day of `units`, and the first of `week`. */
  readonly day: string;
  readonly units: number;
  /** Units of six open days. */
  readonly week: number;
  readonly model: string;
}

/** A forecast as it would have been made on the evening before, and what was then sold. */
export interface Review {
  readonly day: string;
  readonly forecast: { readonly day: number; readonly week: number };
  readonly baselines: Readonly<Record<Baseline, { readonly day: number; readonly week: number }>>;
  /** What is known of it: a week that is not over has what was sold so far. */
  readonly sold: { readonly day: number; readonly week: number };
}

export interface PredictionView {
  readonly code: string;
  /** Days with sales that it keeps. */
  readonly days: number;
  readonly lastDay: string | null;
  /** Made by its daily reminder. */
  readonly latest: Forecast | null;
}

/** Units by day. */
export type Days = Readonly<Record<string, number>>;

/**
 * Errors (ActorError): INVALID_SALES, INVALID_DAY 400; NOT_FOUND 404 when
 * nothing was sold in the 40 open days before; NO_MODEL 501 when the host has
 * no forecaster.
 */
export interface PredictionApi {
  /** From the sales books: figures of whole days, so a repetition changes nothing. */
  sold(request: { days: Days }): Promise<void>;
  /** What was sold before the shop's events began. A day that is known already stays as it is. */
  importSales(request: { days: Days }): Promise<void>;
  /** Read-only. Of a day, by what was sold before it. Default: the next open day, today included. */
  forecast(request?: { day?: string }): Promise<Forecast>;
  /** Read-only. Days before which nothing was sold for 40 open days are left out. */
  review(request: { days: readonly string[] }): Promise<Review[]>;
  /** Read-only. */
  view(): Promise<PredictionView>;
}

export interface SalesBookView {
  readonly month: string;
  /** Orders and returns that count, over all days. */
  readonly orders: number;
  readonly returns: number;
  /** Days with sales that were not passed on yet. */
  readonly waiting: readonly string[];
}

export interface SalesBookApi {
  /** Tells every stock code the figures of the days that changed. Its reminder does the same some minutes after a change. */
  passOn(): Promise<{ codes: number }>;
  /** Read-only. */
  view(): Promise<SalesBookView>;
}
