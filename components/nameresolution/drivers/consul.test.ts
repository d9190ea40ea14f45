/**
 * Against a small server of our own that speaks the documented endpoints of
 * Consul's agent: no real one can be installed here in the time of a test run.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import type { NameResolver } from '../contract.ts';
import { driver } from './consul.ts';

interface Service {
  readonly ID: string;
  readonly Name: string;
  readonly Address: string;
  readonly Port: number;
  readonly Meta: Record<string, string>;
  readonly Checks: { readonly Status?: string; readonly TCP?: string }[];
}

const TOKEN = 'right-token';
const services = new Map<string, Service>();
const seen: string[] = [];

/** As Consul: a check is critical until it has passed, unless it says otherwise. */
const passes = ({ Checks }: Service): boolean =>
  Checks.every(({ Status = 'critical' }) => Status === 'passing');

async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const url = new URL(request.url ?? '', 'http://consul');
  seen.push(`${request.method} ${url.pathname}${url.search}`);
  if (request.headers['x-consul-token'] !== TOKEN)
    return { status: 403, body: 'Permission denied' };
  const [, , area = '', what = '', name = '', id = ''] = url.pathname.split('/');
  const path = `${request.method} ${area}/${what}`;
  if (path === 'GET agent/self') return { status: 200, body: { Config: {} } };
  if (path === 'PUT agent/service' && name === 'register') {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const service = JSON.parse(text) as Service;
    services.set(service.ID, service);
    return { status: 200, body: undefined };
  }
  if (path === 'PUT agent/service' && name === 'deregister') {
    return services.delete(decodeURIComponent(id))
      ? { status: 200, body: undefined }
      : { status: 404, body: `Unknown service ID "${id}"` };
  }
  if (path === 'GET health/service') {
    const named = [...services.values()].filter(({ Name }) => Name === decodeURIComponent(name));
    const shown = url.searchParams.has('passing') ? named.filter(passes) : named;
    const body = shown.map((service) => ({
      Node: { Address: '10.0.0.1' },
      Service: service,
      Checks: service.Checks,
    }));
    return { status: 200, body };
  }
  return { status: 404, body: 'no such endpoint' };
}

const server = createServer((request, response) => {
  void answer(request).then(({ status, body }) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body));
  });
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const client = (): string => {
  const { port } = server.address() as AddressInfo;
  return JSON.stringify({ Address: `127.0.0.1:${port}`, token: TOKEN });
};
const PASSING = JSON.stringify([{ Name: 'test', TTL: '1h', Status: 'passing' }]);

function create(metadata: Record<string, string> = {}): Promise<NameResolver> {
  const self = { selfRegister: 'true', selfDeregister: 'true', checks: PASSING };
  const all = { client: client(), ...self, ...metadata };
  const signal = new AbortController().signal;
  return driver.create(testOptions('nameresolution.consul', all), { signal });
}

nameResolutionConformance({ name: 'nameresolution.consul', create: () => create() });

const instance = (appId: string, port: number) => ({
  ...{ appId, port },
  ...{ namespace: '', host: '127.0.0.1' },
});

describe('nameresolution.consul', () => {
  it('registers as daprd does, with a check of the internal port where none is configured', async () => {
    await using resolver = await create({ checks: '', tags: '["a"]', meta: '{"zone":"b"}' });
    await resolver.register(instance('shop', 7_000));
    expect(services.get('shop-127.0.0.1-7000')).toEqual({
      ...{ ID: 'shop-127.0.0.1-7000', Name: 'shop', Address: '127.0.0.1', Port: 7_000 },
      ...{ Tags: ['a'], Meta: { zone: 'b', DAPR_PORT: '7000' } },
      Checks: [
        {
          ...{ Name: 'Dapr Health Status', CheckID: 'daprHealth:shop-127.0.0.1-7000' },
          ...{ Interval: '15s', TCP: '127.0.0.1:7000' },
        },
      ],
    });
  });

  it('leaves out who fails its check, takes it back with it, and asks as it is configured', async () => {
    await using resolver = await create({ queryOptions: '{"Filter":"x","near":"_agent"}' });
    await resolver.register(instance('sick', 7_001));
    const service = services.get('sick-127.0.0.1-7001')!;
    services.set(service.ID, { ...service, Checks: [{ Status: 'critical' }] });
    await expect(resolver.resolve({ appId: 'sick' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    services.set(service.ID, service);
    expect((await resolver.resolve({ appId: 'sick' })).port).toBe(7_001);
    expect(seen.at(-1)).toBe('GET /v1/health/service/sick?near=_agent&filter=x&passing=true');
  });

  it('registers nothing unless it is told to', async () => {
    await using resolver = await create({ selfRegister: 'false' });
    await resolver.register(instance('quiet', 7_002));
    expect([...services.keys()].filter((id) => id.startsWith('quiet'))).toEqual([]);
  });

  it('names an agent that refuses or is not there', async () => {
    const wrong = JSON.stringify({ ...(JSON.parse(client()) as object), token: 'wrong-token' });
    const refused = create({ client: wrong });
    await expect(refused).rejects.toThrow(/consul answered 403: Permission denied/);
    await expect(refused).rejects.not.toThrow(/wrong-token/);
    const away = create({ client: '{"address":"127.0.0.1:1"}' });
    await expect(away).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(create({ client: '{"adress":"x"}' })).rejects.toThrow(
      /"client" has "adress"; known: address/,
    );
  });
});
