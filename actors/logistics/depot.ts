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
import { readAnswer } from './answer.ts';
import type {
  Arrival,
  DepotApi,
  DepotPlan,
  LogisticsServices,
  RoutePlannerApi,
  SearchAnswer,
  StopView,
  VehicleView,
} from './api.ts';
import { depotIdOf, partsOf } from './area.ts';
import { findStop, newsOf, newWork, type News, type Stop, type Tour, type Work } from './book.ts';
import { minuteOf } from './calendar.ts';
import { cancelStop, passStop } from './changes.ts';
import { problemOf } from './problem.ts';
import { type Site, readSite } from './site.ts';
import { tellChanges } from './tell.ts';
import { type AnyBook, planView, simpleKm, stopViews, vehicleViews } from './view.ts';

const SETTLE = '1s';
/** After a search that failed. */
const RETRY = '1m';

export class Depot extends Actor<LogisticsServices> implements DepotApi {
  static readonly type = 'Depot';
  static readonly options = { readOnly: ['plan', 'stops', 'eta', 'vehicles'] };
  static readonly subscriptions = [{ topic: 'orders', method: 'onOrderEvent', id: depotIdOf }];

  readonly #stops = this.state<Stop[]>('stops', { initial: () => [] });
  readonly #tours = this.state<Tour[]>('tours', { initial: () => [] });
  readonly #work = this.state<Work>('work', { initial: newWork });
  #site: Site | undefined;

