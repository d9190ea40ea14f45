import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { createHttpOrigin } from './origin.ts';

async function listening<T extends Server>(server: T) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket.on('error', () => {}));
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const serve = (listener: RequestListener) => listening(createServer(listener));

/** Gives each connection to `talk`, as a list of what it receives. */
const serveBytes = (talk: (socket: Socket) => void) => listening(createTcpServer(talk));

function originAt({ port }: { port: number }, maxConnections?: number) {
  const origin = createHttpOrigin({ host: '127.0.0.1', port, maxConnections });
  return { ...origin, [Symbol.asyncDispose]: () => origin.close() };
}

const post = { method: 'POST', path: '/' };
const get = { method: 'GET', path: '/' };

it('sends a short request in one piece, framed by its own length whatever the headers say', async () => {
  const received: string[] = [];
  await using app = await serveBytes((socket) =>
    socket.on('data', (bytes) => {
      received.push(bytes.toString('latin1'));
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    }),
  );
  await using origin = originAt(app);
  const headers = {
    'X-A': 'ä',
    b: ['1', '2'],
    c: undefined,
    'content-length': '9',
    'transfer-encoding': 'chunked',
  };
  const answer = await origin.send({ ...post, headers, body: Buffer.from([0xff, 0x00]) });
  expect(Buffer.from(answer.whole()!).toString()).toBe('ok');
  expect(answer.whole()).toBeUndefined();
  await origin.send({ method: 'DELETE', path: '/a?b' });
  await origin.send({ ...post, headers: { host: 'x' } });
  expect(received).toEqual([
    `POST / HTTP/1.1\r\nX-A: ä\r\nb: 1\r\nb: 2\r\nhost: 127.0.0.1:${app.port}\r\ncontent-length: 2\r\n\r\n\xff\0`,
    `DELETE /a?b HTTP/1.1\r\nhost: 127.0.0.1:${app.port}\r\n\r\n`,
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n',
  ]);
  expect(app.connections()).toBe(1);
});

it.each([
  ['a method', { method: 'GET /\r\nx:' }],
  ['a path', { path: '/ HTTP/1.1\r\nx: y' }],
  ['a name', { headers: { 'x\r\ny': '' } }],
  ['a value', { headers: { x: 'a\r\nb: c' } }],
  ['one of several values', { headers: { x: ['a', 'b\n'] } }],
])('refuses %s that would be more than it is', async (_what, part) => {
  await using origin = originAt({ port: 9 });
  await expect(origin.send({ ...get, ...part })).rejects.toThrow(TypeError);
});

it.each([
  ['with a length', { 'content-length': String(8 << 20) }],
  ['in chunks', {}],
])('streams megabytes both ways %s', async (_how, headers) => {
  await using app = await serve((request, response) => request.pipe(response));
  await using origin = originAt(app);
  async function* body() {
    for (let n = 0; n < 128; n++) {
      yield Buffer.alloc(0);
      yield Buffer.alloc(64 << 10, n);
    }
  }
  const answer = await origin.send({ ...post, headers, body: body() });
  const bytes = await buffer(answer.body);
  const counts = Array.from({ length: 128 }, (_, n) => bytes[n * (64 << 10)]);
  expect([bytes.length, counts]).toEqual([8 << 20, Array.from({ length: 128 }, (_, n) => n)]);
});

it('holds an app back whose answer nobody reads, and uses its connection again', async () => {
  const body = Buffer.alloc(1 << 20, 'a');
  await using app = await serve((_request, response) => response.end(body));
  await using origin = originAt(app);
  const answer = await origin.send(get);
  expect(answer.whole()).toBeUndefined();
  expect((await buffer(answer.body)).equals(body)).toBe(true);
  expect((await buffer((await origin.send(get)).body)).equals(body)).toBe(true);
  expect(app.connections()).toBe(1);
});

it('gives the answer of an app that does not wait for the request, and lets the request end', async () => {
  const arrived = Promise.withResolvers<string>();
  await using app = await serve((request, response) => {
    response.end('early');
    void text(request).then(arrived.resolve);
  });
  await using origin = originAt(app);
  const answered = Promise.withResolvers<void>();
  async function* body() {
    await answered.promise;
    yield Buffer.from('late');
  }
  const answer = await origin.send({ ...post, body: body() });
  expect(await text(answer.body)).toBe('early');
  answered.resolve();
  expect(await arrived.promise).toBe('late');
});

