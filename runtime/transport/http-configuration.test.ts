import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import {
  driver,
  type MemoryConfigurationStore,
} from '../../components/configuration/drivers/memory.ts';
import { componentKinds, createRegistry } from '../../components/registry.ts';
import { openEmbedded } from '../hosts/embedded.ts';
import { component } from '../index.ts';
import { openApi, request } from './api.fixture.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const components = [
  component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
  component('config', 'configuration.in-memory', {
    items: '{"a": {"value": "1", "version": "v1"}, "b": "2"}',
  }),
];

/** A host with an app beside it, which keeps what is posted to it, and the store itself. */
async function openWithApp() {
  const posted: { path: string; body: unknown }[] = [];
  const app = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      if (req.method === 'POST')
        posted.push({ path: req.url!, body: JSON.parse(Buffer.concat(chunks).toString()) });
      res.writeHead(req.url === '/dapr/subscribe' ? 404 : 200).end();
    })();
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  let store: MemoryConfigurationStore | undefined;
  const registry = createRegistry({
    ...componentKinds,
    configuration: {
      fields: [],
      drivers: [
        {
          type: 'configuration.in-memory',
          versions: ['v1'],
          load: async () => ({
            ...driver,
            create: async (...given) => (store = await driver.create(...given)),
          }),
        },
      ],
    },
  });
  const { system } = await openEmbedded(
    {
      actors: [],
      appId: 'shop',
      components,
      http: { port: 0 },
      appPort: (app.address() as AddressInfo).port,
      logger: silent,
    },
    { registry },
  );
  const base = `http://127.0.0.1:${system.http!.port}`;
  return {
    posted,
    store: store!,
    send: (path: string) => request(base, 'GET', path),
    async [Symbol.asyncDispose]() {
      await system.close();
      app.closeAllConnections();
      app.close();
    },
  };
}

describe('configuration over HTTP', () => {
  it.each(['v1.0', 'v1.0-alpha1'])('%s gives the items asked for', async (version) => {
    await using api = await openApi({ components });
    const path = `/${version}/configuration/config`;
    expect((await api.send('GET', `${path}?key=a&key=none`)).json).toEqual({
      a: { value: '1', version: 'v1' },
    });
    expect((await api.send('GET', path)).json).toEqual({
      a: { value: '1', version: 'v1' },
      b: { value: '2' },
    });
    const none = await api.send('GET', `${path}?key=none`);
    expect([none.status, none.text]).toEqual([204, '']);
  });

  it('says which store there is not, and that an app is needed for updates', async () => {
    await using api = await openApi({ components });
    const unknown = await api.send('GET', '/v1.0/configuration/none?key=a');
    expect([unknown.status, unknown.json]).toEqual([
      400,
      {
        errorCode: 'ERR_CONFIGURATION_STORE_NOT_FOUND',
        message: 'configuration store none not found',
      },
    ]);
    const noApp = await api.send('GET', '/v1.0/configuration/config/subscribe?key=a');
    expect([noApp.status, noApp.json]).toMatchObject([500, { errorCode: 'ERR_APP_CHANNEL_NIL' }]);
    await using none = await openApi();
    const missing = await none.send('GET', '/v1.0/configuration/config?key=a');
    expect([missing.status, missing.json]).toEqual([
      500,
      {
        errorCode: 'ERR_CONFIGURATION_STORE_NOT_CONFIGURED',
        message: 'configuration stores not configured',
      },
    ]);
  });

  it('posts updates to the app until the subscription ends', async () => {
    await using host = await openWithApp();
    const answer = await host.send('/v1.0/configuration/config/subscribe?key=a');
    const { id } = answer.json as { id: string };
    expect([answer.status, answer.json]).toEqual([200, { id }]);
    host.store.set('b', { value: 'not asked for' });
    host.store.set('a', { value: '2', version: 'v2' });
    await vi.waitFor(() =>
      expect(host.posted).toEqual([
        {
          path: '/configuration/config/a',
          body: { id, items: { a: { value: '2', version: 'v2' } } },
        },
      ]),
    );
    host.store.set('a', undefined);
    await vi.waitFor(() => expect(host.posted[1]?.body).toEqual({ id, items: { a: {} } }));

    const end = `/v1.0/configuration/config/${id}/unsubscribe`;
    const other = (await host.send('/v1.0/configuration/config/subscribe')).json as { id: string };
    expect((await host.send(end)).json).toEqual({ ok: true });
    host.store.set('a', { value: '3' });
    await vi.waitFor(() => expect(host.posted[2]?.body).toMatchObject({ id: other.id }));
    expect(host.posted).toHaveLength(3);
    const again = await host.send(end);
    expect([again.status, again.json]).toEqual([
      500,
      {
        message: `failed to unsubscribe to configuration request ${id}: subscription with id ${id} does not exist`,
      },
    ]);
  });
});
