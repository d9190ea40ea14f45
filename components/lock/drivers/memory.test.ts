import { expect, it } from 'vitest';
import { createTestClock, testOptions, type TestClock } from '../../test-clock.ts';
import { lockConformance } from '../conformance/suite.ts';
import type { LockStore } from '../contract.ts';
import { driver } from './memory.ts';

const clocks = new WeakMap<LockStore, TestClock>();

async function create(): Promise<LockStore> {
  const clock = createTestClock();
  const store = await driver.create(testOptions('lock.in-memory', {}, clock), {
    signal: new AbortController().signal,
  });
  clocks.set(store, clock);
  return store;
}

lockConformance({
  name: 'lock.in-memory',
  create,
  pass: async (store, seconds) => clocks.get(store)!.advance(seconds * 1000),
});

it('lock.in-memory gives a lock free not a moment before its time', async () => {
  await using store = await create();
  await store.tryLock({ resource: 'door', owner: 'a', expirySeconds: 2 });
  clocks.get(store)!.advance(1999);
  expect(await store.tryLock({ resource: 'door', owner: 'b', expirySeconds: 2 })).toBe(false);
  clocks.get(store)!.advance(1);
  expect(await store.tryLock({ resource: 'door', owner: 'b', expirySeconds: 2 })).toBe(true);
});
