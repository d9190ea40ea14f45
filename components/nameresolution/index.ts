/** The table of name resolvers. They are named by spec.nameResolution of a Configuration. */
import type { Kind } from '../component.ts';
import type { NameResolver } from './contract.ts';

export const nameResolutionKind: Kind<NameResolver> = {
  fields: [],
  drivers: [
    {
      type: 'nameresolution.consul',
      versions: ['v1'],
      load: async () => (await import('./drivers/consul.ts')).driver,
    },
    {
      type: 'nameresolution.dns',
      versions: ['v1'],
      load: async () => (await import('./drivers/dns.ts')).driver,
    },
    {
      type: 'nameresolution.etcd',
      versions: ['v1'],
      load: async () => (await import('./drivers/etcd.ts')).driver,
    },
    {
      type: 'nameresolution.mdns',
      versions: ['v1'],
      load: async () => (await import('./drivers/mdns.ts')).driver,
    },
    {
      type: 'nameresolution.memory',
      versions: ['v1'],
      load: async () => (await import('./drivers/memory.ts')).driver,
    },
    {
      type: 'nameresolution.nameformat',
      versions: ['v1'],
      load: async () => (await import('./drivers/nameformat.ts')).driver,
    },
    {
      type: 'nameresolution.sqlite',
      versions: ['v1'],
      load: async () => (await import('./drivers/sqlite.ts')).driver,
    },
  ],
};
