/** The table of cryptographic providers. */
import type { Kind } from '../component.ts';
import type { CryptoProvider } from './contract.ts';

export const cryptoKind: Kind<CryptoProvider> = {
  fields: [],
  drivers: [
    {
      type: 'crypto.dapr.localstorage',
      versions: ['v1'],
      load: async () => (await import('./drivers/localstorage.ts')).driver,
    },
  ],
};
