import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEtcd } from '../../../test/servers/etcd.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { createTestClock, testOptions, type TestClock } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import type { NameResolver } from '../contract.ts';
import { driver } from './etcd.ts';

let server: TestServer;
beforeAll(async () => void (server = await startEtcd()));
afterAll(() => server.stop());

function create(
  metadata: Record<string, string> = {},
  clock: TestClock = createTestClock(),
): Promise<NameResolver> {
  const all = { endpoints: `127.0.0.1:${server.port}`, timeout: '2s', ...metadata };
  const signal = new AbortController().signal;
  return driver.create(testOptions('nameresolution.etcd', all, clock), { signal });
}

nameResolutionConformance({
  name: 'nameresolution.etcd',
  create: () => create(),
  createCounting: () => create({ balancing: 'leastInFlight' }),
});

const instance = (appId: string, port: number) => ({
  ...{ appId, port },
  ...{ namespace: '', host: '127.0.0.1' },
});

describe('nameresolution.etcd', () => {
  it('sends calls to each host by its weight', async () => {
    await using light = await create();
    await using heavy = await create({ weight: '3' });
    await using asker = await create({ balancing: 'weighted' });
    await light.register(instance('shares', 1));
    await heavy.register(instance('shares', 2));
    await vi.waitFor(async () => {
      const ports: number[] = [];
      for (let i = 0; i < 8; i++) ports.push((await asker.resolve({ appId: 'shares' })).port);
      expect(ports.filter((port) => port === 2)).toHaveLength(6);
    });
  });

  /** The lease of the one host of an app. */
  async function leaseOf(plain: Etcd3, appId: string): Promise<string | undefined> {
    const { kvs } = await plain.getAll().prefix(`/hosts/${appId}/`).exec();
    return kvs[0]?.lease;
  }

  it('loses a host whose lease has ended', async () => {
    await using asker = await create();
    // Its next sign, at which it would register again, is far away.
    await using host = await create({ ttl: '600s' });
    await host.register(instance('mortal', 7));
    expect((await asker.resolve({ appId: 'mortal' })).port).toBe(7);
    const plain = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
    await plain.leaseClient.leaseRevoke({ ID: (await leaseOf(plain, 'mortal'))! });
    plain.close();
    await vi.waitFor(() =>
      expect(asker.resolve({ appId: 'mortal' })).rejects.toMatchObject({ code: 'NOT_FOUND' }),
    );
  });

  it('registers again at its next sign when its lease has ended', async () => {
    await using asker = await create();
    await using host = await create({ ttl: '2s' });
    await host.register(instance('back', 7));
    const plain = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
    const lease = (await leaseOf(plain, 'back'))!;
    await plain.leaseClient.leaseRevoke({ ID: lease });
    await vi.waitFor(async () => {
      const now = await leaseOf(plain, 'back');
      expect([now === undefined, now === lease]).toEqual([false, false]);
    });
    plain.close();
    await vi.waitFor(() => asker.resolve({ appId: 'back' }));
  });

  it('answers while the server is away, and sees what came after its return', async () => {
    await using asker = await create();
    await using host = await create();
    await host.register(instance('steady', 8));
    expect((await asker.resolve({ appId: 'steady' })).port).toBe(8);
    await server.kill();
    expect((await asker.resolve({ appId: 'steady' })).port).toBe(8);
    await server.restart();
    await using second = await create();
    await second.register(instance('steady', 9));
    const ports = new Set<number>();
    await vi.waitFor(async () => {
      ports.add((await asker.resolve({ appId: 'steady' })).port);
      expect(ports).toEqual(new Set([8, 9]));
    });
  });

  it.each([
    [{ ttl: '1s' }, /"ttl" must be whole seconds/],
    [{ balancing: 'random' }, /"balancing" must be/],
    [{ weight: '0' }, /"weight" is not a whole number/],
    [{ serviceTtl: '1ms' }, /"serviceTtl" must be at least/],
    [{ failures: '0' }, /"failures" is not a whole number/],
  ])('refuses %j by name', async (metadata, message) => {
    await expect(create(metadata)).rejects.toThrow(message);
  });
});

