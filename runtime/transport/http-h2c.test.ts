import { once } from 'node:events';
import { connect, type ClientHttp2Stream } from 'node:http2';
import { addAbortSignal } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpRequest, HttpRoute } from '../api/route.ts';
import { createHttpServer } from './http-server.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Served {
  /** A request whose body is still to be sent. */
  request(id: string): ClientHttp2Stream;
  /** Drops the connection of the client. */
  broken(): void;
}

async function serve(handle: HttpRoute['handle'], streaming: boolean): Promise<Served> {
  const route: HttpRoute = { methods: ['POST'], pattern: 'v1.0/things/{id}', streaming, handle };
  const server = await createHttpServer({ routes: [route], logger: silent, h2c: true });
  const session = connect(`http://${server.host}:${server.port}`);
  session.on('error', () => {});
  open.push(server, { close: () => session.destroy() });
  return {
    request(id) {
      const stream = session.request({ ':method': 'POST', ':path': `/v1.0/things/${id}` });
      stream.on('error', () => {});
      return stream;
    },
    broken: () => void session.socket.destroy(),
  };
}

describe('a body over HTTP/2', () => {
  it('reaches its route whole', async () => {
    const { request } = await serve(({ body }) => ({ status: 200, body }), false);
    const stream = request('a');
    stream.write('one ');
    stream.end('two');
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(text).toBe('one two');
  });

  it('that is cut never reaches a route that takes it whole', async () => {
    const ids: string[] = [];
    const { request } = await serve(({ params }) => {
      ids.push(params[0]!);
      return { status: 204 };
    }, false);
    const stream = request('cut');
    stream.write('half');
    addAbortSignal(AbortSignal.abort(), stream);
    const other = request('whole');
    other.end('all');
    await once(other, 'response');
    expect(ids).toEqual(['whole']);
  });

  it.each(['by its client', 'with its connection'])(
    'that is cut %s is an error of its stream, and its request hears of it',
    async (how) => {
      const begun = Promise.withResolvers<void>();
      const seen = Promise.withResolvers<unknown>();
      const gone = Promise.withResolvers<void>();
      const read = async ({ stream, signal }: HttpRequest): Promise<{ status: number }> => {
        signal.addEventListener('abort', () => gone.resolve());
        try {
          for await (const _chunk of stream!) begun.resolve();
          seen.resolve('the end');
        } catch (error) {
          seen.resolve(error);
        }
        return { status: 204 };
      };
      const { request, broken } = await serve(read, true);
      const stream = request('a');
      stream.write('half');
      await begun.promise;
      if (how === 'by its client') addAbortSignal(AbortSignal.abort(), stream);
      else broken();
      expect(await seen.promise).toBeInstanceOf(Error);
      await gone.promise;
    },
  );
});
