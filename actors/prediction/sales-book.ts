/**
 * What was sold in one month, by listening to topic `orders`: one small entry
 * an order, so that an event costs the same however many there were. It tells
 * the stock codes figures of whole days and not of orders: one message a code
 * for many orders, which may come again and in any order.
 */
import {
  Actor,
  type CloudEvent,
  type Firing,
  type StateEntry,
  type TopicSubscription,
} from 'troupe/actor';
import type { ShopServices } from '../services.ts';
import type { PredictionApi, SalesBookApi, SalesBookView } from './api.ts';
import { demandOf, entryOf, type Entry, type Sale } from './sales.ts';

/** Ids of what was sold and came back on one day, in the order of their events. */
interface Day {
  orders: string[];
  returns: string[];
}

interface Head {
  days: string[];
  /** Days that the stock codes have to be told of. */
  changed: string[];
}

/** Sales are passed on this long after the first change. */
const DELAY = '5m';
const REMINDER = 'passOn';
const CANCELLED: Sale = { customer: null, units: [], cancelled: true };

/** Events without a day go to a book that ignores them. */
function monthOf(event: CloudEvent): string {
  return entryOf(event)?.day.slice(0, 7) ?? 'none';
}

export class SalesBook extends Actor<ShopServices> implements SalesBookApi {
  static readonly type = 'SalesBook';
  static readonly options = { readOnly: ['view'] };
  static readonly subscriptions: readonly TopicSubscription[] = [
    { topic: 'orders', method: 'onOrderEvent', id: monthOf },
  ];

  readonly #head = this.state<Head>('head', { initial: () => ({ days: [], changed: [] }) });
  readonly #days = new Map<string, StateEntry<Day>>();
  readonly #sales = new Map<string, StateEntry<Sale | null>>();

  async onOrderEvent(event: CloudEvent): Promise<void> {
    const entry = entryOf(event);
    if (!entry) return;
    if (entry.kind === 'cancelled') await this.#cancel(entry);
    else await this.#record(entry.kind === 'sold' ? 'orders' : 'returns', entry);
  }

  async passOn(): Promise<{ codes: number }> {
    const head = await this.#head.get();
    const told = new Map<string, Record<string, number>>();
    for (const day of head.changed) {
      for (const [code, units] of await this.#demandOn(day)) {
        let days = told.get(code);
        if (!days) told.set(code, (days = {}));
        days[day] = units;
      }
    }
    for (const [code, days] of told) {
      this.ctx.outbox.ref<PredictionApi>('Prediction', code).sold({ days });
    }
    if (head.changed.length > 0) await this.ctx.reminders.delete(REMINDER);
    head.changed = [];
    return { codes: told.size };
  }

  override async onReminder({ name }: Firing): Promise<void> {
    if (name === REMINDER) await this.passOn();
  }

  async view(): Promise<SalesBookView> {
    const { days, changed } = await this.#head.get();
    const ids = await Promise.all(days.map((day) => this.#day(day).get()));
    return {
      month: this.ctx.id,
      orders: ids.reduce((sum, { orders }) => sum + orders.length, 0),
      returns: ids.reduce((sum, { returns }) => sum + returns.length, 0),
      waiting: changed.toSorted(),
    };
  }

  async #record(
    list: keyof Day,
    { id, day, sale }: Extract<Entry, { readonly sale: Sale }>,
  ): Promise<void> {
    const entry = this.#sale(list, id);
    const known = await entry.get();
    if (known && (known.units.length > 0 || !known.cancelled)) return;
    // An order whose cancellation came first is recorded as what it is.
    entry.set(known ? { ...sale, cancelled: true } : sale);
    (await this.#day(day).get())[list].push(id);
    await this.#change(day);
  }

  async #cancel({ id, day }: Entry): Promise<void> {
    const entry = this.#sale('orders', id);
    const known = await entry.get();
    entry.set(known ? { ...known, cancelled: true } : CANCELLED);
    if (known && !known.cancelled) await this.#change(day);
  }

  async #change(day: string): Promise<void> {
    const head = await this.#head.get();
    if (!head.days.includes(day)) head.days.push(day);
    if (head.changed.length === 0) {
      const due = this.ctx.services.salesDelay ?? DELAY;
      await this.ctx.reminders.set(REMINDER, { due });
    }
    if (!head.changed.includes(day)) head.changed.push(day);
  }

  async #demandOn(day: string): Promise<Map<string, number>> {
    const { orders, returns } = await this.#day(day).get();
    const [sold, back] = await Promise.all([
      this.#salesOf('orders', orders),
      this.#salesOf('returns', returns),
    ]);
    return demandOf(sold, back);
  }

  async #salesOf(list: keyof Day, ids: readonly string[]): Promise<Sale[]> {
    const sales = await Promise.all(ids.map((id) => this.#sale(list, id).get()));
    return sales.filter((sale) => sale !== null);
  }

  #day(day: string): StateEntry<Day> {
    let entry = this.#days.get(day);
    if (!entry) {
      entry = this.state<Day>(`day-${day}`, { initial: () => ({ orders: [], returns: [] }) });
      this.#days.set(day, entry);
    }
    return entry;
  }

  #sale(list: keyof Day, id: string): StateEntry<Sale | null> {
    const name = `${list}-${id}`;
    let entry = this.#sales.get(name);
    if (!entry) {
      entry = this.state<Sale | null>(name, { initial: () => null });
      this.#sales.set(name, entry);
    }
    return entry;
  }
}
