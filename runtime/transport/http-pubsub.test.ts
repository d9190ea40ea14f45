import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CloudEvent } from '../actor/index.ts';
import { component } from '../index.ts';
import { openApi, type ApiFixture } from './api.fixture.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi({
    components: [
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('pubsub', 'pubsub.in-memory'),
      component('scoped', 'pubsub.in-memory', {
        publishingScopes: 'shop=open;other=closed',
        subscriptionScopes: 'shop=open',
      }),
    ],
  });
});
afterAll(() => api[Symbol.asyncDispose]());

/** Subscribes, publishes, and resolves to the event that arrived. */
async function through(
  topic: string,
  body: string | Uint8Array,
  headers: Record<string, string>,
  query = '',
): Promise<CloudEvent & Record<string, unknown>> {
  const events: CloudEvent[] = [];
  await using _subscription = await api.system.subscribe({ topic }, async (event) => {
    events.push(event);
  });
  const answer = await api.send('POST', `/v1.0/publish/pubsub/${topic}${query}`, { body, headers });
  expect([answer.status, answer.text]).toEqual([204, '']);
  await vi.waitFor(() => expect(events).toHaveLength(1));
  return events[0] as CloudEvent & Record<string, unknown>;
}

describe('a published body', () => {
  it('becomes a CloudEvent with its JSON as data', async () => {
    const event = await through('orders/new', '{"id":7}', {
      'content-type': 'application/json; charset=utf-8',
    });
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: 'shop',
      specversion: '1.0',
      type: 'com.dapr.event.sent',
      datacontenttype: 'application/json; charset=utf-8',
      topic: 'orders/new',
      pubsubname: 'pubsub',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      traceid: '',
      traceparent: event.traceparent,
      tracestate: '',
      data: { id: 7 },
    });
  });

  it('of text stays text, and of bytes becomes base64', async () => {
    const text = await through('t', 'hello', { 'content-type': 'text/plain' });
    expect([text.data, text.datacontenttype]).toEqual(['hello', 'text/plain']);
    const bytes = await through('t', new Uint8Array([0, 255]), {
      'content-type': 'application/octet-stream',
    });
    expect([bytes.data, bytes['data_base64']]).toEqual(['AP8=', 'AP8=']);
  });

  it('that claims to be JSON and is not is kept as text', async () => {
    const event = await through('t', '{oops', { 'content-type': 'application/json' });
    expect(event.data).toBe('{oops');
  });

  it('that is a CloudEvent keeps what it says', async () => {
    const sent = {
      id: 'e-1',
      source: 'till',
      type: 'sale',
      specversion: '1.0',
      data: 1,
      mine: 'x',
    };
    const event = await through('t', JSON.stringify(sent), {
      'content-type': 'application/cloudevents+json',
    });
    expect(event).toMatchObject({ ...sent, topic: 't', pubsubname: 'pubsub' });
  });

  it('takes overrides and the trace from the request', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const query =
      '?metadata.cloudevent.id=mine&metadata.cloudevent.type=sale&metadata.cloudevent.subject=s';
    const event = await through('t', '1', { traceparent }, query);
    expect(event).toMatchObject({ id: 'mine', type: 'sale', subject: 's', traceparent });
  });

  it('with a ttl tells when it expires', async () => {
    const event = await through('t', '1', {}, '?metadata.ttlInSeconds=60');
    const left = Date.parse(event['expiration'] as string) - Date.now();
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });
});

describe('a publish is refused', () => {
  it.each([
    ['to no such component', '/v1.0/publish/nowhere/t', 404, 'ERR_PUBSUB_NOT_FOUND'],
    ['without a topic', '/v1.0/publish/pubsub/', 404, 'ERR_TOPIC_NAME_EMPTY'],
    ['to a topic out of scope', '/v1.0/publish/scoped/closed', 403, 'ERR_PUBSUB_FORBIDDEN'],
    [
      'with rawPayload neither true nor false',
      '/v1.0/publish/pubsub/t?metadata.rawPayload=maybe',
      400,
      'ERR_PUBSUB_REQUEST_METADATA',
    ],
  ])('%s', async (_what, path, status, errorCode) => {
    const answer = await api.send('POST', path, { body: '{}' });
    expect([answer.status, answer.json]).toMatchObject([status, { errorCode }]);
  });

  it('as a CloudEvent that is no object', async () => {
    const answer = await api.send('POST', '/v1.0/publish/pubsub/t', {
      body: '[1]',
      headers: { 'content-type': 'application/cloudevents+json' },
    });
    expect([answer.status, answer.json]).toMatchObject([
      500,
      { errorCode: 'ERR_PUBSUB_CLOUD_EVENTS_SER' },
    ]);
  });

  it('and a subscription too when the scopes exclude it', async () => {
    const subscribing = api.system.subscribe({ pubsub: 'scoped', topic: 'closed' }, async () => {});
    await expect(subscribing).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await api.send('POST', '/v1.0/publish/scoped/open', { body: '1' })).status).toBe(204);
  });
});

