import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { API_ERRORS } from '../api/error-map.ts';
import type { HttpRequest, HttpResponse, HttpRoute } from '../api/route.ts';
import { openApi, request } from './api.fixture.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.ts';

const logged: { fields: object; message: string }[] = [];
const keep = (fields: object, message: string): void => void logged.push({ fields, message });
const logger = { debug: keep, info: keep, warn: keep, error: keep };

const open: HttpServer[] = [];
afterEach(async () => {
  logged.length = 0;
  await Promise.all(open.splice(0).map((server) => server.close()));
});

type Handle = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

const echo: Handle = ({ method, path, params, query, body }) => ({
  status: 200,
  body: JSON.stringify({ method, path, params, query, length: body.byteLength }),
});

async function serve(
  options: Partial<HttpServerOptions> & { handle?: Handle } = {},
): Promise<string> {
  const { handle = echo, ...rest } = options;
  const routes: HttpRoute[] = [
    { methods: ['GET', 'PUT'], pattern: 'v1.0/things/{id}', handle },
    { methods: ['GET'], pattern: 'v1.0/things/{id}/parts/*', handle },
    { methods: ['GET'], pattern: 'v1.0/healthz', open: true, handle: () => ({ status: 204 }) },
  ];
  const fallback: HttpRoute = {
    methods: ['*'],
    pattern: '*',
    streaming: true,
    handle: ({ path }) => ({ status: 404, body: `{"fallback":"${path}"}` }),
  };
  const server = await createHttpServer({ routes, fallback, logger, ...rest });
  open.push(server);
  return `http://${server.host}:${server.port}`;
}

/** Sends text as it is and resolves to all that comes back until the connection ends. */
async function raw(base: string, text: string): Promise<string> {
  const socket = connect(base);
  socket.write(text);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.on('error', () => {});
  await once(socket, 'close');
  return answer;
}

function connect(base: string): Socket {
  return createConnection(Number(new URL(base).port), '127.0.0.1');
}

