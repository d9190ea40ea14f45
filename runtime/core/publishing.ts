/** Publishing on behalf of outboxes, counted while it runs. */
import type { EngineCounters } from './engine-parts.ts';
import type { Publisher } from './ports.ts';

export function countedPublisher(
  publisher: Publisher | undefined,
  counters: EngineCounters,
): Pick<Publisher, 'publish'> | undefined {
  return (
    publisher && {
      async publish(event) {
        counters.publishing++;
        try {
          await publisher.publish(event);
        } finally {
          counters.publishing--;
        }
      },
    }
  );
}
