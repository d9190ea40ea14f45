import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApi, type ApiFixture } from './api.fixture.ts';

let app: Server;
let api: ApiFixture;

beforeAll(async () => {
  app = createServer((incoming, response) => {
    if (incoming.url === '/dapr/subscribe') {
      response.writeHead(404).end();
      return;
    }
    if (incoming.url === '/elsewhere') {
      response.writeHead(302, { location: '/there' }).end();
      return;
    }
    if (incoming.url?.startsWith('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      // The second part is sent only when the client has answered the first.
      incoming.on('data', (chunk: Buffer) => response.end(`data: ${chunk.toString()}\n\n`));
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method, url, headers } = incoming;
      response.writeHead(incoming.url === '/teapot' ? 418 : 200, { 'x-app': 'yes' });
      response.end(
        JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }),
      );
    });
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  api = await openApi({
    appPort: (app.address() as AddressInfo).port,
    invocations: {
      'orders/echo': async (received) =>
        Response.json(
          { text: await received.text(), url: new URL(received.url).search },
          { status: 201, headers: { 'x-from': 'process' } },
        ),
      broken: () => {
        throw new TypeError('secret internals');
      },
    },
  });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  app.closeAllConnections();
  await new Promise((resolve) => app.close(resolve));
});

describe('invoking the app', () => {
  it.each([
    ['by path', '/v1.0/invoke/shop/method/a/b?x=1', {}],
    ['by header', '/a/b?x=1', { 'dapr-app-id': 'shop' }],
    ['by basic auth', '/a/b?x=1', { authorization: `Basic ${btoa('dapr-app-id:shop')}` }],
  ])('%s reaches it with verb, path, query, headers and body', async (_how, path, headers) => {
    const answer = await api.send('PATCH', path, {
      body: 'hello',
      headers: { ...headers, 'x-mine': '1', 'dapr-caller-app-id': 'forged' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-app')).toBe('yes');
    expect(answer.json).toMatchObject({
      method: 'PATCH',
      url: '/a/b?x=1',
      body: 'hello',
      headers: { 'x-mine': '1', 'dapr-caller-app-id': 'shop', 'dapr-callee-app-id': 'shop' },
    });
  });

  it('shows neither it nor the caller headers that belong to a connection, and keeps connections', async () => {
    const own = { 'http2-settings': 'AAM', te: 'trailers', 'proxy-connection': 'keep-alive' };
    const answer = await api.send('GET', '/v1.0/invoke/shop/method/a', { headers: own });
    expect(answer.headers.get('connection')).toBeNull();
    const { headers } = answer.json as { headers: Record<string, string> };
    expect(Object.keys(headers)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:connection|te|http2|proxy)/)]),
    );
    let opened = 0;
    const count = (): void => void opened++;
    app.on('connection', count);
    await api.send('GET', '/v1.0/invoke/shop/method/a');
    await api.send('GET', '/v1.0/invoke/shop/method/a');
    app.off('connection', count);
    expect(opened).toBeLessThan(2);
  });

  it('gives back its status and redirects as they are', async () => {
    expect((await api.send('GET', '/v1.0/invoke/shop/method/teapot')).status).toBe(418);
    const moved = await api.send('GET', '/v1.0/invoke/shop/method/elsewhere');
    expect([moved.status, moved.headers.get('location')]).toEqual([302, '/there']);
  });

  it('streams both ways', async () => {
    const call = request(`${api.base}/v1.0/invoke/shop/method/stream`, { method: 'POST' });
    call.flushHeaders();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const read = async (): Promise<string> => String((await once(response, 'data'))[0]);
    expect(await read()).toBe('data: first\n\n');
    call.end('second');
    expect(await read()).toBe('data: second\n\n');
  });

  it('prefers a handler in the process', async () => {
    const answer = await api.send('POST', '/v1.0/invoke/shop/method/orders/echo?a=1', {
      body: 'hi',
    });
    expect([answer.status, answer.headers.get('x-from')]).toEqual([201, 'process']);
    expect(answer.json).toEqual({ text: 'hi', url: '?a=1' });
  });

  it('of a handler that throws gives nothing away', async () => {
    const answer = await api.send('GET', '/v1.0/invoke/shop/method/broken');
    expect([answer.status, answer.json]).toMatchObject([500, { errorCode: 'ERR_DIRECT_INVOKE' }]);
    expect(answer.text).not.toContain('secret internals');
  });

  it.each([
    ['another app', '/v1.0/invoke/other/method/x', {}, 500],
    ['a URL', '/v1.0/invoke/http%3A%2F%2Fexample.org/method/x', {}, 500],
    ['no app id', '/unknown', {}, 404],
    ['a broken escape', '/v1.0/invoke/shop/method/%zz', {}, 400],
    ['a control character', '/v1.0/invoke/shop/method/a%00b', {}, 500],
    ['a hidden query', '/v1.0/invoke/shop/method/a%3Fb', {}, 500],
  ])('is refused for %s', async (_what, path, headers, status) => {
    const answer = await api.send('GET', path, { headers });
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({
      errorCode: status === 400 ? 'ERR_BAD_REQUEST' : 'ERR_DIRECT_INVOKE',
    });
  });

  it('does not leave its path by dots', async () => {
    const answer = await api.send('GET', '/v1.0/invoke/shop/method/a/..%2f..%2fb');
    expect(answer.json).toMatchObject({ url: '/b' });
  });
});

describe('without an app', () => {
  it('an invocation says that there is none', async () => {
    await using alone = await openApi();
    const answer = await alone.send('GET', '/v1.0/invoke/shop/method/x');
    expect([answer.status, answer.json]).toEqual([
      500,
      {
        errorCode: 'ERR_DIRECT_INVOKE',
        message:
          'failed to invoke, id: shop, err: cannot invoke local endpoint: app channel not initialized',
      },
    ]);
  });

  it('an unknown handler is 404', async () => {
    await using alone = await openApi({ invocations: { known: () => new Response('ok') } });
    expect((await alone.send('GET', '/v1.0/invoke/shop/method/known')).text).toBe('ok');
    expect((await alone.send('GET', '/v1.0/invoke/shop/method/unknown')).status).toBe(404);
  });
});
