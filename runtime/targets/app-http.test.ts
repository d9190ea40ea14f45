import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { createAppHttp } from './app-http.ts';

/** Answers every connection with these bytes in two pieces, and ends it. */
async function serve(head: string, rest: string) {
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write(head);
      setImmediate(() => socket.end(rest));
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

const get = { method: 'GET', path: '/', query: '', headers: {}, body: undefined };

it('a body that is shorter than its length says ends where it ends', async () => {
  await using app = await serve('HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n', 'short');
  await using channel = createAppHttp({ port: app.port });
  const { status, body } = await channel.invoke(get);
  expect(status).toBe(200);
  expect(await text(body)).toBe('short');
});

it('a body without a length that is cut off is an error', async () => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  await using app = await serve(head, '5\r\nshort');
  await using channel = createAppHttp({ port: app.port });
  const { body } = await channel.invoke(get);
  await expect(text(body)).rejects.toThrow('aborted');
});
