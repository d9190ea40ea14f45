import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startEtcd } from '../../../test/servers/etcd.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { lockConformance } from '../conformance/suite.ts';
import type { LockStore } from '../contract.ts';
import { driver } from './etcd.ts';

let server: TestServer;
let plain: Etcd3;
beforeAll(async () => {
  server = await startEtcd();
  plain = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
});
afterAll(async () => {
  plain.close();
  await server.stop();
});

/** The shortest lease that etcd grants with the election timeout of the test server. */
const LEAST_SECONDS = 2;
let prefixes = 0;
const prefixOf = new WeakMap<LockStore, string>();

async function create(): Promise<LockStore> {
  const keyPrefixPath = `locks${prefixes++}`;
  const metadata = { endpoints: `127.0.0.1:${server.port}`, keyPrefixPath };
  const signal = new AbortController().signal;
  const store = await driver.create(testOptions('lock.etcd', metadata), { signal });
  prefixOf.set(store, keyPrefixPath);
  return store;
}

lockConformance({
  name: 'lock.etcd',
  create,
  async pass(store, seconds) {
    const { kvs } = await plain
      .getAll()
      .prefix(`${prefixOf.get(store)!}/`)
      .exec();
    // etcd keeps its own time: a lock whose lease is too long stays, and the suite sees it.
    for (const { lease } of kvs) {
      const { TTL } = await plain.leaseClient.leaseTimeToLive({ ID: lease });
      if (Number(TTL) <= Math.max(seconds, LEAST_SECONDS))
        await plain.leaseClient.leaseRevoke({ ID: lease });
    }
  },
});

it('lock.etcd keeps no lease of a lock that was not given, or given back', async () => {
  await using store = await create();
  const request = { resource: 'door', owner: 'a', expirySeconds: 1_000 };
  const leases = async () => (await plain.leaseClient.leaseLeases()).leases.length;
  const before = await leases();
  expect(await store.tryLock(request)).toBe(true);
  expect(await store.tryLock({ ...request, owner: 'b' })).toBe(false);
  expect(await leases()).toBe(before + 1);
  await store.unlock(request);
  expect(await leases()).toBe(before);
});

it('lock.etcd frees a lock at its end by itself, and goes on after a restart of the server', async () => {
  await using store = await create();
  await store.tryLock({ resource: 'short', owner: 'a', expirySeconds: 1 });
  await store.tryLock({ resource: 'long', owner: 'a', expirySeconds: 1_000 });
  await server.restart();
  const again = { resource: 'short', owner: 'b', expirySeconds: 100 };
  await vi.waitFor(async () => expect(await store.tryLock(again)).toBe(true), { timeout: 30_000 });
  expect(await store.tryLock({ ...again, resource: 'long' })).toBe(false);
});
