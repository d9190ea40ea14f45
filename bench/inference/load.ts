/**
 * Open-loop load inside the measured process: every request has an intended
 * start, and its latency counts from there, whether the program was ready to
 * send it or not. What is not answered by the end counts with its age.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { memory, meter, type Measurement } from '../harness/measure.ts';
import { percentile } from '../harness/stats.ts';

/** Runs one request; rejects when it is refused. */
export type Request = () => Promise<unknown>;

/** How long answers are waited for after the last request. */
const DRAIN_MS = 1000;

/** So many requests a second for `ms`, then up to `drainMs` for their answers. */
export async function openLoop(
  request: Request,
  rate: number,
  ms: number,
  drainMs = DRAIN_MS,
): Promise<Measurement> {
  const total = Math.max(1, Math.floor((rate * ms) / 1000));
  const times = new Float64Array(total).fill(Number.NaN);
  let sent = 0;
  let answered = 0;
  let refused = 0;
  let inTime = 0;
  const cost = meter();
  using delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const send = (at: number): void => {
    const intended = began + (at / rate) * 1000;
    const settle = (): void => {
      if (answered + refused === total) resolve();
    };
    request().then(
      () => {
        const now = performance.now();
        times[at] = (now - intended) * 1000;
        answered++;
        if (now - began <= ms) inTime++;
        settle();
      },
      () => {
        refused++;
        settle();
      },
    );
  };
  await new Promise<void>((done) => {
    const tick = (): void => {
      const due = Math.min(total, Math.floor(((performance.now() - began) * rate) / 1000) + 1);
      while (sent < due) send(sent++);
      if (sent < total) setImmediate(tick);
      else done();
    };
    tick();
  });
  delay.disable();
  const { cpuMs } = cost();
  const late = setTimeout(resolve, drainMs);
  await over;
  clearTimeout(late);
  const end = performance.now();
  const unanswered = total - answered - refused;
  if (unanswered > 0) {
    for (let at = 0; at < total; at++) {
      if (Number.isNaN(times[at]!)) times[at] = (end - began - (at / rate) * 1000) * 1000;
    }
  }
  const sorted = times.filter((time) => !Number.isNaN(time)).toSorted();
  return {
    ops: inTime,
    seconds: ms / 1000,
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    cpuMs,
    ...memory(),
    facts: { offered: rate, refused, unanswered, delayMs: delay.percentile(99) / 1e6 },
  };
}

/** So many requests at a time for `ms`: the most that is answered a second. */
export async function closedLoop(
  request: Request,
  callers: number,
  ms: number,
): Promise<Measurement> {
  const cost = meter();
  const end = performance.now() + ms;
  const times: number[] = [];
  const caller = async (): Promise<void> => {
    for (;;) {
      const began = performance.now();
      if (began >= end) return;
      await request();
      times.push((performance.now() - began) * 1000);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { seconds, cpuMs } = cost();
  const sorted = times.toSorted((a, b) => a - b);
  return {
    ops: times.length,
    seconds,
    cpuMs,
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    ...memory(),
  };
}
