/** From a plan in the file's own numbers to routes of the solver, and back. */
import type { PlanRoute, StopId } from '../../protocol.ts';
import { InputError } from './input-error.ts';
import type { Instance } from './instance.ts';
import type { StartRoute } from './tours.ts';

/**
 * Throws `InputError` for fleets and stops that the instance does not have. A
 * stop that has left the instance drops out, unless it was frozen.
 */
export function toStart(instance: Instance, plan: readonly PlanRoute[]): StartRoute[] {
  const nodeOf = new Map<StopId, number>();
  for (let node = instance.depots; node < instance.size; node++) {
    nodeOf.set(instance.ids[node]!, node);
  }
  const seen = new Set<StopId>();
  return plan.map(({ fleet: name, stops, frozen = 0, departed }, index) => {
    const label = `route ${index + 1} of the plan`;
    const fleet = instance.fleets.findIndex((one) => one.name === name);
    if (fleet === -1)
      throw new InputError(`${label} is of the fleet ${name}, which does not exist`);
    if (!Number.isInteger(frozen) || frozen > stops.length) {
      throw new InputError(`${label} has ${stops.length} stops and ${frozen} of them frozen`);
    }
    const nodes = stops.flatMap((stop, at) => {
      if (seen.has(stop))
        throw new InputError(`${label} stops at ${stop}, which is already planned`);
      seen.add(stop);
      const node = nodeOf.get(stop);
      if (node !== undefined) return [node];
      if (at >= frozen) return [];
      throw new InputError(`${label} has the frozen stop ${stop}, which does not exist`);
    });
    const since = departed === undefined ? {} : { departed: departed * instance.scale };
    return { fleet, stops: nodes, frozen, ...since };
  });
}

export function fromStart(instance: Instance, routes: readonly StartRoute[]): PlanRoute[] {
  return routes.map(({ fleet, stops, frozen, departed }) => ({
    fleet: instance.fleets[fleet]!.name,
    stops: stops.map((node) => instance.ids[node]!),
    ...(frozen > 0 ? { frozen } : {}),
    ...(departed === undefined ? {} : { departed: departed / instance.scale }),
  }));
}
