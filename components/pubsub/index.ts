/** The table of message brokers. */
import type { Kind } from '../component.ts';
import type { PubSub } from './contract.ts';

export const pubsubKind: Kind<PubSub> = {
  fields: [],
  drivers: [
    {
      type: 'pubsub.in-memory',
      versions: ['v1'],
      load: async () => (await import('./drivers/memory.ts')).driver,
    },
    {
      type: 'pubsub.kafka',
      versions: ['v1'],
      load: async () => (await import('./drivers/kafka.ts')).driver,
    },
    {
      type: 'pubsub.redis',
      versions: ['v1'],
      load: async () => (await import('./drivers/redis.ts')).driver,
    },
  ],
};
