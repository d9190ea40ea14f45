/** Drivers as the suite opens them: by their type, on the real clock, with nothing in between. */
import type { ComponentMetadata, ComponentOptions } from '../../components/component.ts';
import type { ConfigurationStore } from '../../components/configuration/contract.ts';
import type { LockStore } from '../../components/lock/contract.ts';
import type { PubSub } from '../../components/pubsub/contract.ts';
import { createRegistry } from '../../components/registry.ts';
import type { StateStore } from '../../components/state/contract.ts';

const quiet = {
  debug: () => {},
  info: () => {},
  warn: (fields: object, message: string) => console.error(message, fields),
  error: (fields: object, message: string) => console.error(message, fields),
};

async function open(type: string, version: string, metadata: ComponentMetadata): Promise<unknown> {
  const { driver } = await createRegistry().resolve(type, version);
  const options: ComponentOptions = {
    name: 'bench',
    type,
    version,
    metadata,
    appId: 'bench',
    logger: quiet,
    now: Date.now,
    timer(delayMs, fire) {
      const timer = setTimeout(fire, delayMs).unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
  return driver.create(options, { signal: AbortSignal.timeout(30_000) });
}

export const openState = (type: string, metadata: ComponentMetadata, version = 'v1') =>
  open(type, version, metadata) as Promise<StateStore>;
export const openPubSub = (type: string, metadata: ComponentMetadata) =>
  open(type, 'v1', metadata) as Promise<PubSub>;
export const openLock = (type: string, metadata: ComponentMetadata) =>
  open(type, 'v1', metadata) as Promise<LockStore>;
export const openConfiguration = (type: string, metadata: ComponentMetadata) =>
  open(type, 'v1', metadata) as Promise<ConfigurationStore>;
