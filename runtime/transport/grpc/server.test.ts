import { credentials, Client, Metadata, status } from '@grpc/grpc-js';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StreamCall } from './call.ts';
import { callRaw } from './grpc.fixture.ts';
import {
  createGrpcServer,
  type GrpcServer,
  type GrpcServerOptions,
  type Handler,
} from './server.ts';
import { GrpcError } from './status.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const echo: Handler = { kind: 'unary', handle: (message) => new Uint8Array(message) };

async function serve(
  handlers: Record<string, Handler>,
  options: Partial<GrpcServerOptions> = {},
): Promise<{ server: GrpcServer; client: Client }> {
  const server = await createGrpcServer({
    handlers: new Map(Object.entries(handlers)),
    logger: silent,
    ...options,
  });
  const client = new Client(`${server.host}:${server.port}`, credentials.createInsecure());
  open.push(server, client);
  return { server, client };
}

/** Answers of a plain HTTP/2 request, for what no gRPC client would send. */
function raw(
  { host, port }: GrpcServer,
  headers: Record<string, string>,
  body: Buffer | undefined,
): Promise<Record<string, unknown>> {
  const session = connectHttp2(`http://${host}:${port}`);
  session.on('error', () => {});
  open.push({ close: () => session.destroy() });
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let seen: Record<string, unknown> = {};
    stream.on('response', (head) => {
      seen = { ...seen, ...head };
    });
    stream.on('trailers', (tail) => {
      seen = { ...seen, ...tail };
    });
    stream.on('error', () => {});
    stream.on('close', () => resolve({ ...seen, reset: stream.rstCode }));
    stream.resume();
    stream.end(body);
  });
}

const framed = (flags: number, message: Buffer, length = message.byteLength): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
};

describe('calls', () => {
  it('of all four types go both ways with headers and trailers', async () => {
    const handle = async (call: StreamCall): Promise<void> => {
      call.addHeaders({ 'x-first': 'a', 'x-data-bin': Buffer.from([0, 255]).toString('base64') });
      call.addTrailers({ 'x-last': 'z' });
      for await (const message of call.messages()) await call.write(message);
    };
    const { client } = await serve({
      '/t.S/Stream': { kind: 'stream', handle },
      '/t.S/Unary': echo,
    });
    const unary = await callRaw(client, '/t.S/Unary', Buffer.from('one'));
    expect(unary.bytes?.toString()).toBe('one');
    const same = (bytes: Buffer): Buffer => bytes;
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>(
      '/t.S/Stream',
      same,
      same,
      new Metadata(),
    );
    const received: string[] = [];
    stream.on('data', (message: Buffer) => received.push(message.toString()));
    const headers = new Promise<Metadata>((resolve) => stream.on('metadata', resolve));
    const ended = new Promise<{ code: number; metadata: Metadata }>((resolve) => {
      stream.on('status', resolve);
    });
    for (const text of ['a', '', 'c']) stream.write(Buffer.from(text));
    await vi.waitFor(() => expect(received).toEqual(['a', '', 'c']));
    stream.end();
    const { code, metadata } = await ended;
    expect(code).toBe(0);
    expect(metadata.get('x-last')).toEqual(['z']);
    expect((await headers).get('x-data-bin')).toEqual([Buffer.from([0, 255])]);
  });

  it('that fail carry code, a message in any script, and trailers', async () => {
    const handle = (): never => {
      throw new GrpcError('NOT_FOUND', 'kein Käse – 100 %', { trailers: { 'x-why': 'none' } });
    };
    const { client } = await serve({ '/t.S/M': { kind: 'unary', handle } });
    const outcome = await callRaw(client, '/t.S/M', Buffer.alloc(0));
    expect(outcome).toMatchObject({ code: 5, message: 'kein Käse – 100 %' });
    expect(outcome.trailers.get('x-why')).toEqual(['none']);
  });

  it('of unexpected errors tell nothing and are logged', async () => {
    const errors: object[] = [];
    const logger = { ...silent, error: (fields: object) => errors.push(fields) };
    const handle = (): never => {
      throw new TypeError('secret');
    };
    const { client } = await serve({ '/t.S/M': { kind: 'unary', handle } }, { logger });
    const outcome = await callRaw(client, '/t.S/M', Buffer.alloc(0));
    expect(outcome.code).toBe(13);
    expect(outcome.message).not.toContain('secret');
    expect(errors).toMatchObject([{ path: '/t.S/M' }]);
  });

  it('of unknown methods are UNIMPLEMENTED', async () => {
    const { client } = await serve({});
    const outcome = await callRaw(client, '/t.S/Nope', Buffer.alloc(0));
    expect(outcome).toMatchObject({ code: 12, message: 'unknown method Nope for service t.S' });
  });

  it('may be packed with gzip', async () => {
    const { server } = await serve({
      '/t.S/M': { kind: 'unary', handle: (m) => Buffer.from(`${m.length}`) },
    });
    const body = framed(1, gzipSync(Buffer.alloc(1000)));
    const gzip = { ':path': '/t.S/M', 'grpc-encoding': 'gzip' };
    expect(await raw(server, gzip, body)).toMatchObject({ 'grpc-status': '0' });
    const broken = framed(1, Buffer.from('no gzip'));
    expect(await raw(server, gzip, broken)).toMatchObject({ 'grpc-status': '13' });
    const zstd = { ':path': '/t.S/M', 'grpc-encoding': 'zstd' };
    expect(await raw(server, zstd, body)).toMatchObject({
      'grpc-status': '12',
      'grpc-accept-encoding': 'identity,gzip',
    });
    expect(await raw(server, { ':path': '/t.S/M' }, body)).toMatchObject({ 'grpc-status': '13' });
  });
});

