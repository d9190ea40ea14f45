import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { openApi } from './api.fixture.ts';

const SERVICES = '/v1.0-troupe/registry/services';
const shop = { name: 'shop', id: 'shop 1', address: '127.0.0.1', port: 8_080 };

interface Listed {
  readonly revision: number;
  readonly services: readonly { readonly id: string; readonly status: string }[];
}

describe('the registry of services over HTTP', () => {
  it('takes a registration, keeps it by signs, and lets it go', async () => {
    await using api = await openApi();
    expect((await api.send('PUT', SERVICES, { body: { service: shop } })).status).toBe(204);
    expect((await api.send('GET', `${SERVICES}?name=shop&passing=true`)).json).toEqual({
      revision: 2,
      services: [{ ...shop, status: 'passing' }],
    });
    expect((await api.send('GET', `${SERVICES}?name=other`)).json).toMatchObject({ services: [] });
    const one = `${SERVICES}/shop%201`;
    expect((await api.send('PUT', `${one}/heartbeat`)).status).toBe(204);
    expect((await api.send('DELETE', one)).status).toBe(204);
    for (const [method, path] of [
      ['DELETE', one],
      ['PUT', `${one}/heartbeat`],
    ] as const) {
      const gone = await api.send(method, path);
      expect(gone.status).toBe(404);
      expect(gone.json).toEqual({
        errorCode: 'ERR_SERVICE_NOT_FOUND',
        message: 'no service is registered with id "shop 1"; register it again',
      });
    }
  });

  it('tells who watches of a service that passes its check', async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/health' ? 200 : 404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await using api = await openApi();
      const { port } = server.address() as AddressInfo;
      const service = { ...shop, port, check: { http: '/health', interval: '10s' } };
      const watching = api.send('GET', `${SERVICES}?revision=1&wait=60s`);
      await api.send('POST', SERVICES, { body: { service } });
      const first: Listed = (await watching).json;
      expect(first.services.map(({ id }) => id)).toEqual(['shop 1']);
      let { revision, services } = first;
      while (services[0]?.status !== 'passing') {
        const next = await api.send('GET', `${SERVICES}?revision=${revision}&wait=60s`);
        ({ revision, services } = next.json as Listed);
      }
      expect(services[0]).toEqual({
        ...service,
        status: 'passing',
        check: { http: `http://127.0.0.1:${port}/health`, interval: '10000ms' },
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('answers who watches when the host closes', async () => {
    const api = await openApi();
    await api.send('PUT', SERVICES, { body: { service: shop } });
    const { json } = await api.send('GET', SERVICES);
    const { revision } = json as Listed;
    const watching = api.send('GET', `${SERVICES}?revision=${revision}&wait=5m`);
    const ended = vi.fn();
    watching.then(ended, ended);
    // Behind it on the wire: once this is answered, the other is there as well.
    await api.send('GET', SERVICES);
    await api[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(ended).toHaveBeenCalled());
  });

  it.each([
    [{}, /the body must be/],
    [{ service: { ...shop, name: '' } }, /service.name must be a text/],
    [{ service: { ...shop, id: 'x'.repeat(257) } }, /service.id must be a text/],
    [{ service: { ...shop, port: 0 } }, /service.port must be/],
    [{ service: { ...shop, address: 'a b' } }, /service.address must be/],
    [{ service: { ...shop, check: { http: 'ftp://127.0.0.1/' } } }, /must be an http or https/],
    [{ service: { ...shop, check: { http: 'http://10.0.0.1/' } } }, /at the address of the/],
    [{ service: { ...shop, check: { http: '/', interval: '1ms' } } }, /from 1s to 1h/],
    [{ service: { ...shop, check: { http: '/', interval: 'soon' } } }, /check.interval/],
  ])('refuses %j', async (body, message) => {
    await using api = await openApi();
    const answer = await api.send('PUT', SERVICES, { body });
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(message);
  });

  it('refuses the id of another name, and a watch that cannot be', async () => {
    await using api = await openApi();
    await api.send('PUT', SERVICES, { body: { service: shop } });
    const other = await api.send('PUT', SERVICES, {
      body: { service: { ...shop, name: 'other' } },
    });
    expect([other.status, other.json]).toMatchObject([409, { errorCode: 'ERR_CONFLICT' }]);
    for (const query of ['revision=x', 'revision=1&wait=1h', 'revision=1&wait=soon'])
      expect((await api.send('GET', `${SERVICES}?${query}`)).status).toBe(400);
  });
});