it.each([
  ['has another length', Buffer.from('abc')],
  ['fails', new Error('the source broke')],
])('fails when a request that is streamed %s', async (_what, part) => {
  await using app = await serve((request) => request.resume());
  await using origin = originAt(app);
  async function* body(): AsyncGenerator<Uint8Array> {
    if (part instanceof Error) throw part;
    yield part;
  }
  const sent = origin.send({ ...post, headers: { 'content-length': '4' }, body: body() });
  await expect(sent).rejects.toThrow(/source broke|shorter/);
});

it.each([
  ['closes', 'connection: close'],
  ['keeps for no time', 'keep-alive: timeout=1'],
])('opens another connection where the app %s the last', async (_how, header) => {
  await using app = await serveBytes((socket) =>
    socket.on('data', () => socket.write(`HTTP/1.1 204 No\r\n${header}\r\n\r\n`)),
  );
  await using origin = originAt(app);
  await origin.send(get);
  await origin.send(get);
  expect(app.connections()).toBe(2);
});

it('opens no more connections than it may; who waits may leave', async () => {
  const requests: IncomingMessage[] = [];
  const second = Promise.withResolvers<void>();
  await using app = await serve((request, response) => {
    requests.push(request);
    if (requests.length === 1) void second.promise.then(() => response.end('1'));
    else response.end('2');
  });
  await using origin = originAt(app, 1);
  const leaving = new AbortController();
  const first = origin.send(get);
  const left = origin.send({ ...get, signal: leaving.signal });
  const last = origin.send(get);
  leaving.abort();
  await expect(left).rejects.toThrow('went away');
  second.resolve();
  expect(await text((await first).body)).toBe('1');
  expect(await text((await last).body)).toBe('2');
  expect([requests.length, app.connections()]).toEqual([2, 1]);
});

it('an abort ends the request before its answer, and the answer behind its head', async () => {
  const closed: Promise<unknown>[] = [];
  await using app = await serve((request, response) => {
    closed.push(once(request.socket, 'close'));
    if (request.url === '/head') response.write('some');
  });
  await using origin = originAt(app);
  const [early, late] = [new AbortController(), new AbortController()];
  const answer = await origin.send({ ...get, path: '/head', signal: late.signal });
  const silent = origin.send({ ...get, signal: early.signal });
  early.abort();
  await expect(silent).rejects.toThrow('went away');
  late.abort();
  await expect(text(answer.body)).rejects.toThrow('went away');
  await expect(origin.send({ ...get, signal: late.signal })).rejects.toThrow('went away');
  await Promise.all(closed);
});

it('a reader that leaves closes the connection; close() ends what is under way', async () => {
  const closed: Promise<unknown>[] = [];
  await using app = await serve((request, response) => {
    closed.push(once(request.socket, 'close'));
    if (request.url === '/head') response.write('some');
  });
  const origin = createHttpOrigin({ host: '127.0.0.1', port: app.port });
  const answer = await origin.send({ ...get, path: '/head' });
  for await (const _chunk of answer.body) break;
  await closed[0];
  const other = await origin.send({ ...get, path: '/head' });
  const silent = origin.send(get);
  await origin.close();
  await expect(silent).rejects.toThrow('hang up');
  await expect(text(other.body)).rejects.toThrow('aborted');
  await expect(origin.send(get)).rejects.toThrow('closed');
  await Promise.all(closed);
});

it('is told that nobody listens', async () => {
  const app = await serve(() => {});
  await app[Symbol.asyncDispose]();
  await using origin = originAt(app);
  await expect(origin.send(get)).rejects.toThrow('ECONNREFUSED');
});

it('a body without a length ends with its connection, but not where that breaks', async () => {
  await using app = await serveBytes((socket) =>
    socket.once('data', (request) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhalf', () => {
        if (request.includes('/whole')) socket.end(' and half');
      });
    }),
  );
  await using origin = originAt(app);
  const whole = await origin.send({ ...get, path: '/whole' });
  expect(await text(whole.body)).toBe('half and half');

  const broken = await origin.send(get);
  const body = broken.body[Symbol.asyncIterator]();
  expect(String((await body.next()).value)).toBe('half');
  app.reset();
  await expect(body.next()).rejects.toThrow('aborted');
});
