/** The table of lock stores, and the metadata field that the runtime reads from any of them. */
import type { Kind } from '../component.ts';
import type { LockStore } from './contract.ts';

export const lockKind: Kind<LockStore> = {
  fields: [
    {
      name: 'keyPrefix',
      description:
        'What goes between `lock||` and the name of a lock: `appid`, `name` (of the component), `none` or a text of your own. Default `appid`.',
    },
  ],
  drivers: [
    {
      type: 'lock.in-memory',
      versions: ['v1'],
      load: async () => (await import('./drivers/memory.ts')).driver,
    },
    {
      type: 'lock.redis',
      versions: ['v1'],
      load: async () => (await import('./drivers/redis.ts')).driver,
    },
    {
      type: 'lock.etcd',
      versions: ['v1'],
      load: async () => (await import('./drivers/etcd.ts')).driver,
    },
  ],
};
