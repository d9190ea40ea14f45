/** Why an instance has no feasible plan, as far as one look can tell. */
import type { Fleet, Instance } from './instance.ts';

function refusal(instance: Instance, node: number, fleet: Fleet): string | undefined {
  const { size, distance, demand, service, open, close, scale } = instance;
  const out = distance[fleet.depot * size + node]!;
  const home = distance[node * size + fleet.depot]!;
  if (demand[node]! > fleet.capacity) {
    return `its demand ${demand[node]} is above the capacity ${fleet.capacity}`;
  }
  const arrival = fleet.open + out;
  if (arrival > close[node]!) {
    return `a vehicle arrives at ${arrival / scale} at the earliest, and it closes at ${close[node]! / scale}`;
  }
  const back = Math.max(open[node]!, arrival) + service[node]! + home;
  if (back > fleet.close) {
    return `a vehicle is back at ${back / scale} at the earliest, and the depot closes at ${fleet.close / scale}`;
  }
  const least = out + service[node]! + home;
  if (least > fleet.maxTime) {
    return `going there and back takes ${least / scale}, above the longest route of ${fleet.maxTime / scale}`;
  }
  return undefined;
}

/** One sentence a reason; empty when nothing is impossible at first sight. */
export function findReasons(instance: Instance): string[] {
  const reasons: string[] = [];
  for (let node = instance.depots; node < instance.size; node++) {
    const refusals = instance.fleets.map((fleet) => refusal(instance, node, fleet));
    if (refusals.includes(undefined)) continue;
    reasons.push(`customer ${instance.ids[node]} cannot be served: ${refusals[0]}`);
  }
  const wanted = instance.demand.reduce((sum, amount) => sum + amount, 0);
  const room = instance.fleets.reduce(
    (sum, { vehicles, capacity }) => sum + vehicles * capacity,
    0,
  );
  if (wanted > room)
    reasons.push(`all demand is ${wanted}, and all vehicles together take ${room}`);
  return reasons;
}
