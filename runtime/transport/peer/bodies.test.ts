/** Bodies between sidecars: in one piece, in many, and cut. */
import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { AppRequest, AppResponse } from '../../api/invoke.ts';
import type { StreamCall } from '../grpc/call.ts';
import { protos } from '../grpc/grpc.fixture.ts';
import { createGrpcServer } from '../grpc/server.ts';
import { GrpcError } from '../grpc/status.ts';
import { createPeers, type OpenPeers } from './client.ts';
import { SERVICE, WHOLE, type RequestChunk, type ResponseChunk } from './messages.ts';
import { callee, chunks, open, pair, silent, textOf } from './peer.fixture.ts';

const PATH = `/${SERVICE}/CallLocalStream`;
const codec = protos.method<RequestChunk, ResponseChunk>(SERVICE, 'CallLocalStream');
const post: AppRequest = { method: 'POST', path: '/items', query: '', headers: {} };
const bytes = (text: string): Uint8Array => Buffer.from(text);

const answering = (answer: Partial<AppResponse>) => async (): Promise<AppResponse> => ({
  status: 200,
  headers: {},
  body: chunks(),
  ...answer,
});

describe('a request body', () => {
  it.each([
    ['none', undefined],
    ['of no bytes', bytes('')],
    ['in one message', Buffer.alloc(1000, 'x')],
    ['in many messages', Buffer.alloc(20_000, 'x')],
  ])('%s reaches the app as it was sent', async (_how, body) => {
    const { peers } = await pair(
      async ({ body: got }) => {
        const text =
          got instanceof Uint8Array ? got.toString() : got && (await textOf({ body: got }));
        return answering({ body: chunks(text ?? '') })();
      },
      { maxMessageBytes: 4096 },
    );
    const answer = await peers.invoke(callee, { ...post, body });
    expect(await textOf(answer)).toBe(Buffer.from(body ?? '').toString());
  });

  it('whose sender goes away in the middle is never whole to the app', async () => {
    const begun = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<unknown>();
    const { peers } = await pair(async ({ body }) => {
      try {
        for await (const _part of body as AsyncIterable<Uint8Array>) begun.resolve();
        seen.resolve('the end');
      } catch (error) {
        seen.resolve(error);
      }
      return answering({})();
    });
    const gone = new AbortController();
    const body = (async function* () {
      yield bytes('the first half');
      await new Promise((resolve) => gone.signal.addEventListener('abort', resolve));
    })();
    const running = peers.invoke(callee, { ...post, body, signal: gone.signal });
    await begun.promise;
    gone.abort();
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await seen.promise).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('an answer in one message', () => {
  interface Told {
    readonly marker: unknown;
    readonly chunks: ResponseChunk[];
  }

  /** What goes over the wire for an app's answer. */
  async function wire(answer: Partial<AppResponse>, maxMessageBytes?: number): Promise<Told> {
    const { port } = await pair(answering(answer), { maxMessageBytes });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    open.push(client);
    const stream = client.makeBidiStreamRequest<RequestChunk, ResponseChunk>(
      PATH,
      (one) => Buffer.from(codec.request.encode(one)),
      (one) => codec.response.decode(one),
    );
    let marker: unknown;
    stream.on('metadata', (metadata) => {
      marker = metadata.get('troupe-whole')[0];
    });
    stream.end({ request: { metadata: {}, message: { method: 'items', contentType: '' } } });
    const received: ResponseChunk[] = [];
    for await (const one of stream) received.push(one as ResponseChunk);
    return { marker, chunks: received };
  }

  it('says so, when the app has said it all', async () => {
    const told = await wire({ whole: () => bytes('all') });
    expect(told).toMatchObject({ marker: '1', chunks: [{ payload: { data: bytes('all') } }] });
    expect(await wire({ whole: () => bytes('') })).toMatchObject({
      marker: '1',
      chunks: [{ payload: null }],
    });
  });

  it('is not promised for a stream, nor for more than a message', async () => {
    const streamed = await wire({ whole: () => undefined, body: chunks('a', 'b') });
    expect(streamed).toMatchObject({ marker: undefined, chunks: [{}, {}] });
    const large = await wire({ whole: () => Buffer.alloc(5000) }, 2048);
    expect(large.marker).toBeUndefined();
    expect(large.chunks.length).toBeGreaterThan(1);
  });

  /** A peer that answers `parts` in messages and then holds the end of the call. */
  async function holding(
    parts: readonly string[],
    isWhole: boolean,
  ): Promise<{ peers: OpenPeers; release: (error?: GrpcError) => void }> {
    const held = Promise.withResolvers<void>();
    const handle = async (call: StreamCall): Promise<void> => {
      for await (const _message of call.messages());
      if (isWhole) call.addHeaders(WHOLE);
      for (const [seq, text] of parts.entries()) {
        const head =
          seq === 0
            ? {
                response: {
                  status: { code: 200, message: '', details: [] },
                  headers: {},
                  trailers: {},
                },
              }
            : {};
        await call.write(codec.response.encode({ ...head, payload: { data: bytes(text), seq } }));
      }
      await held.promise;
    };
    const server = await createGrpcServer({
      handlers: new Map([[PATH, { kind: 'stream', handle }]]),
      logger: silent,
    });
    const { host, port } = server;
    const peers = createPeers({ protos, resolver: { resolve: async () => ({ host, port }) } });
    open.push(server, peers);
    return { peers, release: (error) => (error ? held.reject(error) : held.resolve()) };
  }

  it('that is marked is handed on before the end of its call', async () => {
    const { peers, release } = await holding(['all'], true);
    const answer = await peers.invoke(callee, post);
    expect(answer.whole?.()).toEqual(bytes('all'));
    release();
    expect(await textOf(answer)).toBe('all');
  });

  it('that is not marked, as from a daprd, waits for its end, or is a stream', async () => {
    const { peers, release } = await holding(['a', 'b'], false);
    const answer = await peers.invoke(callee, post);
    expect(answer.whole?.()).toBeUndefined();
    const text = textOf(answer);
    release();
    expect(await text).toBe('ab');
  });

  it('whose call fails after its beginning is an error of its body', async () => {
    const { peers, release } = await holding(['half'], false);
    const answer = await peers.invoke(callee, post);
    const text = textOf(answer);
    release(new GrpcError('UNAVAILABLE', 'the app is gone'));
    await expect(text).rejects.toThrow('the app is gone');
  });
});
