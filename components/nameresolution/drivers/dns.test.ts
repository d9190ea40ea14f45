import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { a, aaaa, srv, startDns, type DnsServer } from '../../../test/servers/dns.ts';
import { createTestClock, testOptions, type LogEntry } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import type { NameResolver, PickedHost } from '../contract.ts';
import { driver } from './dns.ts';

let dns: DnsServer;
beforeAll(async () => void (dns = await startDns()));
afterAll(() => dns[Symbol.asyncDispose]());

const clock = createTestClock();
const log: LogEntry[] = [];

/** With patience: no question is to be asked twice because the machine is busy. */
function create(metadata: Record<string, string> = {}): Promise<NameResolver> {
  const all = { name: '{appid}.apps.test', servers: dns.address, timeout: '60s', ...metadata };
  const signal = new AbortController().signal;
  return driver.create(testOptions('nameresolution.dns', all, clock, log), { signal });
}

/** Gives a host that registers its record, as what runs hosts does. */
async function recorded(metadata: Record<string, string> = {}): Promise<NameResolver> {
  const resolver = await create({ records: 'service', ttl: '0s', ...metadata });
  let takeBack = (): void => {};
  async function close(): Promise<void> {
    takeBack();
    await resolver.close();
  }
  return {
    ...resolver,
    async register(instance) {
      await resolver.register(instance);
      const name = `${instance.appId}.apps.test`;
      const record = srv('loopback.test', instance.port);
      const set = (change: (all: (typeof record)[]) => (typeof record)[]): void => {
        const all = change(services.get(name) ?? []);
        services.set(name, all);
        dns.set(name, all);
      };
      set((all) => [...all, record]);
      takeBack = () => set((all) => all.filter((one) => one !== record));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
const services = new Map<string, ReturnType<typeof srv>[]>();
beforeAll(() => dns.set('loopback.test', [a('127.0.0.1')]));

nameResolutionConformance({
  name: 'nameresolution.dns',
  create: () => recorded(),
  createCounting: () => recorded({ balancing: 'leastInFlight' }),
});

/** So many hosts of "shop", one after the other. */
async function some(
  resolver: NameResolver,
  times: number,
  namespace?: string,
): Promise<PickedHost[]> {
  const hosts: PickedHost[] = [];
  for (let i = 0; i < times; i++)
    hosts.push(await resolver.resolve({ appId: 'shop', ...(namespace ? { namespace } : {}) }));
  return hosts;
}

describe('addresses', () => {
  it('are hosts in their turn, all with the port that is configured', async () => {
    dns.set('shop.apps.test', [a('10.0.0.1'), a('10.0.0.2'), aaaa('fd00::1')]);
    await using resolver = await create({ port: '7000' });
    const hosts = (await some(resolver, 4)).map(({ host, port }) => `${host}:${port}`);
    expect(hosts.toSorted()).toEqual([
      '10.0.0.1:7000',
      '10.0.0.1:7000',
      '10.0.0.2:7000',
      '10.0.0.2:7000',
    ]);
    dns.set('shop.apps.test', [aaaa('fd00::1')]);
    await using other = await create();
    expect(await some(other, 1)).toEqual([{ host: 'fd00::1', port: 50_002 }]);
  });

  it('are of the name that app and namespace give', async () => {
    dns.set('shop-dapr.prod.svc.test', [a('10.0.1.1')]);
    dns.set('shop-dapr.default.svc.test', [a('10.0.1.2')]);
    await using resolver = await create({ name: '{appid}-dapr.{namespace}.svc.test' });
    expect((await some(resolver, 1, 'prod'))[0]!.host).toBe('10.0.1.1');
    expect((await some(resolver, 1))[0]!.host).toBe('10.0.1.2');
    const questions = dns.asked.length;
    for (const appId of ['', 'a.b', 'a b', 'x'.repeat(64), 'é'])
      await expect(resolver.resolve({ appId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(dns.asked).toHaveLength(questions);
  });
});

describe('service records', () => {
  it('are hosts by the least priority that is there, with ports and weights', async () => {
    dns.set('one.test', [a('10.0.2.1')]);
    dns.set('two.test', [a('10.0.2.2')]);
    dns.set('three.test', [a('10.0.2.3')]);
    dns.set('sick.test', 'SERVFAIL');
    dns.set('shop.apps.test', [
      srv('gone.test', 1),
      srv('sick.test', 1),
      srv('one.test', 1_001, { priority: 1, weight: 30 }),
      srv('two.test', 1_002, { priority: 1, weight: 10 }),
      srv('three.test', 1_003, { priority: 2 }),
    ]);
    await using resolver = await create({ records: 'service', balancing: 'weighted' });
    const hosts = await some(resolver, 8);
    const [one, two] = [1_001, 1_002].map((wanted) =>
      hosts.filter(({ host, port }) => host === `10.0.2.${wanted - 1_000}` && port === wanted),
    );
    expect([one, two].map((found) => found!.length)).toEqual([6, 2]);
  });

  it('may say that there is no such service', async () => {
    dns.set('shop.apps.test', [srv('.', 0)]);
    await using resolver = await create({ records: 'service' });
    await expect(some(resolver, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an answer', () => {
  const questions = (): number => dns.asked.filter((one) => one === 'A shop.apps.test').length;

  it('is asked for once by all who wait, and used as long as it may', async () => {
    dns.set('shop.apps.test', [a('10.0.3.1', 4)]);
    await using resolver = await create({ ttl: '10s' });
    const before = questions();
    await Promise.all(Array.from({ length: 10 }, () => some(resolver, 1)));
    clock.advance(3_999);
    await some(resolver, 1);
    expect(questions() - before).toBe(1);
    dns.set('shop.apps.test', [a('10.0.3.2', 60)]);
    clock.advance(1);
    expect((await some(resolver, 1))[0]!.host).toBe('10.0.3.2');
    clock.advance(9_999);
    await some(resolver, 1);
    expect(questions() - before).toBe(2);
    clock.advance(1);
    await some(resolver, 1);
    expect(questions() - before).toBe(3);
  });

  it('stands in for a while for one that the servers do not give', async () => {
    dns.set('shop.apps.test', [a('10.0.4.1')]);
    await using resolver = await create({ ttl: '1s' });
    await some(resolver, 1);
    dns.set('shop.apps.test', 'SERVFAIL');
    clock.advance(60_999);
    expect((await some(resolver, 1))[0]!.host).toBe('10.0.4.1');
    expect(log.at(-1)).toMatchObject({ level: 'warn', message: /the last answer is used/ });
    const asked = dns.asked.length;
    await some(resolver, 1);
    expect(dns.asked).toHaveLength(asked);
    clock.advance(1_000);
    await expect(some(resolver, 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    dns.delete('shop.apps.test');
    await expect(some(resolver, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a look-up that fails', () => {
  it.each([
    ['NXDOMAIN', undefined, { code: 'NOT_FOUND', message: "couldn't find service: shop" }],
    ['no records of the kind', [srv('x.test', 1)], { code: 'NOT_FOUND' }],
    ['SERVFAIL', 'SERVFAIL', { code: 'UNAVAILABLE', details: { dns: 'ESERVFAIL' } }],
    ['REFUSED', 'REFUSED', { code: 'UNAVAILABLE', details: { dns: 'EREFUSED' } }],
  ] as const)('says so: %s', async (_name, records, error) => {
    if (records) dns.set('shop.apps.test', records);
    else dns.delete('shop.apps.test');
    await using resolver = await create();
    const looking = resolver.resolve({ appId: 'shop' });
    await expect(looking).rejects.toMatchObject(error);
    if (error.code === 'UNAVAILABLE')
      await expect(looking).rejects.toThrow(
        `cannot look up "shop.apps.test" at ${dns.address}: the server`,
      );
  });

  it('is left by who goes away, and by all when it closes', async () => {
    dns.set('shop.apps.test', 'silent');
    const resolver = await create();
    const gone = new AbortController();
    const left = resolver.resolve({ appId: 'shop' }, { signal: gone.signal });
    const staying = resolver.resolve({ appId: 'shop' });
    gone.abort();
    await expect(left).rejects.toMatchObject({ code: 'CANCELLED' });
    await resolver.close();
    await expect(staying).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is told at the start where no server answers in time', async () => {
    await using silent = await startDns();
    silent.set('ping.apps.test', 'silent');
    const creating = create({ servers: silent.address, timeout: '100ms' });
    await expect(creating).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`at ${silent.address}: no answer in time`) as string,
      details: { name: 'ping.apps.test', dns: 'ETIMEOUT' },
    });
  });
});

describe('the configuration', () => {
  it.each([
    [{ name: '' }, /"name" is required/],
    [{ name: 'shop.test' }, /"name" must contain \{appid\}/],
    [{ name: '{appid}..test' }, /"name" must be the name/],
    [{ name: '{appid}.{zone}' }, /"name" must be the name/],
    [{ records: 'TXT' }, /"records" must be "address" or "service"/],
    [{ port: '65536' }, /"port" must be at most/],
    [{ servers: 'dns.test' }, /"servers" must be IP addresses/],
    [{ timeout: '1ms' }, /"timeout" must be at least/],
    [{ ttl: '-1s' }, /"ttl" must not/],
    [{ balancing: 'random' }, /"balancing" must be one of/],
  ])('refuses %j by name', async (metadata, message) => {
    await expect(create(metadata as Record<string, string>)).rejects.toThrow(message);
  });
});
