/**
 * Is the app well? Probes at an interval, one at a time. An app counts as
 * unhealthy until its first good probe, and again after a number of bad ones in
 * a row; one good probe makes it healthy.
 */
import type { Clock, ClockTimer, EngineLogger } from '../core/ports.ts';

export interface AppHealthParts {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Bad probes in a row that make the app unhealthy. */
  readonly threshold: number;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  /** Why the app is not well; undefined when it is. */
  readonly probe: (signal: AbortSignal) => Promise<string | undefined>;
  /** Changes come one after another. */
  readonly changed: (isHealthy: boolean) => Promise<void>;
}

export interface AppHealth {
  readonly isHealthy: boolean;
  /** Probes at once and from then on. */
  start(): void;
  /** No more probes and changes; waits for the change that runs. Idempotent. */
  stop(): Promise<void>;
}

export function createAppHealth(parts: AppHealthParts): AppHealth {
  const { intervalMs, timeoutMs, threshold, clock, logger, probe } = parts;
  let failures = threshold;
  let timer: ClockTimer | undefined;
  let stopped = false;
  let changing: Promise<void> = Promise.resolve();

  function change(isHealthy: boolean): void {
    changing = changing
      .then(() => (stopped ? undefined : parts.changed(isHealthy)))
      .catch((error: unknown) => logger.error({ err: error }, 'app health change failed'));
  }

  async function ask(): Promise<void> {
    const reason = await probe(AbortSignal.timeout(timeoutMs)).catch(
      (error: unknown) => `Probe error: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (stopped) return;
    if (reason === undefined) {
      const wasUnhealthy = failures >= threshold;
      failures = 0;
      if (!wasUnhealthy) return;
      logger.info({}, 'App entered healthy status');
      change(true);
    } else if (++failures === threshold) {
      logger.warn({}, `App entered un-healthy status: ${reason}`);
      change(false);
    }
  }

  function next(): void {
    timer = clock.timer(clock.now() + intervalMs, () => void ask().finally(arm), {
      background: true,
    });
  }

  function arm(): void {
    if (!stopped) next();
  }

  return {
    get isHealthy() {
      return failures < threshold;
    },
    start() {
      logger.info({}, 'App health probes starting');
      void ask().finally(arm);
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await changing;
    },
  };
}
