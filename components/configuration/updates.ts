/** Delivers the updates of one subscription one after another, whatever the handler takes or throws. */
import type { ComponentOptions } from '../component.ts';
import type { ConfigurationItems } from './contract.ts';

export interface Updates {
  /** Reads what changed when its turn comes; nothing is delivered when there is nothing. */
  push(read: () => ConfigurationItems | Promise<ConfigurationItems>): void;
  /** Resolves when the update that is under way is over; the ones behind it are dropped. */
  close(): Promise<void>;
}

export function createUpdates(
  { name, logger }: ComponentOptions,
  onUpdate: (items: ConfigurationItems) => Promise<void>,
): Updates {
  let last: Promise<void> = Promise.resolve();
  let closed = false;

  async function deliver(read: Parameters<Updates['push']>[0]): Promise<void> {
    if (closed) return;
    try {
      const items = await read();
      if (closed || Object.keys(items).length === 0) return;
      await onUpdate(items);
    } catch (err) {
      logger.error({ component: name, err }, 'a configuration update was not taken');
    }
  }

  return {
    push(read) {
      last = last.then(() => deliver(read));
    },
    async close() {
      closed = true;
      await last;
    },
  };
}
