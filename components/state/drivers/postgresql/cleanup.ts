/** Deletes expired rows now and then, a slice at a time. Readers never see them anyway. */
import type { ComponentOptions } from '../../../component.ts';
import type { Database } from '../../../postgresql/database.ts';
import type { Statements } from './rows.ts';

/** Rows that one statement deletes. */
const SLICE = 1_000;

export interface Cleanup {
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export function scheduleCleanup(
  options: ComponentOptions,
  database: Database,
  statements: Statements,
  intervalMs: number,
): Cleanup {
  let isStopped = intervalMs === 0;
  let running: Promise<void> | undefined;
  let timer: { cancel(): void } | undefined;

  async function clean(): Promise<void> {
    try {
      let deleted = SLICE;
      while (deleted === SLICE && !isStopped) {
        const statement = statements.deleteExpired(options.now(), SLICE);
        deleted = (await database.query(statement)).length;
      }
    } catch (error) {
      options.logger.warn(
        { component: options.name, error: (error as Error).message },
        'expired state rows were not deleted; the next interval tries again',
      );
    }
    start();
  }

  function start(): void {
    if (isStopped) return;
    timer = options.timer(intervalMs, () => {
      running = clean();
    });
  }

  start();
  return {
    async stop() {
      isStopped = true;
      timer?.cancel();
      await running;
    },
  };
}
