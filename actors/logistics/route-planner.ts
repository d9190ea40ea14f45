/**
 * The search of one depot, as an actor of its own: its turn lasts as long as the
 * search, and holds up nothing but the next search of the same depot. It keeps
 * nothing; the request is a durable send, so a search that a crash cut short is
 * begun again, and its answer is one too.
 */
import { Actor, isTroupeError } from 'troupe/actor';
import type { PlanInput, PlanOutput } from '../../workers/protocol.ts';
import { internal } from '../internal.ts';
import type { DepotApi, LogisticsServices, RoutePlannerApi } from './api.ts';

/** The same problem without some of its customers, its plan as found, and no search: the checker looks at what is left. */
function without(input: PlanInput, absent: ReadonlySet<string>, { routes }: PlanOutput): PlanInput {
  const instance = JSON.parse(input.text) as { customers: { id: string }[] };
  const customers = instance.customers.filter(({ id }) => !absent.has(id));
  const text = JSON.stringify({ ...instance, customers });
  const { name, compare = false } = input;
  return { name, text, iterations: 0, start: routes, compare };
}

function absentOf(input: PlanInput, { routes }: PlanOutput): Set<string> {
  const served = new Set(routes.flatMap(({ stops }) => stops.map(String)));
  const { customers } = JSON.parse(input.text) as { customers: { id: string }[] };
  return new Set(customers.map(({ id }) => id).filter((id) => !served.has(id)));
}

export class RoutePlanner extends Actor<LogisticsServices> implements RoutePlannerApi {
  static readonly type = 'RoutePlanner';

  async search(asked: { request: number; input: PlanInput }): Promise<void> {
    internal(this.ctx, 'Depot');
    const { request, input } = asked;
    const depot = this.ctx.outbox.ref<DepotApi>('Depot', this.ctx.id);
    try {
      const output = await this.#verified(input);
      const { routes, simple } = output;
      if (output.feasible) depot.planned({ request, routes, ...(simple ? { simple } : {}) });
      else depot.notPlanned({ request, reason: output.problems[0] ?? 'no plan was found' });
    } catch (error) {
      // A pool that is full, or a host that stops, says nothing of the plan: the message comes again.
      const isFinal = isTroupeError(error) && !error.retryable && error.code !== 'CANCELLED';
      if (!isFinal) throw error;
      depot.notPlanned({ request, reason: error.message });
    }
  }

  /** A plan that leaves orders out is verified for those that it serves. */
  async #verified(input: PlanInput): Promise<PlanOutput> {
    const output = await this.#plan(input);
    if (output.feasible) return output;
    const absent = absentOf(input, output);
    if (absent.size === 0 || output.routes.length === 0) return output;
    return this.#plan(without(input, absent, output));
  }

  #plan(input: PlanInput): Promise<PlanOutput> {
    return this.ctx.services.logistics.planner.plan(input, { signal: this.ctx.signal });
  }
}
