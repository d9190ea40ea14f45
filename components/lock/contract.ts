/** The contract of a lock store: leases on names, each with an owner and an end. */
import type { Component } from '../component.ts';

export interface LockRequest {
  /** Final key, prefix included. */
  readonly resource: string;
  readonly owner: string;
  /** Whole seconds, at least 1; then the lock is free again by itself. */
  readonly expirySeconds: number;
}

export type UnlockStatus = 'SUCCESS' | 'LOCK_DOES_NOT_EXIST' | 'LOCK_BELONGS_TO_OTHERS';

export interface LockStore extends Component {
  /** False when somebody has the lock, the same owner included. It never waits. */
  tryLock(request: LockRequest, options?: { signal?: AbortSignal }): Promise<boolean>;
  unlock(
    request: Pick<LockRequest, 'resource' | 'owner'>,
    options?: { signal?: AbortSignal },
  ): Promise<UnlockStatus>;
}
