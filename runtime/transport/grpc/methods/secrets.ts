/** gRPC methods of the secrets block. */
import type { SecretsApi } from '../../../api/secrets.ts';
import { unary, type MethodRow } from '../registry.ts';

export function secretsMethods(api: SecretsApi): MethodRow[] {
  return [
    unary<{ storeName: string; key: string }, object>(
      'GetSecret',
      async ({ storeName, key }, call) => ({ data: await api.get(storeName, key, call) }),
      { failure: 'SECRET_GET' },
    ),
    unary<{ storeName: string }, object>(
      'GetBulkSecret',
      async ({ storeName }, call) => {
        const all = await api.getBulk(storeName, call);
        return {
          data: Object.fromEntries(
            Object.entries(all).map(([name, secrets]) => [name, { secrets }]),
          ),
        };
      },
      { failure: 'SECRET_GET' },
    ),
  ];
}
