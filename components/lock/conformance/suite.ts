/** The behaviour that every lock store shows. */
import { describe, expect, it } from 'vitest';
import type { LockStore } from '../contract.ts';

export interface LockSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** A store without locks. The suite closes it. */
  create(): Promise<LockStore>;
  /** Lets this many seconds go by for the locks of the store. */
  pass(store: LockStore, seconds: number): Promise<void>;
}

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function lockConformance({ name, create, pass }: LockSubject): void {
  const lock = (resource: string, owner: string, expirySeconds = 60) => ({
    resource,
    owner,
    expirySeconds,
  });

  describe(`${name} as a lock store`, () => {
    it('gives a lock to one owner only, and not even to that one twice', async () => {
      await using store = await create();
      expect(await store.tryLock(lock('door', 'a'))).toBe(true);
      expect(await store.tryLock(lock('door', 'b'))).toBe(false);
      expect(await store.tryLock(lock('door', 'a'))).toBe(false);
      expect(await store.tryLock(lock('window', 'b'))).toBe(true);
    });

    it('gives it to exactly one of many who ask at once', async () => {
      await using store = await create();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, i) => store.tryLock(lock('door', `owner ${i}`))),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    });

    it('takes it back from its owner and from nobody else', async () => {
      await using store = await create();
      await store.tryLock(lock('door', 'a'));
      expect(await store.unlock({ resource: 'door', owner: 'b' })).toBe('LOCK_BELONGS_TO_OTHERS');
      expect(await store.tryLock(lock('door', 'b'))).toBe(false);
      expect(await store.unlock({ resource: 'door', owner: 'a' })).toBe('SUCCESS');
      expect(await store.unlock({ resource: 'door', owner: 'a' })).toBe('LOCK_DOES_NOT_EXIST');
      expect(await store.tryLock(lock('door', 'b'))).toBe(true);
    });

    it('frees it when its time is over', async () => {
      await using store = await create();
      await store.tryLock(lock('door', 'a', 1));
      await pass(store, 1);
      expect(await store.unlock({ resource: 'door', owner: 'a' })).toBe('LOCK_DOES_NOT_EXIST');
      expect(await store.tryLock(lock('door', 'b'))).toBe(true);
      expect(await store.unlock({ resource: 'door', owner: 'a' })).toBe('LOCK_BELONGS_TO_OTHERS');
    });

    it('closes twice, and refuses every use afterwards', async () => {
      const store = await create();
      await store.ping();
      await store.close();
      await store.close();
      await store[Symbol.asyncDispose]();
      for (const use of [
        store.tryLock(lock('door', 'a')),
        store.unlock({ resource: 'door', owner: 'a' }),
        store.ping(),
      ])
        await expect(use).rejects.toThrow(/is closed/);
    });
  });
}
