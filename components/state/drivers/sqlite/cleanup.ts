/**
 * Deletes expired rows every `cleanupInterval`, in slices, so that a great many
 * of them do not hold the event loop. As with daprd, processes that share the
 * file take turns by the time of the last cleanup in the metadata table.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ComponentOptions } from '../../../component.ts';
import type { Commits } from './commits.ts';
import { timeOf, timeText, type Rows } from './rows.ts';
import type { SqliteSettings } from './settings.ts';

const SLICE = 1_000;

/** Clocks of two processes may differ by this much before one of them skips its turn. */
const TOLERANCE_MS = 100;

export function scheduleCleanup(
  options: ComponentOptions,
  settings: SqliteSettings,
  database: DatabaseSync,
  rows: Rows,
  commits: Commits,
): { cancel(): void } {
  const interval = settings.cleanupIntervalMs;
  if (interval <= 0) return { cancel() {} };
  const { metadataTable } = settings;
  const selectLast = database.prepare(
    `SELECT value FROM ${metadataTable} WHERE key = 'last-cleanup'`,
  );
  const updateLast = database.prepare(
    `REPLACE INTO ${metadataTable} (key, value) VALUES ('last-cleanup', ?)`,
  );
  let timer: { cancel(): void };
  let slice: NodeJS.Immediate | undefined;

  /** True when this process is the one to clean up now. */
  function claimTurn(): boolean {
    const last = selectLast.get()?.['value'];
    const now = options.now();
    if (typeof last === 'string' && now - timeOf(last) < interval - TOLERANCE_MS) return false;
    updateLast.run(timeText(now).slice(0, 'yyyy-mm-dd hh:mm:ss'.length));
    return true;
  }

  function deleteSlices(): void {
    slice = undefined;
    const deleted = attempt(() => rows.deleteExpired(SLICE));
    if (deleted === SLICE) slice = setImmediate(deleteSlices);
    else start();
  }

  function attempt<T>(work: () => T): T | undefined {
    try {
      return commits.alone(work);
    } catch (error) {
      options.logger.warn(
        { component: options.name, error: (error as Error).message },
        'expired state rows were not deleted; the next interval tries again',
      );
      return undefined;
    }
  }

  function start(): void {
    timer = options.timer(interval, () => {
      if (attempt(claimTurn) === true) deleteSlices();
      else start();
    });
  }

  start();
  return {
    cancel() {
      timer.cancel();
      clearImmediate(slice);
    },
  };
}
