/** gRPC methods of the lock block. */
import { UNLOCK_STATUS, type LockApi } from '../../../api/lock.ts';
import { unary, type MethodRow } from '../registry.ts';

interface Unlock {
  readonly storeName: string;
  readonly resourceId: string;
  readonly lockOwner: string;
}

interface TryLock extends Unlock {
  readonly expiryInSeconds: number;
}

export function lockMethods(api: LockApi): MethodRow[] {
  const named = ({ storeName, resourceId, lockOwner }: Unlock) => ({
    store: storeName,
    resource: resourceId,
    owner: lockOwner,
  });
  return [
    unary<TryLock, object>(
      'TryLockAlpha1',
      async (request, { signal }) => {
        const { expiryInSeconds: expirySeconds } = request;
        return { success: await api.tryLock({ ...named(request), expirySeconds, signal }) };
      },
      { failure: 'LOCK_TRY' },
    ),
    unary<Unlock, object>(
      'UnlockAlpha1',
      async (request, { signal }) => ({
        status: UNLOCK_STATUS[await api.unlock({ ...named(request), signal })],
      }),
      { failure: 'LOCK_UNLOCK' },
    ),
  ];
}
