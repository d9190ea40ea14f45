/** The registry of services of a host: that of its name resolution, or one of its own that opens when it is first used. */
import type { NameResolver, ServiceRegistry } from '../../components/nameresolution/contract.ts';
import { createRegistry } from '../../components/registry.ts';
import { TroupeError } from '../core/errors.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';

export interface HostServices extends AsyncDisposable {
  open(): Promise<ServiceRegistry>;
}

const TYPE = 'nameresolution.memory';

export function hostServices({
  appId,
  clock,
  logger,
  resolver,
}: {
  readonly appId: string;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly resolver?: NameResolver | undefined;
}): HostServices {
  let own: Promise<NameResolver> | undefined;

  async function openOwn(): Promise<NameResolver> {
    const resolved = await createRegistry().resolve(TYPE, 'v1');
    if (resolved.kind !== 'nameresolution')
      throw new TroupeError('INTERNAL', `${TYPE} is no name resolver`);
    const timer = (delayMs: number, fire: () => void) =>
      clock.timer(clock.now() + delayMs, fire, { background: true });
    return resolved.driver.create(
      {
        ...{ name: 'services', type: TYPE, version: 'v1', metadata: {}, appId, logger, timer },
        now: () => clock.now(),
      },
      { signal: new AbortController().signal },
    );
  }

  return {
    async open() {
      const { services } = resolver?.services ? resolver : await (own ??= openOwn());
      if (services) return services;
      throw new TroupeError('INTERNAL', `${TYPE} keeps no services`);
    },
    async [Symbol.asyncDispose]() {
      await (await own)?.close();
    },
  };
}
