/**
 * The demand of one stock code: keeps what was sold on each day and asks the
 * model, which the host hands in, on a daily reminder and on demand. It never
 * runs a model itself, and what it asks is batched with what others ask.
 */
import { Actor, ActorError, type Firing } from 'troupe/actor';
import { internal } from '../internal.ts';
import type { ShopServices } from '../services.ts';
import type { Days, Forecast, Forecaster, PredictionApi, PredictionView, Review } from './api.ts';
import { addDays, createCalendar, dayOf, isDay } from './calendar.ts';
import { baselinesOf, featuresOf, soldFrom, WINDOW } from './features.ts';

/** Days of history kept before the latest one, closed ones included. */
const KEPT_DAYS = 120;
const REMINDER = 'forecast';
const EVERY = '24h';

function refuse(code: string, what: string, status = 400): ActorError {
  return new ActorError(code, what, { status });
}

export class Prediction extends Actor<ShopServices> implements PredictionApi {
  static readonly type = 'Prediction';
  static readonly options = { readOnly: ['forecast', 'review', 'view'] };

  readonly #days = this.state<Record<string, number>>('days', { initial: () => ({}) });
  readonly #latest = this.state<Forecast | null>('latest', { initial: () => null });
  readonly #calendar = this.ctx.services.calendar ?? createCalendar();

  async sold({ days }: { days: Days }): Promise<void> {
    internal(this.ctx, 'SalesBook');
    const known = await this.#days.get();
    await this.#wake();
    Object.assign(known, days);
    forgetOld(known);
  }

  async importSales(request: { days: Days }): Promise<void> {
    const days = Object.entries(request?.days ?? {});
    const wrong = days.find(
      ([day, units]) => !isDay(day) || !Number.isSafeInteger(units) || units < 0,
    );
    if (wrong) {
      throw refuse(
        'INVALID_SALES',
        `days must be whole units by day such as 2011-02-18, not ${JSON.stringify(wrong)}`,
      );
    }
    const known = await this.#days.get();
    for (const [day, units] of days) if (!Object.hasOwn(known, day)) known[day] = units;
    if (days.length > 0) await this.#wake();
    forgetOld(known);
  }

  async forecast(request?: { day?: string }): Promise<Forecast> {
    const day = request?.day ?? this.#calendar.onOrAfter(dayOf(this.ctx.now()));
    assertDay(day);
    const forecast = await this.#forecast(day);
    if (forecast) return forecast;
    throw refuse(
      'NOT_FOUND',
      `nothing of ${this.ctx.id} was sold in the ${WINDOW} open days before ${day}`,
      404,
    );
  }

  async review({ days }: { days: readonly string[] }): Promise<Review[]> {
    if (!Array.isArray(days)) throw refuse('INVALID_DAY', 'days must be an array of days');
    for (const day of days) assertDay(day);
    const sold = await this.#days.get();
    const known = days.flatMap((day) => {
      const features = featuresOf(sold, day, this.#calendar);
      return features ? [{ day, features }] : [];
    });
    const answers = await this.#predict(known.map(({ features }) => features));
    return known.map(({ day }, row) => ({
      day,
      forecast: answers[row]!,
      baselines: baselinesOf(sold, day, this.#calendar),
      sold: soldFrom(sold, day, this.#calendar),
    }));
  }

  async view(): Promise<PredictionView> {
    const days = Object.keys(await this.#days.get()).toSorted();
    const latest = await this.#latest.get();
    return { code: this.ctx.id, days: days.length, lastDay: days.at(-1) ?? null, latest };
  }

  /** A code that does not sell any more stops being forecast; the next sale starts it again. */
  override async onReminder({ name }: Firing): Promise<void> {
    if (name !== REMINDER) return;
    const forecast = await this.#forecast(this.#calendar.onOrAfter(dayOf(this.ctx.now())));
    if (forecast) this.#latest.set(forecast);
    else {
      this.#latest.delete();
      await this.ctx.reminders.delete(REMINDER);
    }
  }

  async #wake(): Promise<void> {
    if (await this.ctx.reminders.get(REMINDER)) return;
    await this.ctx.reminders.set(REMINDER, { due: EVERY, period: EVERY });
  }

  async #forecast(day: string): Promise<Forecast | undefined> {
    const features = featuresOf(await this.#days.get(), day, this.#calendar);
    if (!features) return undefined;
    const [answer] = await this.#predict([features]);
    const { model } = this.#forecaster();
    const { day: units, week } = answer!;
    return { code: this.ctx.id, day, units: hundredths(units), week: hundredths(week), model };
  }

  async #predict(
    rows: readonly Float32Array[],
  ): Promise<{ readonly day: number; readonly week: number }[]> {
    const forecaster = this.#forecaster();
    if (rows.length === 0) return [];
    const width = rows[0]!.length;
    const features = new Float32Array(rows.length * width);
    for (const [row, values] of rows.entries()) features.set(values, row * width);
    const { signal, deadline } = this.ctx;
    const answer = await forecaster.predict(features, { signal, deadline });
    return rows.map((_, row) => ({ day: answer[row * 2]!, week: answer[row * 2 + 1]! }));
  }

  #forecaster(): Forecaster {
    const { forecaster } = this.ctx.services;
    if (forecaster) return forecaster;
    throw refuse('NO_MODEL', 'this host has no forecaster; hand one in with its services', 501);
  }
}

const hundredths = (units: number): number => Math.round(units * 100) / 100;

function assertDay(day: unknown): void {
  if (isDay(day)) return;
  throw refuse('INVALID_DAY', `a day is written like 2011-02-18, not ${JSON.stringify(day)}`);
}

function forgetOld(days: Record<string, number>): void {
  let latest = '';
  for (const day of Object.keys(days)) if (day > latest) latest = day;
  if (latest === '') return;
  const oldest = addDays(latest, -KEPT_DAYS);
  for (const day of Object.keys(days)) if (day < oldest) delete days[day];
}
