/** The rows of locks and of configuration: a lock taken and given back, and an item read by its key. */
import { createHash } from 'node:crypto';
import type { ComponentMetadata } from '../../components/component.ts';
import type { TestServer } from '../../test/servers/process.ts';
import { openConfiguration, openLock } from './open.ts';
import { keyOf, turns, VALUE, type Address, type Row } from './rows.ts';
import { fill, type BareStore } from './state.ts';

interface Plan<Bare> {
  readonly driver: string;
  readonly server: () => Promise<TestServer>;
  /** What the bare side sends. */
  readonly bare: string;
  metadata(address: Address): ComponentMetadata;
  open(address: Address): Promise<Bare>;
}

/** The client library by itself. */
export interface BareLock {
  lock(resource: string, owner: string): Promise<unknown>;
  unlock(resource: string, owner: string): Promise<unknown>;
  close(): Promise<void>;
}

export const EXPIRY_SECONDS = 60;
/** Gives a lock of Redis back, to its owner only. */
export const UNLOCK = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;
export const UNLOCK_SHA = createHash('sha1').update(UNLOCK).digest('hex');

/** Each caller has a lock of its own, for a lock that somebody has is no work. */
export function lockRow({ driver, server, bare, metadata, open }: Plan<BareLock>): Row {
  const names = (address: Address, caller: number) =>
    [`${address.name}-lock-${caller}`, `owner-${caller}`] as const;
  return {
    ...{ driver, server, bare, does: 'lock and unlock' },
    async ours(address) {
      const store = await openLock(driver, metadata(address));
      const operation = turns(async (caller) => {
        const [resource, owner] = names(address, caller);
        await store.tryLock({ resource, owner, expirySeconds: EXPIRY_SECONDS });
        await store.unlock({ resource, owner });
      });
      return { operation, close: () => store.close() };
    },
    async theirs(address) {
      const library = await open(address);
      const operation = turns(async (caller) => {
        const [resource, owner] = names(address, caller);
        await library.lock(resource, owner);
        await library.unlock(resource, owner);
      });
      return { operation, close: () => library.close() };
    },
  };
}

export function configurationRow({ driver, server, bare, metadata, open }: Plan<BareStore>): Row {
  return {
    ...{ driver, server, bare, does: 'get' },
    async ours(address) {
      const library = await open(address);
      await fill((key) => library.set(`${address.name}-${key}`, VALUE));
      await library.close();
      const store = await openConfiguration(driver, metadata(address));
      const operation = turns((caller, turn) =>
        store.get({ keys: [`${address.name}-${keyOf(caller, turn)}`] }),
      );
      return { operation, close: () => store.close() };
    },
    async theirs(address) {
      const library = await open(address);
      await fill((key) => library.set(`${address.name}-${key}`, VALUE));
      const operation = turns((caller, turn) =>
        library.get(`${address.name}-${keyOf(caller, turn)}`),
      );
      return { operation, close: () => library.close() };
    },
  };
}
