/**
 * Measures work inside one process: a warm-up, a phase for throughput in which
 * no single call is timed, and a phase for latency in which each one is. Owns
 * the shape of a measurement; knows nothing of what is measured.
 */
import { percentile } from './stats.ts';

/** What one contender did in one round. */
export interface Measurement {
  /** Operations counted in `seconds`. */
  readonly ops: number;
  readonly seconds: number;
  /** Microseconds. */
  readonly p50?: number;
  readonly p99?: number;
  /** CPU time of the measured process, user and system, in milliseconds, over the same operations. */
  readonly cpuMs: number;
  /** Bytes, at the end of the measurement. */
  readonly rss: number;
  readonly heap: number;
  /** Further figures by name, for the question's own table and aims. */
  readonly facts?: Readonly<Record<string, number>>;
}

/** One operation by one caller. `caller` counts from 0. */
export type Operation = (caller: number) => Promise<unknown>;

export interface LoadOptions {
  readonly callers: number;
  readonly ms: number;
  /** Calls between two looks at the clock; 1 where a call takes long beside one. Default 256. */
  readonly every?: number;
}

/** Cost of the process between `start` and the returned function. */
export function meter(): () => { seconds: number; cpuMs: number } {
  const cpu = process.cpuUsage();
  const start = performance.now();
  return () => {
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { seconds, cpuMs: (user + system) / 1000 };
  };
}

export function memory(): { rss: number; heap: number } {
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed };
}

/** Heap in use after a full collection. Needs --expose-gc, which every measuring child is given. */
export function heapAfterCollection(): number {
  if (!globalThis.gc) throw new Error('run it with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Runs `callers` loops of `operation` for `ms`; gives the number of operations done. */
export async function drive(
  operation: Operation,
  { callers, ms, every = 256 }: LoadOptions,
): Promise<number> {
  const end = performance.now() + ms;
  let done = 0;
  const loop = async (caller: number): Promise<void> => {
    while (performance.now() < end) {
      for (let i = 0; i < every; i++) await operation(caller);
      done += every;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
  return done;
}

/** Runs `total` operations by `callers` loops; gives the time of each in microseconds, unsorted. */
export async function driveTimed(
  operation: Operation,
  { callers, total }: { readonly callers: number; readonly total: number },
): Promise<Float64Array> {
  const times = new Float64Array(total);
  let begun = 0;
  const loop = async (caller: number): Promise<void> => {
    while (begun < total) {
      const at = begun++;
      const start = performance.now();
      await operation(caller);
      times[at] = (performance.now() - start) * 1000;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
  return times;
}

/** Warm-up, throughput, then latency over `timedCalls` calls. */
export async function measureCalls(
  operation: Operation,
  { warmUpMs, timedCalls, ...load }: LoadOptions & { warmUpMs: number; timedCalls: number },
): Promise<Measurement> {
  await drive(operation, { ...load, ms: warmUpMs });
  const stop = meter();
  const ops = await drive(operation, load);
  const cost = stop();
  const used = memory();
  const times = (await driveTimed(operation, { callers: load.callers, total: timedCalls })).sort();
  return { ops, ...cost, ...used, p50: percentile(times, 50), p99: percentile(times, 99) };
}

/** Warm-up, then one phase in which every operation is timed: where the clock costs nothing beside it. */
export async function measureEach(
  operation: Operation,
  { callers, ms, warmUpMs }: LoadOptions & { warmUpMs: number },
): Promise<Measurement> {
  await drive(operation, { callers, ms: warmUpMs, every: 1 });
  const times: number[] = [];
  const stop = meter();
  const timed: Operation = async (caller) => {
    const start = performance.now();
    await operation(caller);
    times.push((performance.now() - start) * 1000);
  };
  const ops = await drive(timed, { callers, ms, every: 1 });
  const cost = stop();
  const sorted = Float64Array.from(times).sort();
  const [p50, p99] = [percentile(sorted, 50), percentile(sorted, 99)];
  return { ops, ...cost, ...memory(), p50, p99 };
}
