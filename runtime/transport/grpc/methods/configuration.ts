/** gRPC methods of the configuration block. A subscription lives as long as its stream. */
import type { ConfigurationApi } from '../../../api/configuration.ts';
import { leavingOf } from '../leaving.ts';
import { duplex, unary, type DuplexCall, type MethodRow } from '../registry.ts';

interface Query {
  readonly storeName: string;
  readonly keys: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

async function subscribe(api: ConfigurationApi, call: DuplexCall<Query, object>): Promise<void> {
  const { value } = await call.requests().next();
  const { storeName = '', keys = [], metadata = {} } = (value as Query | undefined) ?? {};
  const ended = Promise.withResolvers<void>();
  const acknowledged = Promise.withResolvers<void>();
  const id = await api.subscribe(
    { store: storeName, keys, metadata },
    async (update) => {
      await acknowledged.promise;
      await call.send(update);
    },
    { onEnd: ended.resolve },
  );
  try {
    await call.send({ id });
    acknowledged.resolve();
    await Promise.race([ended.promise, leavingOf(call)]);
  } finally {
    acknowledged.resolve();
    await api.unsubscribe(id);
  }
}

export function configurationMethods(api: ConfigurationApi): MethodRow[] {
  return ['', 'Alpha1'].flatMap((version): MethodRow[] => [
    unary<Query, object>(
      `GetConfiguration${version}`,
      async ({ storeName, keys, metadata }, { signal }) => ({
        items: await api.get({ store: storeName, keys, metadata, signal }),
      }),
      { failure: 'CONFIGURATION_GET' },
    ),
    duplex<Query, object>(`SubscribeConfiguration${version}`, (call) => subscribe(api, call), {
      failure: 'CONFIGURATION_SUBSCRIBE',
    }),
    unary<{ id: string }, object>(
      `UnsubscribeConfiguration${version}`,
      async ({ id }) => {
        if (await api.unsubscribe(id)) return { ok: true };
        const message = `failed to unsubscribe to configuration request ${id}: subscription does not exist`;
        return { ok: false, message };
      },
      { failure: 'CONFIGURATION_UNSUBSCRIBE' },
    ),
  ]);
}
