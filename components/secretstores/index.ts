/** The table of secret stores. */
import type { Kind } from '../component.ts';
import type { SecretStore } from './contract.ts';

export const secretStoreKind: Kind<SecretStore> = {
  fields: [],
  drivers: [
    {
      type: 'secretstores.local.file',
      versions: ['v1'],
      load: async () => (await import('./drivers/local-file.ts')).driver,
    },
    {
      type: 'secretstores.local.env',
      versions: ['v1'],
      load: async () => (await import('./drivers/local-env.ts')).driver,
    },
  ],
};