describe('bulk publish', () => {
  const path = '/v1.0/publish/bulk/pubsub/many';

  it('publishes every entry by its content type', async () => {
    const seen: unknown[] = [];
    await using _subscription = await api.system.subscribe({ topic: 'many' }, async ({ data }) => {
      seen.push(data);
    });
    const answer = await api.send('POST', path, {
      body: [
        { entryId: '1', event: { a: 1 }, contentType: 'application/json' },
        { entryId: '2', event: 'text', contentType: 'text/plain' },
        { entryId: '3', event: 'AP8=', contentType: 'application/octet-stream' },
      ],
    });
    expect(answer.status).toBe(204);
    await vi.waitFor(() => expect(seen).toHaveLength(3));
    expect(seen).toEqual(expect.arrayContaining([{ a: 1 }, 'text', 'AP8=']));
  });

  it('takes the names of an entry in any case, as Go reads them', async () => {
    const body = [{ entryID: '1', Event: 'text', contenttype: 'text/plain' }];
    expect((await api.send('POST', path, { body })).status).toBe(204);
  });

  it.each([
    ['no array', {}],
    ['an entry without id', [{ event: 'a', contentType: 'text/plain' }]],
    [
      'the same id twice',
      [1, 1].map(() => ({ entryId: '1', event: 'a', contentType: 'text/plain' })),
    ],
    ['an object as text', [{ entryId: '1', event: {}, contentType: 'text/plain' }]],
    ['no content type', [{ entryId: '1', event: {} }]],
  ])('refuses %s', async (_what, body) => {
    const answer = await api.send('POST', path, { body });
    expect([answer.status, answer.json]).toMatchObject([
      400,
      { errorCode: 'ERR_PUBSUB_EVENTS_SER' },
    ]);
  });
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

interface AppServer extends AsyncDisposable {
  readonly port: number;
  readonly got: { url: string; type: string | undefined; body: string }[];
}

async function serveApp(
  subscriptions: unknown,
  answer: (url: string, turn: number) => { status: number; body?: string },
  write: (body: string) => string | undefined = () => undefined,
): Promise<AppServer> {
  const got: AppServer['got'] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      if (request.url === '/dapr/subscribe') {
        response.end(JSON.stringify(subscriptions));
        return;
      }
      got.push({ url: request.url!, type: request.headers['content-type'], body });
      const { status, body: text } = answer(request.url!, got.length);
      response.writeHead(status).end(write(body) ?? text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    got,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('an HTTP app', () => {
  it('gets the events that it subscribed to, and its status decides', async () => {
    await using app = await serveApp(
      [
        { pubsubname: 'pubsub', topic: 'good', route: '/good' },
        { pubsubname: 'pubsub', topic: 'bad', routes: { default: 'bad' }, deadLetterTopic: 'dead' },
        { pubsubname: 'pubsub', topic: 'dead', route: '/dead' },
        { pubsubname: 'pubsub', topic: 'raw', route: '/raw', metadata: { rawPayload: 'true' } },
      ],
      (url) => (url === '/bad' ? { status: 500 } : { status: 200, body: '{"status":"SUCCESS"}' }),
    );
    await using other = await openApi({ appPort: app.port });
    await other.send('POST', '/v1.0/publish/pubsub/good', { body: { n: 1 } });
    await vi.waitFor(() => expect(app.got).toHaveLength(1));
    expect(app.got[0]).toMatchObject({ url: '/good', type: 'application/cloudevents+json' });
    expect(JSON.parse(app.got[0]!.body)).toMatchObject({ source: 'shop', data: { n: 1 } });

    await other.send('POST', '/v1.0/publish/pubsub/bad', { body: { n: 2 } });
    await vi.waitFor(() => expect(app.got.map(({ url }) => url)).toContain('/dead'));
    expect(JSON.parse(app.got.at(-1)!.body)).toMatchObject({ data: { n: 2 } });

    await other.send('POST', '/v1.0/publish/pubsub/raw?metadata.rawPayload=true', { body: 'abc' });
    await vi.waitFor(() => expect(app.got.at(-1)!.url).toBe('/raw'));
    expect(JSON.parse(app.got.at(-1)!.body)).toMatchObject({
      datacontenttype: 'application/octet-stream',
      data_base64: 'YWJj',
    });
    const { json } = await other.send('GET', '/v1.0/metadata');
    expect(json).toMatchObject({
      subscriptions: expect.arrayContaining([
        expect.objectContaining({
          topic: 'bad',
          rules: [{ path: 'bad' }],
          deadLetterTopic: 'dead',
        }),
      ]),
    });
  });

  it('gets an event again that it asked to retry', async () => {
    await using app = await serveApp(
      [{ pubsubname: 'pubsub', topic: 'again', route: '/again' }],
      (_url, turn) => ({ status: 200, body: turn === 1 ? '{"status":"RETRY"}' : '' }),
    );
    await using other = await openApi({ appPort: app.port });
    await other.send('POST', '/v1.0/publish/pubsub/again', { body: '1' });
    await vi.waitFor(() => expect(app.got).toHaveLength(2));
    expect(app.got[1]!.body).toBe(app.got[0]!.body);
  });

  it('gets an event by the first rule that takes it, and none that no rule takes', async () => {
    await using app = await serveApp(
      [
        {
          pubsubname: 'pubsub',
          topic: 'ruled',
          routes: {
            rules: [
              { match: 'event.data.n > 10', path: '/big' },
              { match: 'event.type == "com.dapr.event.sent"', path: '/sent' },
            ],
          },
          deadLetterTopic: 'unruled',
        },
        { pubsubname: 'pubsub', topic: 'unruled', route: '/none' },
      ],
      () => ({ status: 200 }),
    );
    await using other = await openApi({ appPort: app.port });
    const publish = (query: string, n: number) =>
      other.send('POST', `/v1.0/publish/pubsub/ruled${query}`, { body: { n } });
    await publish('', 11);
    await publish('', 1);
    await publish('?metadata.cloudevent.type=other', 2);
    await vi.waitFor(() => expect(app.got).toHaveLength(3));
    const byUrl = app.got.map(({ url, body }) => [
      url,
      (JSON.parse(body) as { data: { n: number } }).data.n,
    ]);
    expect(byUrl).toEqual([
      ['/big', 11],
      ['/sent', 1],
      ['/none', 2],
    ]);
  });

  it('gets events in bulk, and those that it does not confirm again', async () => {
    let turns = 0;
    await using app = await serveApp(
      [
        {
          pubsubname: 'pubsub',
          topic: 'bulk',
          route: '/bulk',
          bulkSubscribe: { enabled: true, maxMessagesCount: 1, maxAwaitDurationMs: 10 },
        },
      ],
      () => ({ status: 200, body: 'later' }),
      (body) => {
        const { entries } = JSON.parse(body) as { entries: { entryId: string }[] };
        const status = ++turns === 1 ? '' : 'SUCCESS';
        return JSON.stringify({ statuses: entries.map(({ entryId }) => ({ entryId, status })) });
      },
    );
    await using other = await openApi({ appPort: app.port });
    await other.send('POST', '/v1.0/publish/pubsub/bulk', { body: { n: 7 } });
    await vi.waitFor(() => expect(app.got).toHaveLength(2));
    expect(app.got[1]).toMatchObject({ url: '/bulk', type: 'application/json' });
    expect(JSON.parse(app.got[1]!.body)).toMatchObject({
      topic: 'bulk',
      pubsubname: 'pubsub',
      type: 'com.dapr.event.sent.bulk',
      metadata: { pubsubName: 'pubsub' },
      entries: [{ event: { data: { n: 7 } }, contentType: 'application/cloudevents+json' }],
    });
  });

  it('whose list cannot be read stops the start with the reason', async () => {
    await using app = await serveApp([{ topic: 't', route: '/x' }], () => ({ status: 200 }));
    await expect(openApi({ appPort: app.port })).rejects.toThrow(/\[0\] lacks pubsubname/);
  });
});