describe('a path', () => {
  it.each([
    ['/v1.0/things/a', ['a']],
    ['/v1.0/things/a/', ['a']],
    ['//v1.0///things/a', ['a']],
    ['/v1.0/x/../things/./a', ['a']],
    ['/v1.0/things/a%20b+c', ['a b c']],
    ['/v1.0/things/a%2Fb', ['a/b']],
    ['/v1.0/things/a/parts/b/c%20d', ['a', 'b/c d']],
  ])('is cleaned and its parameters decoded: %s', async (path, params) => {
    const base = await serve();
    const answer = await raw(
      base,
      `GET ${path}?q=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    );
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ params, query: 'q=1' });
  });

  it('with a broken escape is 400 and says which', async () => {
    const answer = await request(await serve(), 'GET', '/v1.0/things/a%zz');
    expect([answer.status, answer.text]).toEqual([
      400,
      'failed to unescape request parameter "id". Error: invalid URL escape "%zz"',
    ]);
  });

  it.each([
    ['POST', '/v1.0/things/a'],
    ['GET', '/v1.0/things'],
    ['GET', '/v2/things/a'],
    ['GET', '/'],
  ])('that no route takes goes to the fallback: %s %s', async (method, path) => {
    const answer = await request(await serve(), method, path);
    expect([answer.status, answer.json]).toEqual([404, { fallback: path }]);
  });
});

describe('a body', () => {
  it('of any chunks arrives whole', async () => {
    const base = await serve();
    const head = 'PUT /v1.0/things/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n';
    const answer = await raw(
      base,
      `${head}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n`,
    );
    expect(answer).toContain('"length":7');
  });

  it('at the limit is taken, above it refused with 413, and the server lives on', async () => {
    const base = await serve({ maxBodyBytes: 1000 });
    const send = (bytes: number) =>
      request(base, 'PUT', '/v1.0/things/a', { body: 'x'.repeat(bytes) });
    expect((await send(1000)).json).toMatchObject({ length: 1000 });
    const large = await send(1001);
    expect(large.status).toBe(413);
    expect(large.json).toMatchObject({ errorCode: 'ERR_BODY_READ' });
    expect(large.text).toContain('1000 bytes');
    expect((await send(5_000_000)).status).toBe(413);
    expect((await send(1)).status).toBe(200);
  });

  it('above the limit without a length is refused too', async () => {
    const base = await serve({ maxBodyBytes: 10 });
    const answer = await raw(
      base,
      'PUT /v1.0/things/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('that never ends because the client left runs nothing', async () => {
    const handle = vi.fn<Handle>(echo);
    const base = await serve({ handle });
    const socket = connect(base);
    socket.write('PUT /v1.0/things/a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc');
    await once(socket, 'ready');
    socket.destroy();
    expect((await request(base, 'GET', '/v1.0/things/b')).status).toBe(200);
    expect(handle).toHaveBeenCalledTimes(1);
  });
});

describe('limits', () => {
  it('headers above theirs are 431', async () => {
    const base = await serve({ maxHeaderBytes: 1024 });
    const answer = await request(base, 'GET', '/v1.0/things/a', {
      headers: { 'x-large': 'x'.repeat(2000) },
    });
    expect([answer.status, answer.json]).toMatchObject([
      431,
      { errorCode: API_ERRORS.HEADERS_TOO_LARGE.errorCode },
    ]);
  });

  it('bytes that are not HTTP are 400', async () => {
    expect(await raw(await serve(), 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/);
  });

  it('a request that takes too long to arrive is 408', async () => {
    const base = await serve({ requestTimeoutMs: 50 });
    expect(await raw(base, 'PUT /v1.0/things/a HTTP/1.1\r\nhost: x\r\n')).toMatch(
      /^HTTP\/1\.1 408 /,
    );
  });

  it('connections beyond theirs are closed', async () => {
    const base = await serve({ maxConnections: 1 });
    const first = connect(base);
    await once(first, 'connect');
    expect(await raw(base, 'GET /v1.0/things/a HTTP/1.1\r\nhost: x\r\n\r\n')).toBe('');
    first.destroy();
  });
});

describe('the API token', () => {
  it.each([
    ['none', undefined],
    ['another', 'wrong'],
    ['a part', 'secre'],
    ['a longer one', 'secret!'],
  ])('keeps out: %s', async (_what, token) => {
    const base = await serve({ apiToken: 'secret' });
    const headers = token === undefined ? {} : { 'dapr-api-token': token };
    for (const path of ['/v1.0/things/a', '/unknown']) {
      const answer = await request(base, 'GET', path, { headers });
      expect([answer.status, answer.text]).toEqual([401, 'invalid api token']);
    }
  });

  it('lets in, and is not asked of health checks', async () => {
    const base = await serve({ apiToken: 'secret' });
    const headers = { 'dapr-api-token': 'secret' };
    expect((await request(base, 'GET', '/v1.0/things/a', { headers })).status).toBe(200);
    expect((await request(base, 'GET', '/v1.0/healthz')).status).toBe(204);
  });
});

describe('CORS', () => {
  const origin = 'https://shop.example';

  it('is off by default', async () => {
    const answer = await request(await serve(), 'GET', '/v1.0/things/a', { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('answers a preflight of a named origin before the token is asked for', async () => {
    const base = await serve({ allowedOrigins: `${origin},https://b.example`, apiToken: 's' });
    const preflight = await raw(
      base,
      `OPTIONS /v1.0/things/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: ${origin}\r\naccess-control-request-method: PUT\r\n\r\n`,
    );
    expect(preflight).toMatch(/^HTTP\/1\.1 200 /);
    expect(preflight).toContain(`access-control-allow-origin: ${origin}`);
    const other = await request(base, 'GET', '/v1.0/healthz', {
      headers: { origin: 'https://c.example' },
    });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a handler that throws', () => {
  it('is 500 without its text, which goes to the log', async () => {
    const base = await serve({
      handle: () => {
        throw new TypeError('secret internals');
      },
    });
    const answer = await request(base, 'GET', '/v1.0/things/a');
    expect([answer.status, answer.json]).toMatchObject([500, { errorCode: 'ERR_INTERNAL' }]);
    expect(answer.text).not.toContain('secret internals');
    expect(logged.map(({ fields }) => String((fields as { err: unknown }).err))).toEqual([
      'TypeError: secret internals',
    ]);
  });
});

describe('opening and closing', () => {
  it('a port in use is named with what to do', async () => {
    const port = Number(new URL(await serve()).port);
    await expect(serve({ port })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(
        new RegExp(`port ${port} on 127.0.0.1 is in use.*choose another`),
      ),
    });
  });

  it('lets a running request finish, refuses new ones, and drops idle connections', async () => {
    let finish: (answer: HttpResponse) => void = () => {};
    const base = await serve({ handle: () => new Promise((resolve) => (finish = resolve)) });
    const idle = connect(base);
    await once(idle, 'connect');
    const handling = vi.waitFor(() => expect(finish.length).toBe(1));
    const answer = request(base, 'GET', '/v1.0/things/a');
    await handling;
    const closing = open[0]!.close();
    await expect(fetch(`${base}/v1.0/things/b`)).rejects.toThrow('fetch failed');
    finish({ status: 200, body: '"done"' });
    expect((await answer).json).toBe('done');
    await closing;
    await open[0]!.close();
  });

  it('cuts what does not end within the grace', async () => {
    const handle = vi.fn<Handle>(() => new Promise(() => {}));
    const base = await serve({ handle, closeGraceMs: 20 });
    const answer = request(base, 'GET', '/v1.0/things/a').catch(() => 'cut');
    await vi.waitFor(() => expect(handle).toHaveBeenCalled());
    await open[0]!.close();
    expect(await answer).toBe('cut');
  });
});

describe('health, metadata and shutdown', () => {
  it('answer for the running system', async () => {
    await using api = await openApi();
    expect((await api.send('GET', '/v1.0/healthz')).status).toBe(204);
    expect((await api.send('GET', '/v1.0/healthz/outbound')).status).toBe(204);
    const other = await api.send('GET', '/v1.0/healthz?appid=other');
    expect([other.status, other.json]).toEqual([
      500,
      { errorCode: 'ERR_HEALTH_APPID_NOT_MATCH', message: 'dapr app-id does not match' },
    ]);
    expect((await api.send('PUT', '/v1.0/metadata/cliPID', { body: '1234' })).status).toBe(204);
    expect((await api.send('GET', '/v1.0/metadata')).json).toMatchObject({
      id: 'shop',
      extended: { cliPID: '1234' },
      components: [{ name: 'statestore', type: 'state.in-memory' }, { name: 'pubsub' }],
      actorRuntime: { runtimeStatus: 'RUNNING', hostReady: true },
    });
  });

  it('shutdown calls its owner after the answer, and is refused without one', async () => {
    const onShutdown = vi.fn<(options: { force: boolean }) => void>();
    await using api = await openApi({ onShutdown });
    expect((await api.send('POST', '/v1.0/shutdown')).status).toBe(204);
    await vi.waitFor(() => expect(onShutdown).toHaveBeenCalledExactlyOnceWith({ force: false }));
    await using owned = await openApi();
    expect((await owned.send('POST', '/v1.0/shutdown')).status).toBe(501);
  });
});
