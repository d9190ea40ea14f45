/**
 * When a depot asks for a search, and what becomes of the answer. Everything it
 * does belongs to the depot's turn that calls it.
 */
import type { ActorContext, StateEntry } from 'troupe/actor';
import { readAnswer } from './answer.ts';
import type { LogisticsServices, RoutePlannerApi, SearchAnswer } from './api.ts';
import { partsOf } from './area.ts';
import type { Stop, Tour, Work } from './book.ts';
import { problemOf } from './problem.ts';
import { tellChanges } from './tell.ts';
import { type AnyBook, simpleKm } from './view.ts';

/** How long changes are gathered before a search. */
const SETTLE = '1s';
/** After a search that failed, or a place that could not be asked for. */
const RETRY = '1m';

export interface Planning {
  /** Something came of this order: asks when it is time for a search. */
  changed(book: AnyBook, orderId: string): Promise<void>;
  /** The day was closed. */
  closed(book: AnyBook): Promise<void>;
  /** The reminder came. */
  reminded(book: AnyBook): Promise<void>;
  /** Asks for a search of what there is; the one that may run no longer counts. */
  ask(book: AnyBook): Promise<void>;
  answered(book: AnyBook, answer: SearchAnswer): Promise<void>;
  /** The plan there is stays, and another search follows. */
  failed(work: Work, problem: string): Promise<void>;
}

function isComplete({ stops, work }: AnyBook): boolean {
  const known = new Set(stops.map(({ orderId }) => orderId));
  return work.closedWith?.every((orderId) => known.has(orderId)) ?? false;
}

export function createPlanning(
  ctx: ActorContext<LogisticsServices>,
  tours: StateEntry<Tour[]>,
): Planning {
  const remind = async (work: Work, due: string | number): Promise<void> => {
    if (work.reminded) return;
    work.reminded = true;
    await ctx.reminders.set('plan', { due });
  };

  /** Asks for the places that are not known; false when one could not even be asked for. */
  async function locate(stops: readonly Stop[]): Promise<boolean> {
    const missing = stops.filter(({ place, cancelled }) => place === null && !cancelled);
    const found = await Promise.allSettled(
      missing.map(async ({ orderId, customer, country }) =>
        ctx.services.logistics.locate({ orderId, customer, country }),
      ),
    );
    let isWhole = true;
    for (const [index, outcome] of found.entries()) {
      const stop = missing[index]!;
      if (outcome.status === 'rejected') {
        isWhole = false;
        ctx.logger.warn({ order: stop.orderId, err: outcome.reason }, 'no answer where it goes');
      } else if (outcome.value) {
        const { lat, lon } = outcome.value;
        if (Math.abs(lat) <= 85 && Math.abs(lon) <= 180) stop.place = { lat, lon };
      }
    }
    return isWhole;
  }

  async function ask(book: AnyBook): Promise<void> {
    const { id, site, stops, work } = book;
    work.dirty = false;
    work.again = site !== undefined && !(await locate(stops));
    if (work.again) await remind(work, RETRY);
    const { input, left } = site ? problemOf({ ...book, site }) : {};
    const nobody = `depot "${partsOf(id).depot}" is not set up: nobody drives to`;
    for (const stop of stops) {
      const why = left ? left.get(stop.orderId) : `${nobody} ${stop.country}`;
      if (why === undefined) delete stop.left;
      else stop.left = why;
    }
    if (input) {
      work.request += 1;
      work.awaited = work.request;
      work.searched = stops.length;
      ctx.outbox.ref<RoutePlannerApi>('RoutePlanner', id).search({ request: work.request, input });
    } else {
      const out = book.tours.filter(({ departed }) => departed !== undefined);
      apply(book, out);
    }
  }

  /** These are the tours from now on. */
  function apply(book: AnyBook, now: Tour[]): void {
    const { work } = book;
    work.awaited = 0;
    work.version += 1;
    delete work.problem;
    delete work.simple;
    tours.set(now);
    tellChanges(ctx, { ...book, tours: now });
  }

  async function failed(work: Work, problem: string): Promise<void> {
    work.awaited = 0;
    work.problem = problem;
    work.dirty = true;
    await remind(work, RETRY);
  }

  return {
    ask,
    failed,
    async changed(book, orderId) {
      const { site, work } = book;
      work.dirty = true;
      if (work.version > 0) tellChanges(ctx, book);
      // The answer of a search under way asks for the next one.
      if (work.awaited > 0) return;
      const isClosed = isComplete(book);
      const isLast = isClosed && work.version === 0 && work.closedWith?.includes(orderId);
      if (!site || isLast) await ask(book);
      else if (isClosed || site.plans !== 'when closed') await remind(work, site.settle ?? SETTLE);
    },
    async closed(book) {
      const { dirty, awaited, version } = book.work;
      const isPlanned = version > 0 && !dirty;
      if (isComplete(book) && awaited === 0 && !isPlanned) await ask(book);
    },
    async reminded(book) {
      const { dirty, again, awaited } = book.work;
      book.work.reminded = false;
      if ((dirty || again) && awaited === 0) await ask(book);
    },
    async answered(book, { request, routes, simple }) {
      const { site, work, stops } = book;
      if (request !== work.awaited) return;
      // A host that has the depot no longer says so of its orders.
      if (!site) return ask(book);
      const { tours: planned, fault } = readAnswer({ ...book, site }, routes);
      if (!planned) return failed(work, `the plan was refused: ${fault}`);
      const served = new Set(planned.flatMap((tour) => tour.stops));
      for (const stop of stops.slice(0, work.searched)) {
        if (served.has(stop.orderId)) delete stop.left;
        else stop.left ??= 'no vehicle was found with room and time for it';
      }
      apply(book, planned);
      if (simple) work.simple = simpleKm(site, simple);
      if (work.dirty) await ask({ ...book, tours: planned });
    },
  };
}