describe('deadlines and cancellation', () => {
  function waiting(): { handler: Handler; aborted: Promise<unknown> } {
    const aborted = Promise.withResolvers<unknown>();
    const handler: Handler = {
      kind: 'unary',
      handle: (_message, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            reject(signal.reason as Error);
          });
        }),
    };
    return { handler, aborted: aborted.promise };
  }

  it('end a call in time and tell its handler', async () => {
    const { handler, aborted } = waiting();
    const { client, server } = await serve({ '/t.S/M': handler });
    // Its time must not be over before the client has a connection and the call has reached the handler.
    await new Promise((resolve) => client.waitForReady(Date.now() + 20_000, resolve));
    const outcome = await callRaw(client, '/t.S/M', Buffer.alloc(0), {
      call: { deadline: Date.now() + 500 },
    });
    expect(outcome.code).toBe(status.DEADLINE_EXCEEDED);
    expect(await aborted).toMatchObject({
      code: expect.stringMatching('TIMEOUT|CANCELLED') as string,
    });
    // By the server's own timer, for a client that does not watch the time.
    const late = { ':path': '/t.S/M', 'grpc-timeout': '20m' };
    expect(await raw(server, late, framed(0, Buffer.alloc(0)))).toMatchObject({
      'grpc-status': '4',
    });
    const nonsense = { ':path': '/t.S/M', 'grpc-timeout': 'soon' };
    expect(await raw(server, nonsense, undefined)).toMatchObject({ 'grpc-status': '13' });
  });

  it('of the client reach the handler', async () => {
    const { handler, aborted } = waiting();
    const { client } = await serve({ '/t.S/M': handler });
    const same = (bytes: Buffer): Buffer => bytes;
    const call = client.makeUnaryRequest('/t.S/M', same, same, Buffer.alloc(0), () => {});
    call.on('metadata', () => {});
    setImmediate(() => call.cancel());
    // A call that was cancelled before it was sent never reaches the server; this one may.
    await Promise.race([aborted, new Promise((resolve) => call.on('status', resolve))]);
    expect(call.getPeer()).toBeDefined();
  });
});

