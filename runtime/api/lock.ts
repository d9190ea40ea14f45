/** The lock building block: leases on names within the prefix of the component. */
import type { LockStore, UnlockStatus } from '../../components/lock/contract.ts';
import { ApiError, reasonOf } from './api-error.ts';
import { isObject, json, jsonOf, malformed, type HttpRequest, type HttpRoute } from './route.ts';

export interface LockStoreEntry {
  readonly store: LockStore;
  /** Goes before the name of every lock: `lock||shop||`. */
  readonly keyPrefix: string;
}

export interface LockOptions {
  readonly locks: ReadonlyMap<string, LockStoreEntry>;
}

export interface UnlockRequest {
  readonly store: string;
  readonly resource: string;
  readonly owner: string;
  readonly signal?: AbortSignal;
}

export interface TryLockRequest extends UnlockRequest {
  /** Whole seconds above zero. */
  readonly expirySeconds: number;
}

export interface LockApi {
  tryLock(request: TryLockRequest): Promise<boolean>;
  unlock(request: UnlockRequest): Promise<UnlockStatus>;
}

/** Numbers of dapr.proto's UnlockResponse.Status. */
export const UNLOCK_STATUS: Readonly<Record<UnlockStatus, number>> = {
  SUCCESS: 0,
  LOCK_DOES_NOT_EXIST: 1,
  LOCK_BELONGS_TO_OTHERS: 2,
};

export function createLockApi({ locks }: LockOptions): LockApi {
  function find({ store: name, resource, owner }: UnlockRequest): LockStoreEntry {
    if (locks.size === 0)
      throw new ApiError('LOCK_STORES_NOT_CONFIGURED', 'lock store is not configured');
    if (resource === '')
      throw new ApiError('LOCK_REQUEST', `ResourceId is empty in lock store ${name}`);
    if (owner === '')
      throw new ApiError('LOCK_REQUEST', `LockOwner is empty in lock store ${name}`);
    const found = locks.get(name);
    if (!found) throw new ApiError('LOCK_STORE_NOT_FOUND', `lock store ${name} not found`);
    return found;
  }

  function keyOf({ keyPrefix }: LockStoreEntry, resource: string): string {
    if (!resource.includes('||')) return keyPrefix + resource;
    throw new Error(`input key/keyPrefix '${resource}' can't contain '||'`);
  }

  const contextOf = ({ signal }: UnlockRequest): { signal?: AbortSignal } =>
    signal ? { signal } : {};

  return {
    async tryLock(request) {
      const { store: name, resource, owner, expirySeconds } = request;
      if (expirySeconds <= 0) {
        const text = `ExpiryInSeconds is not positive in lock store ${name}`;
        throw new ApiError('LOCK_REQUEST', text);
      }
      const entry = find(request);
      try {
        const key = keyOf(entry, resource);
        return await entry.store.tryLock(
          { resource: key, owner, expirySeconds },
          contextOf(request),
        );
      } catch (cause) {
        const text = `failed to try acquiring lock: ${reasonOf(cause)}`;
        throw new ApiError('LOCK_TRY', text, { cause });
      }
    },

    async unlock(request) {
      const entry = find(request);
      try {
        const key = keyOf(entry, request.resource);
        return await entry.store.unlock(
          { resource: key, owner: request.owner },
          contextOf(request),
        );
      } catch (cause) {
        const text = `failed to release lock: ${reasonOf(cause)}`;
        throw new ApiError('LOCK_UNLOCK', text, { cause });
      }
    },
  };
}

const LARGEST_INT32 = 2 ** 31 - 1;

function bodyOf(request: HttpRequest): { resource: string; owner: string; seconds: number } {
  const body = request.body.byteLength === 0 ? {} : jsonOf(request.body);
  if (!isObject(body)) throw malformed('the body must be an object');
  const read = (name: string): unknown => {
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return body[name] ?? body[snake];
  };
  const text = (name: string): string => {
    const value = read(name) ?? '';
    if (typeof value === 'string') return value;
    throw malformed(`${name} must be a string`);
  };
  const seconds = Number(read('expiryInSeconds') ?? 0);
  if (!Number.isInteger(seconds) || Math.abs(seconds) > LARGEST_INT32)
    throw malformed('expiryInSeconds must be a whole number');
  return { resource: text('resourceId'), owner: text('lockOwner'), seconds };
}

export function lockRoutes(api: LockApi): HttpRoute[] {
  return [
    {
      methods: ['POST'],
      pattern: 'v1.0-alpha1/lock/{store}',
      async handle(request) {
        const { resource, owner, seconds } = bodyOf(request);
        const store = request.params[0]!;
        const { signal } = request;
        return json({
          success: await api.tryLock({ store, resource, owner, expirySeconds: seconds, signal }),
        });
      },
    },
    {
      methods: ['POST'],
      pattern: 'v1.0-alpha1/unlock/{store}',
      async handle(request) {
        const { resource, owner } = bodyOf(request);
        const store = request.params[0]!;
        const { signal } = request;
        return json({
          status: UNLOCK_STATUS[await api.unlock({ store, resource, owner, signal })],
        });
      },
    },
  ];
}
