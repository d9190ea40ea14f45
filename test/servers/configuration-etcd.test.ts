/** A configuration centre on etcd: a service sees a change as it is made, and the change is a span. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Etcd3 } from 'etcd3';
import { component, createSystem } from 'troupe';
import { expect, it, vi } from 'vitest';
import type { SpanOptions, Tracer } from '../../runtime/core/tracing.ts';
import { startEtcd } from './etcd.ts';

const KEY = '/services/order-service/db_url';
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

it('a service gets the change of a key without a restart, in a span that names key and revision', async () => {
  await using etcd = await startEtcd();
  const seen: { url: string | undefined; body: string; traceparent: unknown }[] = [];
  const app = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { url, headers } = request;
      if (url?.startsWith('/configuration/'))
        seen.push({ url, body, traceparent: headers['traceparent'] });
      response.end();
    })();
  }).listen(0, '127.0.0.1');
  await once(app, 'listening');
  const spans: { name: string; options: SpanOptions; failure: string | undefined }[] = [];
  const tracer: Tracer = {
    start: (name, options) => ({
      traceparent: TRACE,
      end: (failure) => void spans.push({ name, options, failure }),
    }),
  };
  const plain = new Etcd3({ hosts: `127.0.0.1:${etcd.port}` });
  await plain.put(KEY).value('postgres://one');
  await using system = await createSystem({
    actors: [],
    tracer,
    http: { port: 0 },
    appPort: (app.address() as AddressInfo).port,
    components: [
      component('centre', 'configuration.etcd', { endpoints: `127.0.0.1:${etcd.port}` }),
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
    ],
  });
  const base = `http://127.0.0.1:${system.http!.port}/v1.0/configuration/centre`;
  const key = encodeURIComponent(KEY);
  const first = (await (await fetch(`${base}?key=${key}`)).json()) as Record<string, unknown>;
  expect(first[KEY]).toMatchObject({ value: 'postgres://one' });
  expect((await fetch(`${base}/subscribe?key=${key}`)).status).toBe(200);
  const { header } = await plain.put(KEY).value('postgres://two');
  await vi.waitFor(() => expect(seen).toHaveLength(1));
  expect(seen[0]).toMatchObject({
    url: `/configuration/centre/${key}`,
    body: expect.stringContaining('postgres://two') as string,
    traceparent: TRACE,
  });
  await vi.waitFor(() => expect(spans.map(({ name }) => name)).toContain('configuration/centre'));
  const span = spans.find(({ name }) => name === 'configuration/centre')!;
  expect(span.failure).toBeUndefined();
  expect(span.options.attributes).toEqual({
    'troupe.configuration.keys': KEY,
    'troupe.configuration.versions': header.revision,
  });
  plain.close();
  app.close();
  app.closeAllConnections();
});
