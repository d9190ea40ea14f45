/**
 * Placement of a host that owns every actor of its application. Its term comes
 * from the store, so of two processes on one store the newer one owns; once the
 * older one meets a newer term it owns nothing any more.
 */
import { TroupeError } from '../core/errors.ts';
import type { Owner, Placement } from '../core/ports.ts';

export interface SinglePlacement extends Placement {
  /** Takes a term, and with it ownership. Until then nobody owns anything here. */
  start(): Promise<void>;
}

export function createSinglePlacement(nextTerm: () => Promise<number>): SinglePlacement {
  let here: Owner | undefined;
  let isFenced = false;
  return {
    async start() {
      here = { kind: 'here', term: await nextTerm() };
    },
    owner(type, id) {
      if (here && !isFenced) return here;
      const actor = { type, id };
      if (!here) throw new TroupeError('UNAVAILABLE', 'the host is still starting', { actor });
      throw new TroupeError(
        'FENCED',
        'a newer host has taken over the actors of this application in the same store; this one must stop, or be started again to take them back',
        { actor },
      );
    },
    fenced() {
      isFenced = true;
    },
    async [Symbol.asyncDispose]() {},
  };
}
