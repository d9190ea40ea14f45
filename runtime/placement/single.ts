/**
 * Placement of a host that owns every actor of its application. Its term comes
 * from the store, so of two processes on one store the newer one owns; once the
 * older one meets a newer term it owns nothing any more.
 */
import { TroupeError } from '../core/errors.ts';
import type { Owner, Placement } from '../core/ports.ts';

export function createSinglePlacement(term: number): Placement {
  const here: Owner = { kind: 'here', term };
  let isFenced = false;
  return {
    owner(type, id) {
      if (!isFenced) return here;
      throw new TroupeError(
        'FENCED',
        'a newer host has taken over the actors of this application in the same store; this one must stop, or be started again to take them back',
        { actor: { type, id } },
      );
    },
    fenced() {
      isFenced = true;
    },
    async [Symbol.asyncDispose]() {},
  };
}
