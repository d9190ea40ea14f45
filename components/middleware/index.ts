/** The table of HTTP middleware. */
import type { Kind } from '../component.ts';
import type { Middleware } from './contract.ts';

export const middlewareKind: Kind<Middleware> = {
  fields: [],
  drivers: [
    {
      type: 'middleware.http.bearer',
      versions: ['v1'],
      load: async () => (await import('./drivers/bearer.ts')).driver,
    },
    {
      type: 'middleware.http.ratelimit',
      versions: ['v1'],
      load: async () => (await import('./drivers/ratelimit.ts')).driver,
    },
    {
      type: 'middleware.http.routeralias',
      versions: ['v1'],
      load: async () => (await import('./drivers/routeralias.ts')).driver,
    },
    {
      type: 'middleware.http.routerchecker',
      versions: ['v1'],
      load: async () => (await import('./drivers/routerchecker.ts')).driver,
    },
    {
      type: 'middleware.http.uppercase',
      versions: ['v1'],
      load: async () => (await import('./drivers/uppercase.ts')).driver,
    },
  ],
};
