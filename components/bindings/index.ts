/** The table of bindings, and the metadata fields that the runtime reads from any of them. */
import type { Kind } from '../component.ts';
import type { Binding } from './contract.ts';

export const bindingKind: Kind<Binding> = {
  fields: [
    {
      name: 'direction',
      description:
        '`input`, `output` or `input, output`: what of the binding is used. Default: all of it, events if the app says that it takes them.',
    },
    {
      name: 'route',
      description: 'Path of the app that events are posted to. Default: the name of the component.',
    },
  ],
  drivers: [
    {
      type: 'bindings.cron',
      versions: ['v1'],
      load: async () => (await import('./drivers/cron.ts')).driver,
    },
    {
      type: 'bindings.http',
      versions: ['v1'],
      load: async () => (await import('./drivers/http.ts')).driver,
    },
    {
      type: 'bindings.kafka',
      versions: ['v1'],
      load: async () => (await import('./drivers/kafka.ts')).driver,
    },
    {
      type: 'bindings.localstorage',
      versions: ['v1'],
      load: async () => (await import('./drivers/localstorage.ts')).driver,
    },
    {
      type: 'bindings.postgresql',
      versions: ['v1'],
      load: async () => (await import('./drivers/postgresql.ts')).driver,
    },
    {
      type: 'bindings.redis',
      versions: ['v1'],
      load: async () => (await import('./drivers/redis.ts')).driver,
    },
  ],
};
