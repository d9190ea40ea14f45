/** The table of configuration stores. */
import type { Kind } from '../component.ts';
import type { ConfigurationStore } from './contract.ts';

export const configurationKind: Kind<ConfigurationStore> = {
  fields: [],
  drivers: [
    {
      type: 'configuration.in-memory',
      versions: ['v1'],
      load: async () => (await import('./drivers/memory.ts')).driver,
    },
    {
      type: 'configuration.redis',
      versions: ['v1'],
      load: async () => (await import('./drivers/redis.ts')).driver,
    },
    {
      type: 'configuration.postgresql',
      versions: ['v1'],
      load: async () => (await import('./drivers/postgresql.ts')).driver,
    },
    {
      type: 'configuration.etcd',
      versions: ['v1'],
      load: async () => (await import('./drivers/etcd.ts')).driver,
    },
  ],
};