  async onOrderEvent(event: CloudEvent): Promise<void> {
    const news = newsOf(event.data);
    if (!news || this.ctx.id === 'none' || depotIdOf(event) !== this.ctx.id) return;
    let book = await this.#book();
    const { stops, tours } = book;
    const known = findStop(stops, news.to.orderId);
    if (news.kind === 'order') {
      if (known) return;
      stops.push(await this.#stopOf(news));
    } else if (!known) {
      // It has overtaken the order that it cancels.
      const nowhere = { ...news.to, placedAt: news.placedAt, cartons: 0, place: null };
      stops.push({ ...nowhere, cancelled: true });
    } else if (!known.cancelled) {
      const left = cancelStop(tours, known);
      if (left.length < tours.length) this.#tours.set(left);
      book = { ...book, tours: left };
    } else return;
    await this.#changed(book, news.to.orderId);
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

  async eta({ orderId }: { orderId: string }): Promise<Arrival> {
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
    const orders: unknown = request?.orders;
    if (!Array.isArray(orders) || !orders.every((id) => typeof id === 'string' && id !== '')) {
      throw new ActorError('INVALID_DELIVERY', 'orders must be an array of order ids', {
        status: 400,
      });
    }
    const book = await this.#book();
    const all = [...new Set(orders as string[])].toSorted();
    if (book.work.closedWith !== null) {
      if (JSON.stringify(book.work.closedWith) === JSON.stringify(all)) return;
      throw new ActorError(
        'CONFLICT',
        `depot ${this.ctx.id} was already closed with ${book.work.closedWith.length} orders, and these are others`,
        { status: 409 },
      );
    }
    book.work.closedWith = all;
    const isPlanned = book.work.version > 0 && !book.work.dirty;
    // The answer of a search under way asks for the next one, if there has to be one.
    if (this.#isComplete(book) && book.work.awaited === 0 && !isPlanned) await this.#ask(book);
  }

  async replan(): Promise<void> {
    await this.#ask(await this.#book());
  }

  async depart(request: { vehicle: string; at: string }): Promise<VehicleView> {
    const { book, tour, at } = await this.#told(request);
    if (tour.departed === undefined) {
      tour.departed = at;
      book.work.now = Math.max(book.work.now, at);
      tellChanges(this.ctx, book);
      await this.#ask(book);
    }
    return this.#vehicle(book, tour);
  }

  async pass(request: { vehicle: string; orderId: string; at: string }): Promise<VehicleView> {
    const { book, tour, at } = await this.#told(request);
    const { orderId } = request;
    if (!tour.stops.includes(orderId)) throw this.#missing(`order ${orderId} in ${tour.vehicle}`);
    passStop(tour, { orderId, at });
    book.work.now = Math.max(book.work.now, at);
    tellChanges(this.ctx, book);
    return this.#vehicle(book, tour);
  }

  override async onReminder(_: Firing): Promise<void> {
    const book = await this.#book();
    book.work.reminded = false;
    if (book.work.dirty && book.work.awaited === 0) await this.#ask(book);
  }

  async planned(answer: SearchAnswer): Promise<void> {
    internal(this.ctx, 'RoutePlanner');
    const book = await this.#book();
    const { site, work, stops } = book;
    if (!site || answer.request !== work.awaited) return;
    const { tours, fault } = readAnswer({ ...book, site }, answer.routes);
    if (!tours) {
      await this.#failed(work, `the plan was refused: ${fault}`);
      return;
    }
    work.awaited = 0;
    work.version += 1;
    delete work.problem;
    delete work.simple;
    if (answer.simple) work.simple = simpleKm(site, answer.simple);
    this.#tours.set(tours);
    const served = new Set(tours.flatMap((tour) => tour.stops));
    for (const stop of stops.slice(0, work.searched)) {
      if (served.has(stop.orderId)) delete stop.left;
      else stop.left ??= 'no vehicle was found with room and time for it';
    }
    tellChanges(this.ctx, { ...book, tours });
    if (work.dirty) await this.#ask({ ...book, tours });
  }

  async notPlanned({ request, reason }: { request: number; reason: string }): Promise<void> {
    internal(this.ctx, 'RoutePlanner');
    const work = await this.#work.get();
    if (request === work.awaited) await this.#failed(work, reason);
  }

  /** Plans that fail leave the plan there is, and are tried again. */
  async #failed(work: Work, problem: string): Promise<void> {
    work.awaited = 0;
    work.problem = problem;
    work.dirty = true;
    await this.#remind(work, RETRY);
  }

  /** Something came: asks for a search when it is time for one. */
  async #changed(book: AnyBook, orderId: string): Promise<void> {
    const { site, work } = book;
    work.dirty = true;
    if (work.version > 0) tellChanges(this.ctx, book);
    // The answer of a search under way asks for the next one.
    if (work.awaited > 0) return;
    if (!site) await this.#ask(book);
    else if (work.closedWith) {
      if (!this.#isComplete(book)) return;
      if (work.closedWith.includes(orderId) && work.version === 0) await this.#ask(book);
      else await this.#remind(work, site.settle ?? SETTLE);
    } else if (site.plans !== 'when closed') await this.#remind(work, site.settle ?? SETTLE);
  }

  async #remind(work: Work, due: string | number): Promise<void> {
    if (work.reminded) return;
    work.reminded = true;
    await this.ctx.reminders.set('plan', { due });
  }

  /** Asks for a search of what there is; the one that may run no longer counts. */
  async #ask(book: AnyBook): Promise<void> {
    const { site, stops, work } = book;
    work.dirty = false;
    const found = site
      ? problemOf({ ...book, site })
      : { input: undefined, left: new Map<string, string>() };
    const { depot } = partsOf(this.ctx.id);
    for (const stop of stops) {
      const why = site
        ? found.left.get(stop.orderId)
        : `depot "${depot}" is not set up: nobody drives to ${stop.country}`;
      if (why === undefined) delete stop.left;
      else stop.left = why;
    }
    if (found.input) {
      work.request += 1;
      work.awaited = work.request;
      work.searched = stops.length;
      this.ctx.outbox
        .ref<RoutePlannerApi>('RoutePlanner', this.ctx.id)
        .search({ request: work.request, input: found.input });
      return;
    }
    work.awaited = 0;
    work.version += 1;
    delete work.simple;
    const tours = book.tours.filter(({ departed }) => departed !== undefined);
    this.#tours.set(tours);
    tellChanges(this.ctx, { ...book, tours });
  }

  #isComplete({ stops, work }: AnyBook): boolean {
    const known = new Set(stops.map(({ orderId }) => orderId));
    return work.closedWith?.every((orderId) => known.has(orderId)) ?? false;
  }

  async #stopOf({ to, placedAt, units }: News): Promise<Stop> {
    const site = this.#siteOf();
    const place = (await this.ctx.services.logistics.locate(to)) ?? null;
    const cartons = Math.max(1, Math.ceil(units / (site?.unitsPerCarton ?? 24)));
    return { ...to, placedAt, cartons, place };
  }

  /** Reads what was told of a vehicle. */
  async #told({ vehicle, at }: { vehicle: string; at: string }) {
    const book = await this.#book();
    const tour = book.tours.find((one) => one.vehicle === vehicle);
    if (!tour) throw this.#missing(`vehicle ${vehicle} with a tour`);
    return { book, tour, at: minuteOf(partsOf(this.ctx.id).day, at, 'at') };
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
