import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestClock, testOptions, type TestClock } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import type { NameResolver } from '../contract.ts';
import { catalogueOf, driver, resolverOf } from './memory.ts';

const shared = testOptions('nameresolution.memory', {});
const catalogue = catalogueOf(shared);
afterAll(() => catalogue.close());

nameResolutionConformance({
  name: 'nameresolution.memory',
  create: () => Promise.resolve(resolverOf(shared, catalogue)),
  createCounting: () => {
    const options = { ...shared, metadata: { balancing: 'leastInFlight' } };
    return Promise.resolve(resolverOf(options, catalogue));
  },
});

let health = 200;
const server = createServer((_, response) => {
  response.writeHead(health).end();
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

let clock: TestClock;
beforeEach(() => {
  clock = createTestClock();
  health = 200;
});
function create(metadata: Record<string, string> = {}): Promise<NameResolver> {
  const signal = new AbortController().signal;
  return driver.create(testOptions('nameresolution.memory', metadata, clock), { signal });
}
const plain = { name: 'shop', id: 'shop-1', address: '127.0.0.1', port: 8_080 };
const checked = () => {
  const { port } = server.address() as AddressInfo;
  const check = { http: `http://127.0.0.1:${port}/health`, intervalMs: 10_000 };
  return { ...plain, port, check };
};
const statusOf = ({ services }: NameResolver) => services!.list('shop')[0]?.status;

describe('nameresolution.memory', () => {
  it('forgets a service without a check that gives no sign', async () => {
    await using resolver = await create({ ttl: '30s' });
    resolver.services!.register(plain);
    clock.advance(29_000);
    resolver.services!.heartbeat('shop-1');
    clock.advance(29_000);
    expect(await resolver.resolve({ appId: 'shop' })).toEqual({ host: '127.0.0.1', port: 8_080 });
    clock.advance(1_000);
    await expect(resolver.resolve({ appId: 'shop' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(() => resolver.services!.heartbeat('shop-1')).toThrow(/register it again/);
  });

  it('keeps the host itself while its process runs', async () => {
    await using resolver = await create({ ttl: '1s' });
    await resolver.register({ appId: 'self', namespace: '', host: '127.0.0.1', port: 1 });
    clock.advance(60_000);
    expect((await resolver.resolve({ appId: 'self' })).port).toBe(1);
  });

  it('evicts who fails its check several times, and takes it back when it passes', async () => {
    await using resolver = await create({ failures: '2' });
    /** Each look is awaited: the next one is planned when the last was answered. */
    const look = async (): Promise<void> => {
      clock.advance(10_000);
      await vi.waitFor(() => expect(resolver.services!.list()[0]?.checkedAt).toBe(clock.now()));
    };
    resolver.services!.register(checked());
    expect(statusOf(resolver)).toBe('starting');
    await expect(resolver.resolve({ appId: 'shop' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await vi.waitFor(() => expect(statusOf(resolver)).toBe('passing'));
    health = 503;
    await look();
    expect(statusOf(resolver)).toBe('passing');
    await look();
    expect(statusOf(resolver)).toBe('failing');
    await expect(resolver.resolve({ appId: 'shop' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    health = 200;
    await look();
    expect(statusOf(resolver)).toBe('passing');
    expect((await resolver.resolve({ appId: 'shop' })).host).toBe('127.0.0.1');
  });

  it('wakes who watches at a change, after its time, and when it closes', async () => {
    const resolver = await create();
    const services = resolver.services!;
    const revision = services.revision();
    const change = services.changed(revision, { waitMs: 1_000 });
    services.register(plain);
    expect(await change).toBe(true);
    const idle = services.changed(services.revision(), { waitMs: 1_000 });
    services.register(plain);
    clock.advance(1_000);
    expect(await idle).toBe(false);
    const last = services.changed(services.revision(), { waitMs: 1_000 });
    await resolver.close();
    expect(await last).toBe(false);
    expect(clock.pending()).toBe(0);
  });

  it('gives an id to one name, and a place to so many', async () => {
    await using resolver = await create();
    const services = resolver.services!;
    services.register(plain);
    expect(() => services.register({ ...plain, name: 'other' })).toThrow(/is of service "shop"/);
    for (let i = 2; i <= 10_000; i++) services.register({ ...plain, id: `shop-${i}` });
    expect(() => services.register({ ...plain, id: 'more' })).toThrow(/10000 services/);
    services.deregister('shop-1');
    services.register({ ...plain, id: 'more' });
  });

  it.each([
    [{ ttl: '1ms' }, /"ttl" must be at least/],
    [{ checkTimeout: '1ms' }, /"checkTimeout" must be/],
    [{ failures: '0' }, /"failures" is not a whole number/],
    [{ balancing: 'weighted' }, /"balancing" must be one of roundRobin, leastInFlight/],
  ])('refuses %j by name', async (metadata, message) => {
    await expect(async () => create(metadata)).rejects.toThrow(message);
  });
});
