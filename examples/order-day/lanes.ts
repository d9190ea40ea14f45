/**
 * Runs work with a limit on how much is under way, where items of one lane run
 * strictly one after the other in their order and lanes run side by side.
 */

export interface LaneOptions<T> {
  /** The lane of an item; undefined: it waits for nobody. */
  readonly lane: (item: T) => string | undefined;
  /** Items under way at once, over all lanes. */
  readonly concurrency: number;
  readonly run: (item: T) => Promise<void>;
  /** Once aborted nothing more is started. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves when every item ran, or when what was under way at the abort has
 * ended. Rejects with the first failure, after which nothing more is started.
 */
export async function runInLanes<T>(items: Iterable<T>, options: LaneOptions<T>): Promise<void> {
  const { lane, concurrency, run, signal } = options;
  const ready: T[] = [];
  let readyAt = 0;
  const waiting = new Map<string, { items: T[]; at: number }>();
  for (const item of items) {
    const name = lane(item);
    const queue = name === undefined ? undefined : waiting.get(name);
    if (queue) queue.items.push(item);
    else {
      if (name !== undefined) waiting.set(name, { items: [], at: 0 });
      ready.push(item);
    }
  }
  let failure: { error: unknown } | undefined;
  const worker = async (first: T): Promise<void> => {
    for (let item: T | undefined = first; item !== undefined;) {
      try {
        await run(item);
      } catch (error) {
        failure ??= { error };
      }
      if (failure || signal?.aborted) return;
      // The lane goes on before a new one starts, so that a long lane does not end up alone.
      const name = lane(item);
      const queue = name === undefined ? undefined : waiting.get(name);
      item = queue && queue.at < queue.items.length ? queue.items[queue.at++] : ready[readyAt++];
    }
  };
  const workers: Promise<void>[] = [];
  while (workers.length < concurrency && readyAt < ready.length && !signal?.aborted) {
    workers.push(worker(ready[readyAt++]!));
  }
  await Promise.all(workers);
  if (failure) throw failure.error;
}
