/**
 * From a camera's lanes to its store: batches what waits, sends one report at a
 * time, repeats it until it is acknowledged. A report takes everything of the
 * lane `now` first and a bounded part of the lane `record`, so an alarm waits
 * for one report at most, however long the store was offline.
 */
import type { TroupeError } from '../../runtime/core/errors.ts';
import type { Answer, Centre } from './centre.ts';
import type { Lane } from './lane.ts';
import { LANES, reportOf, type CameraStatus, type LaneName } from './report.ts';

export interface UplinkOptions {
  readonly camera: string;
  readonly stream: string;
  readonly lanes: Readonly<Record<LaneName, Lane>>;
  readonly centre: Centre;
  readonly status: () => CameraStatus;
  readonly onSettings: (desired: { readonly version: number; readonly settings: unknown }) => void;
  /** Milliseconds in which events of the lane `record` gather. */
  readonly every: number;
  /** Milliseconds after which a camera with nothing to tell says how it is. */
  readonly heartbeat: number;
  /** Milliseconds between two tries while the centre does not answer, at most. */
  readonly longestPause: number;
  readonly onProblem: (problem: Error) => void;
}

export interface Uplink {
  /** Something was flushed to a lane. */
  wake(lane: LaneName): void;
  /** True while the last report was not answered. */
  readonly isOffline: boolean;
  /** Reports that were acknowledged. */
  readonly reports: number;
  /** Resolves when all that waits is acknowledged, or rejects with the signal. */
  drained(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Bytes on disk of the events in one report. */
const SHARE: Readonly<Record<LaneName, number>> = { now: 16 * 1024, record: 48 * 1024 };
const FIRST_PAUSE = 500;

export function startUplink(options: UplinkOptions): Uplink {
  const { camera, stream, lanes, centre, every, heartbeat, longestPause } = options;
  const stop = new AbortController();
  let pause = 0;
  let reports = 0;
  let statusTold = '';
  let wakeUp: (() => void) | undefined;
  let dueAt = 0;
  let waiters: (() => void)[] = [];

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        wakeUp = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      wakeUp = end;
      if (stop.signal.aborted) end();
    });
  const hasNews = (): boolean => LANES.some((lane) => lanes[lane].hasNews);

  async function send(): Promise<void> {
    const parts = await Promise.all(
      LANES.map(async (lane) => [lane, await lanes[lane].read(SHARE[lane])] as const),
    );
    const status = options.status();
    const news = parts.filter(([, list]) => list.length > 0);
    const report = reportOf(camera, stream, { lanes: Object.fromEntries(news), status });
    const answer: Answer = await centre.report(report, stop.signal);
    for (const lane of LANES) await lanes[lane].ack(answer.through[lane] ?? 0);
    statusTold = JSON.stringify([status.version, status.error]);
    reports++;
    if (answer.desired) options.onSettings(answer.desired);
  }

  async function fail(error: unknown): Promise<void> {
    const { code, lane, expected } = ((error as TroupeError).details ?? {}) as {
      code?: string;
      lane?: LaneName;
      expected?: number;
    };
    if (code === 'GAP' && lane) await lanes[lane].rewind(Number(expected));
    if (!stop.signal.aborted) options.onProblem(error as Error);
    pause = Math.min(longestPause, pause === 0 ? FIRST_PAUSE : pause * 2);
  }

  const isTold = (): boolean => {
    const { version, error } = options.status();
    return statusTold === JSON.stringify([version, error]);
  };
  const running = (async () => {
    let beatAt = 0;
    while (!stop.signal.aborted) {
      const now = Date.now();
      const isDue = (hasNews() && now >= dueAt) || now >= beatAt || !isTold();
      if (!isDue) {
        if (!hasNews()) for (const done of waiters.splice(0)) done();
        await wait(Math.max(1, Math.min(hasNews() ? dueAt : beatAt, beatAt) - now));
        continue;
      }
      try {
        await send();
        pause = 0;
        beatAt = Date.now() + heartbeat;
        // A backlog goes on at once; what is new gathers.
        dueAt = hasNews() ? 0 : Date.now() + every;
      } catch (error) {
        await fail(error);
        // Spread by up to half, so that thousands of stores do not come back at one moment.
        const until = Date.now() + pause * (1 + Math.random() / 2);
        while (!stop.signal.aborted && Date.now() < until) await wait(until - Date.now());
      }
    }
  })();

  return {
    wake(lane) {
      if (pause > 0) return;
      if (lane === 'now') dueAt = 0;
      wakeUp?.();
    },
    get isOffline() {
      return pause > 0;
    },
    get reports() {
      return reports;
    },
    async drained(signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      waiters.push(resolve);
      dueAt = 0;
      wakeUp?.();
      try {
        await promise;
      } finally {
        waiters = waiters.filter((waiter) => waiter !== resolve);
        signal.removeEventListener('abort', abort);
      }
    },
    async close() {
      stop.abort();
      wakeUp?.();
      await running;
    },
  };
}