describe('limits', () => {
  it('refuse a message beyond the size by its length, before it comes, packed or not', async () => {
    const { server, client } = await serve({ '/t.S/M': echo }, { maxMessageBytes: 100 });
    const outcome = await callRaw(client, '/t.S/M', Buffer.alloc(101));
    expect(outcome.code).toBe(status.RESOURCE_EXHAUSTED);
    const path = { ':path': '/t.S/M' };
    const announced = framed(0, Buffer.alloc(0), 2 ** 31);
    expect(await raw(server, path, announced)).toMatchObject({ 'grpc-status': '8' });
    const bomb = framed(1, gzipSync(Buffer.alloc(10_000)));
    expect(bomb.byteLength).toBeLessThan(100);
    expect(await raw(server, { ...path, 'grpc-encoding': 'gzip' }, bomb)).toMatchObject({
      'grpc-status': '8',
    });
  });

  it('hold for the messages of a stream, whose client hears why', async () => {
    const handle = async (call: StreamCall): Promise<void> => {
      for await (const message of call.messages()) await call.write(message);
    };
    const stream: Handler = { kind: 'stream', handle };
    const { server } = await serve({ '/t.S/Stream': stream }, { maxMessageBytes: 100 });
    const body = Buffer.concat([framed(0, Buffer.from('ok')), framed(0, Buffer.alloc(101))]);
    const path = { ':path': '/t.S/Stream' };
    expect(await raw(server, path, body)).toMatchObject({ 'grpc-status': '8' });
  });

  it('refuse broken framing, two messages for one, and none', async () => {
    const { server } = await serve({ '/t.S/M': echo });
    const path = { ':path': '/t.S/M' };
    const one = framed(0, Buffer.from('x'));
    for (const body of [
      framed(7, Buffer.from('x')),
      Buffer.concat([one, one]),
      one.subarray(0, 5),
      undefined,
    ]) {
      expect(await raw(server, path, body)).toMatchObject({ 'grpc-status': '13' });
    }
  });

  it('refuse what is not gRPC', async () => {
    const { server } = await serve({ '/t.S/M': echo });
    const json = { ':path': '/t.S/M', 'content-type': 'application/json' };
    expect(await raw(server, json, undefined)).toMatchObject({ ':status': 415 });
    const get = { ':path': '/t.S/M', ':method': 'GET' };
    expect(await raw(server, get, undefined)).toMatchObject({ ':status': 405 });
    const socket = connect(server.port, server.host);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    socket.resume();
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
  });

  it('refuse headers beyond their size and calls beyond their number', async () => {
    const { server, client } = await serve(
      { '/t.S/M': echo, '/t.S/Hang': { kind: 'stream', handle: () => new Promise(() => {}) } },
      { maxHeaderBytes: 2048, maxStreams: 2, closeGraceMs: 10 },
    );
    const outcome = await raw(
      server,
      { ':path': '/t.S/M', 'x-long': 'x'.repeat(4000) },
      framed(0, Buffer.alloc(0)),
    );
    expect(outcome).toMatchObject({ 'grpc-status': '8' });
    const session = connectHttp2(`http://${server.host}:${server.port}`);
    open.push({ close: () => session.destroy() });
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
    expect((await callRaw(client, '/t.S/M', Buffer.from('ok'))).code).toBe(0);
  });

  it('end a request that takes too long to arrive', async () => {
    const { server } = await serve({ '/t.S/M': echo }, { requestTimeoutMs: 30 });
    const session = connectHttp2(`http://${server.host}:${server.port}`);
    open.push({ close: () => session.destroy() });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/t.S/M',
      'content-type': 'application/grpc',
    });
    stream.write(framed(0, Buffer.alloc(0), 10));
    stream.on('error', () => {});
    const headers = await new Promise<Record<string, unknown>>((resolve) =>
      stream.on('response', resolve),
    );
    expect(headers['grpc-status']).toBe('4');
  });

  it('wait for a slow reader instead of keeping all in memory', async () => {
    let written = 0;
    const handle = async (call: StreamCall): Promise<void> => {
      const block = Buffer.alloc(256 * 1024);
      for (let n = 0; n < 64; n++) {
        await call.write(block);
        written = n + 1;
      }
    };
    const { server } = await serve(
      { '/t.S/Flood': { kind: 'stream', handle } },
      { closeGraceMs: 10 },
    );
    const session = connectHttp2(`http://${server.host}:${server.port}`);
    open.push({ close: () => session.destroy() });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/t.S/Flood',
      'content-type': 'application/grpc',
    });
    stream.end();
    await new Promise((resolve) => stream.on('response', resolve));
    await vi.waitFor(() => expect(written).toBeGreaterThanOrEqual(0));
    // Other calls of the connection go on meanwhile.
    await new Promise((resolve) => session.ping(resolve));
    expect(written).toBeLessThan(16);
    stream.close(constants.NGHTTP2_CANCEL);
  });
});

describe('the api token', () => {
  it('is asked for in metadata and never handed on', async () => {
    let seen: unknown = 'nothing';
    const handle = (
      message: Buffer,
      { headers }: { headers: Record<string, unknown> },
    ): Uint8Array => {
      seen = headers['dapr-api-token'];
      return new Uint8Array(message);
    };
    const { client } = await serve({ '/t.S/M': { kind: 'unary', handle } }, { apiToken: 'secret' });
    const call = (metadata: Record<string, string>): Promise<{ code: number; message: string }> =>
      callRaw(client, '/t.S/M', Buffer.alloc(0), { metadata });
    expect(await call({})).toMatchObject({ code: 16, message: 'Unauthorized' });
    expect(await call({ 'dapr-api-token': 'wrong' })).toMatchObject({ code: 16 });
    expect((await call({ 'dapr-api-token': 'secret' })).code).toBe(0);
    expect(seen).toBeUndefined();
  });
});

describe('closing', () => {
  it('lets a running call finish, ends long streams, and cuts what stays', async () => {
    const release = Promise.withResolvers<Uint8Array>();
    const started = Promise.withResolvers<void>();
    const handlers: Record<string, Handler> = {
      '/t.S/Slow': {
        kind: 'unary',
        handle: () => {
          started.resolve();
          return release.promise;
        },
      },
    };
    const { server, client } = await serve(handlers);
    const running = callRaw(client, '/t.S/Slow', Buffer.alloc(0));
    await started.promise;
    const closing = server.close();
    release.resolve(Buffer.from('done'));
    expect((await running).bytes?.toString()).toBe('done');
    await closing;
  });

  it('says which port is taken', async () => {
    const { server } = await serve({});
    await expect(serve({}, { port: server.port })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`port ${server.port}`) as string,
    });
  });
});
