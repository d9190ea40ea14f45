import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEtcd } from '../../../test/servers/etcd.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import type { NameResolver } from '../contract.ts';
import { driver } from './etcd.ts';

let server: TestServer;
beforeAll(async () => void (server = await startEtcd()));
afterAll(() => server.stop());

function create(metadata: Record<string, string> = {}): Promise<NameResolver> {
  const all = { endpoints: `127.0.0.1:${server.port}`, timeout: '2s', ...metadata };
  const signal = new AbortController().signal;
  return driver.create(testOptions('nameresolution.etcd', all), { signal });
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

  it('loses a host that gives no sign, and registers again when its lease has ended', async () => {
    await using asker = await create();
    await using host = await create({ ttl: '2s' });
    await host.register(instance('mortal', 7));
    expect((await asker.resolve({ appId: 'mortal' })).port).toBe(7);
    const plain = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
    const { kvs } = await plain.getAll().prefix('/hosts/mortal/').exec();
    await plain.leaseClient.leaseRevoke({ ID: kvs[0]!.lease });
    plain.close();
    await vi.waitFor(() =>
      expect(asker.resolve({ appId: 'mortal' })).rejects.toMatchObject({ code: 'NOT_FOUND' }),
    );
    // The host finds out at its next sign.
    await vi.waitFor(() => asker.resolve({ appId: 'mortal' }));
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
  ])('refuses %j by name', async (metadata, message) => {
    await expect(create(metadata)).rejects.toThrow(message);
  });
});
