/**
 * Delivered outbox rows on their way out of the store: whatever gathers while
 * one removal runs goes with the next.
 */
import type { OutboxRow } from './outbox-row.ts';
import type { ActorStore, EngineLogger } from './ports.ts';

export interface OutboxRemovalOptions {
  readonly store: ActorStore;
  readonly logger: EngineLogger;
  /** Nothing is left to remove. */
  readonly onIdle: () => void;
}

export class OutboxRemoval {
  readonly #options: OutboxRemovalOptions;
  #rows: OutboxRow[] = [];
  #running: Promise<void> | undefined;

  constructor(options: OutboxRemovalOptions) {
    this.#options = options;
  }

  /** Rows that are still in the store. */
  get rows(): readonly OutboxRow[] {
    return this.#rows;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  add(row: OutboxRow): void {
    this.#rows.push(row);
    this.#running ??= this.#run();
  }

  /** Resolves when no removal runs. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    const { store, logger, onIdle } = this.#options;
    while (this.#rows.length > 0) {
      const rows = this.#rows.slice();
      try {
        await store.remove(
          rows.map(({ sender, name }) => ({ actor: sender, name, index: 'outbox' })),
        );
      } catch (error) {
        logger.warn(
          { err: error, rows: rows.length },
          'delivered outbox rows could not be removed, they will be sent again after a restart',
        );
      }
      this.#rows = this.#rows.slice(rows.length);
    }
    this.#running = undefined;
    onIdle();
  }
}
