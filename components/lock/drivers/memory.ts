/** `lock.in-memory`: locks of one process, gone with it. For tests and for hosts that share nothing. */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { Driver } from '../../component.ts';
import type { LockStore } from '../contract.ts';

interface Held {
  readonly owner: string;
  readonly until: number;
}

export const driver: Driver<LockStore> = {
  fields: [],
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const locks = new Map<string, Held>();
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    /** Forgets the lock if its time is over. */
    function heldNow(resource: string): Held | undefined {
      const held = locks.get(resource);
      if (held === undefined || held.until > options.now()) return held;
      locks.delete(resource);
      return undefined;
    }

    /** Locks that nobody asks for again must not pile up. */
    function sweep(): void {
      for (const resource of locks.keys()) heldNow(resource);
    }

    async function close(): Promise<void> {
      closed = true;
      locks.clear();
    }

    return {
      features: [],
      async tryLock({ resource, owner, expirySeconds }) {
        requireOpen();
        if (heldNow(resource)) return false;
        const ms = expirySeconds * 1000;
        locks.set(resource, { owner, until: options.now() + ms });
        options.timer(ms, sweep);
        return true;
      },
      async unlock({ resource, owner }) {
        requireOpen();
        const held = heldNow(resource);
        if (!held) return 'LOCK_DOES_NOT_EXIST';
        if (held.owner !== owner) return 'LOCK_BELONGS_TO_OTHERS';
        locks.delete(resource);
        return 'SUCCESS';
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
