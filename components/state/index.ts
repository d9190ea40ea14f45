/** The table of state stores, and the metadata fields that the runtime reads from any of them. */
import type { Kind } from '../component.ts';
import type { StateStore } from './contract.ts';

export const stateKind: Kind<StateStore> = {
  fields: [
    {
      name: 'actorStateStore',
      description: '`true` for the one store that keeps the state of actors. Default `false`.',
    },
    {
      name: 'keyPrefix',
      description:
        'Prefix of keys written through the state API: `appid`, `name`, `namespace`, `none` or a text of your own. Default `appid`.',
    },
    {
      name: 'primaryEncryptionKey',
      description:
        'Key of values written through the state API, by `secretKeyRef`: an AES key of 16, 24 or 32 bytes in hexadecimal digits. Default: none, values are readable.',
    },
    {
      name: 'secondaryEncryptionKey',
      description: 'Key that values may still be encrypted with, written likewise. Default: none.',
    },
    {
      name: 'outboxPublishPubsub',
      description:
        'Pub/sub component that gets what transactions of the state API set. Default: none, nothing is published.',
    },
    { name: 'outboxPublishTopic', description: 'Its topic.' },
    {
      name: 'outboxPubsub',
      description:
        'Pub/sub component of the internal topic, which keeps events until their transaction is seen. Default: `outboxPublishPubsub`.',
    },
    {
      name: 'outboxDiscardWhenMissingState',
      description:
        '`true`: an event whose transaction is not seen is dropped. Default `false`: it is kept for later.',
    },
  ],
  drivers: [
    {
      type: 'state.in-memory',
      versions: ['v1'],
      load: async () => (await import('./drivers/memory.ts')).driver,
    },
    {
      type: 'state.sqlite',
      versions: ['v1'],
      load: async () => (await import('./drivers/sqlite.ts')).driver,
    },
    {
      type: 'state.redis',
      versions: ['v1'],
      load: async () => (await import('./drivers/redis.ts')).driver,
    },
    {
      type: 'state.postgresql',
      versions: ['v2'],
      load: async () => (await import('./drivers/postgresql.ts')).driver,
    },
    {
      type: 'state.etcd',
      versions: ['v1', 'v2'],
      load: async () => (await import('./drivers/etcd.ts')).driver,
    },
  ],
};
