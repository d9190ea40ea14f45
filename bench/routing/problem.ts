/**
 * An instance as the peers take it: whole numbers only, by the instance's own
 * rounding rule. Where that rule keeps fractions, distances are rounded and
 * travel times rounded up to a thousandth, so that what a peer finds in time is
 * in time for the checker too.
 */
import type { Instance } from '../../workers/tasks/routing/instance.ts';

const FRACTION = 1000;
/** Times the fewest vehicles that could carry all, where the instance sets no bound. */
const ROOM = 1.25;
const ROOM_WITH_WINDOWS = 3;

export interface Problem {
  readonly vehicles: number;
  readonly capacity: number;
  readonly timed: boolean;
  readonly nodes: readonly {
    readonly x: number;
    readonly y: number;
    readonly demand: number;
    readonly service: number;
    readonly open: number;
    readonly close: number;
  }[];
  readonly distances: readonly (readonly number[])[];
  readonly durations: readonly (readonly number[])[];
}

export function problemOf(instance: Instance): Problem {
  const { size, distance, demand, service, open, close, rounding, timed, fleets } = instance;
  const fleet = fleets[0]!;
  const factor = rounding === 'none' ? FRACTION : 1;
  const rows = (round: (value: number) => number): number[][] =>
    Array.from({ length: size }, (_, from) =>
      Array.from(distance.subarray(from * size, (from + 1) * size), (one) => round(one * factor)),
    );
  const wanted = demand.reduce((sum, amount) => sum + amount, 0);
  const fewest = Math.ceil(wanted / fleet.capacity);
  const room = timed ? ROOM_WITH_WINDOWS : ROOM;
  const ends = (at: number): number => (at === 0 ? fleet.close : Math.min(close[at]!, fleet.close));
  return {
    vehicles: Math.min(
      Number.isFinite(fleet.vehicles) ? fleet.vehicles : Math.ceil(fewest * room) + 3,
      size - 1,
    ),
    capacity: fleet.capacity,
    timed,
    nodes: Array.from({ length: size }, (_, at) => ({
      x: instance.x?.[at] ?? 0,
      y: instance.y?.[at] ?? 0,
      demand: demand[at]!,
      service: Math.round(service[at]! * factor),
      open: Math.round(open[at]! * factor),
      close: timed ? Math.round(ends(at) * factor) : 0,
    })),
    distances: rows(Math.round),
    durations: rows(Math.ceil),
  };
}
