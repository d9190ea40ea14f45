/**
 * The orders of one day that leave one depot, and the vehicles that take them.
 * A change is kept at once; the plan follows: a search is asked of RoutePlanner
 * by a durable send, and its answer comes back as one, so no turn here waits for
 * it. What comes meanwhile leads to the next search, from the plan there is. An
 * answer counts only for the search that is awaited: when a vehicle leaves, the
 * one under way no longer is.
 */
import { Actor, ActorError, type CloudEvent, type Firing } from 'troupe/actor';
import { internal } from '../internal.ts';
import type {
  Arrival,
  DepotApi,
  DepotPlan,
  LogisticsServices,
  SearchAnswer,
  StopView,
  VehicleView,
} from './api.ts';
import { depotIdOf, partsOf } from './area.ts';
import { findStop, newsOf, newWork, type News, type Stop, type Tour, type Work } from './book.ts';
import { minuteOf } from './calendar.ts';
import { cancelStop, passStop } from './changes.ts';
import { createPlanning } from './planning.ts';
import { readOrders, readText } from './request.ts';
import { type Site, readSite } from './site.ts';
import { tellChanges } from './tell.ts';
import { type AnyBook, planView, stopViews, vehicleViews } from './view.ts';

export class Depot extends Actor<LogisticsServices> implements DepotApi {
  static readonly type = 'Depot';
  static readonly options = { readOnly: ['plan', 'stops', 'eta', 'vehicles'] };
  static readonly subscriptions = [{ topic: 'orders', method: 'onOrderEvent', id: depotIdOf }];

  readonly #stops = this.state<Stop[]>('stops', { initial: () => [] });
  readonly #tours = this.state<Tour[]>('tours', { initial: () => [] });
  readonly #work = this.state<Work>('work', { initial: newWork });
  readonly #planning = createPlanning(this.ctx, this.#tours);
  #site: Site | undefined;

  async onOrderEvent(event: CloudEvent): Promise<void> {
    const news = newsOf(event.data);
    if (!news || this.ctx.id === 'none' || depotIdOf(event) !== this.ctx.id) return;
    let book = await this.#book();
    const { stops, tours } = book;
    const known = findStop(stops, news.to.orderId);
    if (news.kind === 'order') {
      if (known) return;
      stops.push(this.#stopOf(news));
    } else if (!known) {
      // It has overtaken the order that it cancels.
      const nowhere = { ...news.to, placedAt: news.placedAt, cartons: 0, place: null };
      stops.push({ ...nowhere, cancelled: true });
    } else if (!known.cancelled) {
      const left = cancelStop(tours, known);
      if (left.length < tours.length) this.#tours.set(left);
      book = { ...book, tours: left };
    } else return;
    await this.#planning.changed(book, news.to.orderId);
  }

  async plan(): Promise<DepotPlan> {
    return planView(await this.#book());
  }

  async stops(): Promise<StopView[]> {
    return stopViews(await this.#book());
  }

  async vehicles(): Promise<VehicleView[]> {
    return vehicleViews(await this.#book());
  }

  async eta(request: { orderId: string }): Promise<Arrival> {
    const orderId = readText(request, 'orderId');
    const stop = stopViews(await this.#book()).find((one) => one.orderId === orderId);
    if (!stop) throw this.#missing(`order ${orderId}`);
    const { vehicle, eta, state, reason = `it is ${state}` } = stop;
    if (vehicle !== undefined && eta !== undefined && state !== 'cancelled') {
      return { orderId, depot: partsOf(this.ctx.id).depot, vehicle, eta };
    }
    throw new ActorError('WRONG_STATE', `order ${orderId} has no time of arrival: ${reason}`, {
      status: 409,
      details: { state },
    });
  }

  async close(request: { orders: readonly string[] }): Promise<void> {
    const all = readOrders(request);
    const book = await this.#book();
    if (book.work.closedWith !== null) {
      if (JSON.stringify(book.work.closedWith) === JSON.stringify(all)) return;
      throw new ActorError(
        'CONFLICT',
        `depot ${this.ctx.id} was already closed with ${book.work.closedWith.length} orders, and these are others`,
        { status: 409 },
      );
    }
    book.work.closedWith = all;
    await this.#planning.closed(book);
  }

  async replan(): Promise<void> {
    await this.#planning.ask(await this.#book());
  }

  async depart(request: { vehicle: string; at: string }): Promise<VehicleView> {
    const { book, tour, at } = await this.#told(request);
    if (tour.departed === undefined) {
      tour.departed = at;
      book.work.now = Math.max(book.work.now, at);
      tellChanges(this.ctx, book);
      await this.#planning.ask(book);
    }
    return this.#vehicle(book, tour);
  }

  async pass(request: { vehicle: string; orderId: string; at: string }): Promise<VehicleView> {
    const orderId = readText(request, 'orderId');
    const { book, tour, at } = await this.#told(request);
    if (!tour.stops.includes(orderId)) throw this.#missing(`order ${orderId} in ${tour.vehicle}`);
    passStop(tour, { orderId, at });
    book.work.now = Math.max(book.work.now, at);
    tellChanges(this.ctx, book);
    return this.#vehicle(book, tour);
  }

  override async onReminder(_: Firing): Promise<void> {
    await this.#planning.reminded(await this.#book());
  }

  async planned(answer: SearchAnswer): Promise<void> {
    internal(this.ctx, 'RoutePlanner');
    await this.#planning.answered(await this.#book(), answer);
  }

  async notPlanned({ request, reason }: { request: number; reason: string }): Promise<void> {
    internal(this.ctx, 'RoutePlanner');
    const work = await this.#work.get();
    if (request === work.awaited) await this.#planning.failed(work, reason);
  }

  /** Where it goes is asked when its search is. */
  #stopOf({ to, placedAt, units }: News): Stop {
    const cartons = Math.max(1, Math.ceil(units / (this.#siteOf()?.unitsPerCarton ?? 24)));
    return { ...to, placedAt, cartons, place: null };
  }

  /** Reads what was told of a vehicle. */
  async #told(request: { vehicle: string; at: string }) {
    const vehicle = readText(request, 'vehicle');
    const book = await this.#book();
    const tour = book.tours.find((one) => one.vehicle === vehicle);
    if (!tour) throw this.#missing(`vehicle ${vehicle} with a tour`);
    return { book, tour, at: minuteOf(partsOf(this.ctx.id).day, request.at, 'at') };
  }

  #vehicle(book: AnyBook, { vehicle }: Tour): VehicleView {
    return vehicleViews(book).find((one) => one.vehicle === vehicle)!;
  }

  async #book(): Promise<AnyBook> {
    const { id } = this.ctx;
    if (!/^[^:]+:\d{4}-\d{2}-\d{2}$/.test(id)) {
      throw new ActorError('NOT_FOUND', `"${id}" is no depot and day; uk:2010-12-01 is one`, {
        status: 404,
      });
    }
    const [stops, tours, work] = [
      await this.#stops.get(),
      await this.#tours.get(),
      await this.#work.get(),
    ];
    return { id, site: this.#siteOf(), stops, tours, work };
  }

  #siteOf(): Site | undefined {
    const { depot } = partsOf(this.ctx.id);
    const { depots } = this.ctx.services.logistics;
    if (!this.#site && Object.hasOwn(depots, depot)) this.#site = readSite(depot, depots[depot]!);
    return this.#site;
  }

  #missing(what: string): ActorError {
    return new ActorError('NOT_FOUND', `depot ${this.ctx.id} has no ${what}`, { status: 404 });
  }
}