describe('services of nameresolution.etcd', () => {
  const LONG = { timeout: 20_000 };
  const service = (name: string, port = 80) => ({
    ...{ name, id: `${name} 1`, address: '127.0.0.1', port },
  });
  const statusOf = ({ services }: NameResolver, name: string) => services!.list(name)[0]?.status;

  it('are known to all hosts, and left out by all while the one that has them finds them unwell', async () => {
    let health = 200;
    const checked = createServer((_, response) => response.writeHead(health).end());
    checked.listen(0, '127.0.0.1');
    await once(checked, 'listening');
    try {
      const { port } = checked.address() as AddressInfo;
      const clock = createTestClock();
      await using host = await create({ failures: '2' }, clock);
      await using other = await create();
      /** Each look is awaited: the next one is planned when the last was answered. */
      const look = async (): Promise<void> => {
        clock.advance(10_000);
        const at = clock.now();
        await vi.waitFor(() => expect(host.services!.list('ward')[0]?.checkedAt).toBe(at), LONG);
      };
      const become = (status: string) =>
        vi.waitFor(() => expect(statusOf(other, 'ward')).toBe(status), LONG);
      const revision = other.services!.revision();
      const news = other.services!.changed(revision, { waitMs: 60_000 });
      const http = `http://127.0.0.1:${port}/health`;
      host.services!.register({ ...service('ward', port), check: { http, intervalMs: 10_000 } });
      expect(statusOf(host, 'ward')).toBe('starting');
      expect(await news).toBe(true);
      await become('passing');
      expect(await other.resolve({ appId: 'ward' })).toEqual({ host: '127.0.0.1', port });
      health = 503;
      await look();
      expect(statusOf(host, 'ward')).toBe('passing');
      await look();
      await become('failing');
      for (const resolver of [host, other])
        await expect(resolver.resolve({ appId: 'ward' })).rejects.toMatchObject({
          code: 'NOT_FOUND',
        });
      health = 200;
      await look();
      await become('passing');
      expect(await other.resolve({ appId: 'ward' })).toEqual({ host: '127.0.0.1', port });
      host.services!.deregister('ward 1');
      await vi.waitFor(() => expect(other.services!.list('ward')).toEqual([]), LONG);
      expect(() => other.services!.heartbeat('ward 1')).toThrow(/register it again/);
    } finally {
      checked.close();
      checked.closeAllConnections();
    }
  });

  it('are written again when their lease has ended, and end with their host', async () => {
    await using other = await create();
    const host = await create({ ttl: '2s' });
    host.services!.register(service('phoenix'));
    const resolved = () => vi.waitFor(() => other.resolve({ appId: 'phoenix' }), LONG);
    await resolved();
    const plain = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
    const leases = async (): Promise<string[]> => {
      const { kvs } = await plain.getAll().prefix('/hosts/phoenix/').exec();
      return kvs.map(({ lease }) => lease);
    };
    const before = await leases();
    expect(before).toHaveLength(1);
    await plain.leaseClient.leaseRevoke({ ID: before[0]! });
    await vi.waitFor(async () => {
      const after = await leases();
      expect(after).toHaveLength(1);
      expect(after).not.toEqual(before);
    }, LONG);
    plain.close();
    await resolved();
    await host.close();
    await vi.waitFor(
      () =>
        expect(other.resolve({ appId: 'phoenix' })).rejects.toMatchObject({ code: 'NOT_FOUND' }),
      LONG,
    );
  });

  it('stay with the host that they registered with last', async () => {
    await using first = await create();
    await using second = await create();
    await using asker = await create();
    first.services!.register(service('nomad', 1));
    await vi.waitFor(() => asker.resolve({ appId: 'nomad' }), LONG);
    second.services!.register(service('nomad', 2));
    const port = async () => (await asker.resolve({ appId: 'nomad' })).port;
    await vi.waitFor(async () => expect(await port()).toBe(2), LONG);
    first.services!.deregister('nomad 1');
    first.services!.register(service('after'));
    await vi.waitFor(() => asker.resolve({ appId: 'after' }), LONG);
    expect(await port()).toBe(2);
  });

  it('that registered while the server was away are known to all after its return', async () => {
    const clock = createTestClock();
    await using other = await create();
    await using host = await create({ serviceTtl: '1h' }, clock);
    await server.kill();
    host.services!.register(service('early'));
    expect((await host.resolve({ appId: 'early' })).port).toBe(80);
    await server.restart();
    await vi.waitFor(async () => {
      // What failed is tried again a second later.
      clock.advance(1_000);
      await other.resolve({ appId: 'early' });
    }, LONG);
  });
});
