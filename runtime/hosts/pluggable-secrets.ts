/** A secret store in a component process. */
import type { Driver } from '../../components/component.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import { pluggableDriver, type Pluggable } from './pluggable-connection.ts';

const SERVICE = 'SecretStore';

interface Bulk {
  readonly data?: Readonly<Record<string, { readonly secrets?: Record<string, string> }>>;
}

export const pluggableSecrets = (pluggable: Pluggable): Driver<SecretStore> =>
  pluggableDriver(pluggable, SERVICE, (_options, connection, features) => ({
    features,
    ping: (given) => connection.ping(SERVICE, given),
    async getSecret(key, given) {
      const reply = await connection.call<object, { data?: Record<string, string> }>(
        SERVICE,
        'Get',
        { key },
        given,
      );
      return { ...reply.data };
    },
    async getBulkSecrets(given) {
      const { data = {} } = await connection.call<object, Bulk>(SERVICE, 'BulkGet', {}, given);
      return Object.fromEntries(
        Object.entries(data).map(([name, { secrets = {} }]) => [name, { ...secrets }]),
      );
    },
    close: connection.close,
    [Symbol.asyncDispose]: connection.close,
  }));
