/** How fast a broker's events are delivered: so many are published before, then all are taken by one consumer. */
import type { Measurement } from '../harness/measure.ts';
import { memory, meter } from '../harness/measure.ts';
import type { Scale } from '../harness/question.ts';

export const eventsOf = ({ short }: Scale): number => (short ? 40_000 : 200_000);

/** From the first event to the last. `start` begins to deliver and calls `taken` for each. */
export async function measureDelivery(
  total: number,
  start: (taken: () => void) => Promise<unknown>,
): Promise<Measurement> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  let stop: ReturnType<typeof meter> | undefined;
  const begun = start(() => {
    stop ??= meter();
    if (++count === total) resolve();
  });
  await Promise.all([begun, promise]);
  return { ops: total, ...stop!(), ...memory() };
}
