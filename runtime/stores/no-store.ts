/** In place of a store where there is none: actors can be called on other hosts, and keep nothing here. */
import { TroupeError } from '../core/errors.ts';
import type { ActorStore } from '../core/ports.ts';

export function createNoStore(): ActorStore {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new TroupeError(
        'COMPONENT',
        'actors state store does not exist or incorrectly configured; add metadata actorStateStore: "true" to a state component',
      ),
    );
  return {
    read: refuse,
    commit: refuse,
    remove: refuse,
    list: refuse,
    scan: () => Promise.resolve([]),
    nextTerm: () => Promise.resolve(0),
  };
}
