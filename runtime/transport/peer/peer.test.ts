import { credentials, Client, status } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import type { AppRequest, AppResponse } from '../../api/invoke.ts';
import { TroupeError } from '../../core/errors.ts';
import { callRaw, protos } from '../grpc/grpc.fixture.ts';
import { createPeers, type OpenPeers } from './client.ts';
import { SERVICE, type InternalRequest, type InternalResponse } from './messages.ts';
import { callee, chunks, open, pair, telling, textOf } from './peer.fixture.ts';
import type { PeerServerOptions } from './server.ts';

const get: AppRequest = { method: 'GET', path: '/items/a%20b', query: 'x=1&y=2', headers: {} };

describe('an invocation through two sidecars', () => {
  it('carries the types of what apps over gRPC say to each other', async () => {
    const { peers } = await pair(async (request) => ({
      status: 200,
      headers: {},
      body: chunks(String(request.typeUrl)),
      typeUrl: 'reply',
      grpc: { status: { code: 0, message: '' }, trailers: {} },
    }));
    const answer = await peers.invoke(callee, { ...get, typeUrl: 'asked', body: chunks('x') });
    expect([answer.typeUrl, await textOf(answer)]).toEqual(['reply', 'asked']);
  });

  it('arrives as it was sent, with who calls whom, and its answer comes back', async () => {
    const { peers } = await pair(telling);
    const answer = await peers.invoke(callee, {
      ...get,
      method: 'PUT',
      headers: {
        'content-type': 'text/plain',
        'x-own': ['1', '2'],
        'dapr-caller-app-id': 'shop',
        connection: 'close',
      },
      body: chunks('one ', 'two'),
    });
    expect(answer.status).toBe(201);
    expect(answer.headers['x-app']).toEqual(['a', 'b']);
    expect(JSON.parse(await textOf(answer))).toMatchObject({
      method: 'PUT',
      path: '/items/a%20b',
      query: 'x=1&y=2',
      body: 'one two',
      headers: {
        'content-type': 'text/plain',
        'x-own': ['1', '2'],
        'dapr-caller-app-id': 'shop',
        'x-forwarded-for': '127.0.0.1',
      },
    });
  });

  it('streams both ways at once', async () => {
    const deliver = async ({ body }: AppRequest): Promise<AppResponse> => ({
      status: 200,
      headers: {},
      body: body as AsyncIterable<Uint8Array>,
    });
    const { peers } = await pair(deliver);
    const more = Promise.withResolvers<void>();
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first');
      await more.promise;
      yield Buffer.from('second');
    };
    const answer = await peers.invoke(callee, { ...get, method: 'POST', body: body() });
    const received = answer.body[Symbol.asyncIterator]();
    expect(Buffer.from((await received.next()).value as Uint8Array).toString()).toBe('first');
    more.resolve();
    expect(Buffer.from((await received.next()).value as Uint8Array).toString()).toBe('second');
    expect((await received.next()).done).toBe(true);
  });

  it('may be larger than a message', async () => {
    const { peers } = await pair(telling, { maxMessageBytes: 64 * 1024 });
    const large = 'x'.repeat(300_000);
    const answer = await peers.invoke(callee, { ...get, method: 'POST', body: Buffer.from(large) });
    expect(JSON.parse(await textOf(answer)).body).toHaveLength(300_000);
  });

  it('keeps the status of an app over gRPC', async () => {
    const deliver = (): Promise<AppResponse> =>
      Promise.resolve({
        status: 404,
        headers: {},
        body: chunks(),
        grpc: { status: { code: 5, message: 'no such item' }, trailers: { 'x-tail': 't' } },
      });
    const { peers } = await pair(deliver);
    expect(await peers.invoke(callee, get)).toMatchObject({
      status: 404,
      grpc: { status: { code: 5, message: 'no such item' }, trailers: { 'x-tail': 't' } },
    });
  });

  it('that the callee forbids or fails is told as such', async () => {
    const refuse = (code: string) => () => Promise.reject(new TroupeError(code, 'not for you'));
    const forbidden = await pair(refuse('FORBIDDEN'));
    await expect(forbidden.peers.invoke(callee, get)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const away = await pair(refuse('UNAVAILABLE'));
    await expect(away.peers.invoke(callee, get)).rejects.toMatchObject({
      code: 'COMPONENT',
      message: expect.stringContaining('error invoking app channel: not for you') as string,
    });
  });

  it('to a sidecar that is gone is UNAVAILABLE, which a policy may try again', async () => {
    const { peers } = await pair(telling);
    await (open.shift() as { close(): Promise<void> }).close();
    await expect(peers.invoke(callee, get)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('"stock"') as string,
    });
  });

  it('ends when its caller goes away', async () => {
    const deliver = ({ signal }: AppRequest): Promise<AppResponse> =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new TroupeError('CANCELLED', 'gone')));
      });
    const { peers } = await pair(deliver);
    const gone = new AbortController();
    const running = peers.invoke(callee, { ...get, signal: gone.signal });
    gone.abort();
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('the resolver of a call', () => {
  /** Peers whose resolver counts the calls that it was not told the end of. */
  async function counted(
    deliver: PeerServerOptions['deliver'],
  ): Promise<{ peers: OpenPeers; busy: () => number; server: { close(): Promise<void> } }> {
    const { port } = await pair(deliver);
    const server = open.shift() as { close(): Promise<void> };
    let busy = 0;
    const peers = createPeers({
      protos,
      resolver: {
        resolve() {
          busy++;
          let isOver = false;
          const release = (): void => {
            if (!isOver) busy--;
            isOver = true;
          };
          return Promise.resolve({ host: '127.0.0.1', port, release });
        },
      },
    });
    open.push(server, peers);
    return { peers, busy: () => busy, server };
  }
  const answering = (body: AppResponse['body']) => () =>
    Promise.resolve({ status: 500, headers: {}, body });

  it('hears of its end before the caller has the whole answer', async () => {
    const { peers, busy } = await counted(async () => ({
      status: 200,
      headers: {},
      body: chunks('all'),
      whole: () => Buffer.from('all'),
    }));
    const answer = await peers.invoke(callee, get);
    expect(busy()).toBe(0);
    expect(Buffer.from(answer.whole!()!).toString()).toBe('all');
  });

  it('hears of its end when a streamed answer was read to its end, and not before', async () => {
    const more = Promise.withResolvers<void>();
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one ');
      await more.promise;
      yield Buffer.from('two');
    };
    const { peers, busy } = await counted(answering(body()));
    const answer = await peers.invoke(callee, get);
    expect(busy()).toBe(1);
    more.resolve();
    expect(await textOf(answer)).toBe('one two');
    expect(busy()).toBe(0);
  });

  it('hears of its end when the caller leaves a streamed answer, or goes away', async () => {
    const never = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one');
      await new Promise(() => {});
    };
    const { peers, busy } = await counted(() => answering(never())());
    const left = await peers.invoke(callee, get);
    for await (const _chunk of left.body) break;
    const gone = new AbortController();
    await peers.invoke(callee, { ...get, signal: gone.signal });
    gone.abort();
    const stopped = peers.invoke(callee, { ...get, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    await vi.waitFor(() => expect(busy()).toBe(0), 5_000);
  });

  it('hears of its end when the callee fails it, or cannot be reached', async () => {
    const { peers, busy, server } = await counted(() => Promise.reject(new Error('no')));
    await expect(peers.invoke(callee, get)).rejects.toMatchObject({ code: 'COMPONENT' });
    expect(busy()).toBe(0);
    await server.close();
    await expect(peers.invoke(callee, get)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(busy()).toBe(0);
  });
});

describe('the internal port', () => {
  async function call(
    port: number,
    method: string,
    request: Partial<InternalRequest>,
  ): Promise<{ code: number; message: string; reply: InternalResponse | undefined }> {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    open.push(client);
    const codec = protos.method<Partial<InternalRequest>, InternalResponse>(SERVICE, method);
    const bytes = Buffer.from(codec.request.encode(request));
    const { code, message, bytes: reply } = await callRaw(client, `/${SERVICE}/${method}`, bytes);
    return { code, message, reply: reply && codec.response.decode(reply) };
  }

  it('answers the unary form, which older sidecars use', async () => {
    const { port } = await pair(async (request) => ({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: chunks(Buffer.from(request.body as Uint8Array).toString(), '!'),
    }));
    const { reply } = await call(port, 'CallLocal', {
      ver: 1,
      metadata: {},
      message: { method: 'm', contentType: '', data: { type_url: '', value: Buffer.from('hey') } },
    });
    expect(reply?.status?.code).toBe(200);
    expect(Buffer.from(reply!.message!.data!.value).toString()).toBe('hey!');
    const none = await call(port, 'CallLocal', { metadata: {} });
    expect(none.code).toBe(status.INVALID_ARGUMENT);
  });

  it('calls actors, and says that one is elsewhere', async () => {
    const { port } = await pair(telling);
    const message = {
      method: 'add',
      contentType: '',
      data: { type_url: '', value: Buffer.from('2') },
    };
    const actor = { actorType: 'Cart', actorId: 'c-1' };
    const { reply } = await call(port, 'CallActor', { metadata: {}, message, actor });
    expect(Buffer.from(reply!.message!.data!.value).toString()).toBe('"c-1.add(2)"');
    const gone = await call(port, 'CallActor', {
      metadata: {},
      message,
      actor: { ...actor, actorType: 'X' },
    });
    expect(gone).toMatchObject({
      code: 13,
      message: 'error invoke actor method: remote actor moved',
    });
  });

  it('refuses a gap in a stream', async () => {
    const { port } = await pair(telling);
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    open.push(client);
    const codec = protos.method<object, object>(SERVICE, 'CallLocalStream');
    const stream = client.makeBidiStreamRequest<object, object>(
      `/${SERVICE}/CallLocalStream`,
      (one) => Buffer.from(codec.request.encode(one)),
      (bytes) => codec.response.decode(bytes),
    );
    stream.on('error', () => {});
    stream.resume();
    const ended = new Promise<{ code: number }>((resolve) => stream.on('status', resolve));
    stream.write({
      request: { metadata: {}, message: { method: 'm' } },
      payload: { data: Buffer.from('a'), seq: 0 },
    });
    stream.write({ payload: { data: Buffer.from('b'), seq: 2 } });
    stream.end();
    expect((await ended).code).toBe(13);
  });
});
