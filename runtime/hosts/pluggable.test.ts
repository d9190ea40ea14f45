import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ComponentOptions } from '../../components/component.ts';
import type { Registry } from '../../components/registry.ts';
import { createComponentProtos } from '../transport/grpc/proto.ts';
import { Deframer, frame } from '../transport/grpc/framing.ts';
import { findPluggables } from './pluggable-sockets.ts';

const logger = { debug() {}, info: vi.fn(), warn: vi.fn(), error() {} };
const PACKAGE = 'dapr.proto.components.v1';
const protos = createComponentProtos();
const left: (() => unknown)[] = [];

afterEach(async () => {
  for (const one of left.splice(0).toReversed()) await one();
});

type Answer = (request: Record<string, unknown>) => object | { status: number; message: string };

/** A component process: its unary methods, and what it pushes down each PullMessages. */
async function serveComponent(
  folder: string,
  name: string,
  methods: Readonly<Record<string, Answer>>,
  pulled: (request: Record<string, unknown>, push: (message: object) => void) => void = () => {},
): Promise<void> {
  const services = [...new Set(Object.keys(methods).map((path) => path.split('/')[0]!))];
  const server = createServer((request, response) => {
    const path = request.url;
    const [service = '', method = ''] = path.slice(1).replace(`${PACKAGE}.`, '').split('/');
    const isReflection = service.includes('ServerReflection');
    const codec = isReflection
      ? protos.method<Record<string, unknown>, object>(
          'grpc.reflection.v1.ServerReflection',
          method,
        )
      : protos.method<Record<string, unknown>, object>(`${PACKAGE}.${service}`, method);
    const send = (message: object): void => {
      response.write(frame(codec.response.encode(message)));
    };
    const end = (status: number, message = ''): void => {
      response.addTrailers({ 'grpc-status': String(status), 'grpc-message': message });
      response.end();
    };
    response.writeHead(200, { 'content-type': 'application/grpc', trailer: 'grpc-status' });
    const deframer = new Deframer(1e6);
    if (method === 'PullMessages') request.on('end', () => end(0));
    request.on('data', (chunk: Buffer) => {
      deframer.push(chunk);
      for (let one = deframer.next(); one; one = deframer.next()) {
        const message = codec.request.decode(one.bytes);
        if (method === 'PullMessages') {
          pulled(message, send);
          continue;
        }
        const answer = isReflection
          ? {
              listServicesResponse: { service: services.map((s) => ({ name: `${PACKAGE}.${s}` })) },
            }
          : methods[`${service}/${method}`]?.(message);
        if (!answer) return end(12);
        if ('status' in answer && 'message' in answer) {
          return end(Number(answer.status), String(answer.message));
        }
        send(answer);
        return end(0);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(join(folder, `${name}.sock`), resolve);
  });
  left.push(() => new Promise((resolve) => server.close(resolve)));
}

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-pluggable-'));
  left.push(() => rm(folder, { recursive: true }));
  return folder;
}

const find = (folder: string): Promise<Registry | undefined> =>
  findPluggables({ DAPR_COMPONENTS_SOCKETS_FOLDER: folder }, logger);

const optionsOf = (type: string): ComponentOptions => ({
  name: 'mine',
  type,
  version: 'v1',
  metadata: { anything: 'goes' },
  appId: 'app',
  logger,
  now: () => 0,
  timer: () => ({ cancel() {} }),
});

const context = { signal: new AbortController().signal };

describe('pluggable components', () => {
  it('are none where there is no folder or no socket', async () => {
    const folder = await folderOf();
    await writeFile(join(folder, 'note.txt'), '');
    expect(await find(join(folder, 'missing'))).toBeUndefined();
    expect(await find(folder)).toBeUndefined();
    expect(logger.warn.mock.calls.flat().join()).toContain('note.txt');
  });

  it('keep state: values, etags that do not hold, and no actors', async () => {
    const folder = await folderOf();
    const init = vi.fn();
    const rows = new Map<string, Uint8Array>();
    await serveComponent(folder, 'shelf', {
      'StateStore/Init': (request) => (init(request), {}),
      'StateStore/Features': () => ({ features: ['ETAG', 'TRANSACTIONAL'] }),
      'StateStore/Set': ({ key, value }) => (
        rows.set(key as string, Buffer.from(value as Uint8Array)),
        {}
      ),
      'StateStore/Get': ({ key }) => {
        const data = rows.get(key as string);
        return data ? { data, etag: { value: '7' } } : {};
      },
      'StateStore/Delete': () => ({ status: 14, message: 'gone fishing' }),
    });
    const registry = await find(folder);
    const resolved = await registry!.resolve('state.shelf');
    if (resolved.kind !== 'state') throw new Error('not a state store');
    const store = await resolved.driver.create(optionsOf('state.shelf'), context);
    left.push(() => store.close());
    expect(init.mock.calls[0]![0]).toMatchObject({
      metadata: { properties: { anything: 'goes' } },
    });
    // It says transactions and serves none.
    expect(store.features).toEqual(['ETAG']);
    await store.apply({ kind: 'set', key: 'a', value: '{"b":1}' });
    expect(await store.get('a')).toEqual({ key: 'a', value: '{"b":1}', etag: '7' });
    expect(await store.get('none')).toBeUndefined();
    await expect(store.apply({ kind: 'delete', key: 'a' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('rpc error: code = Unavailable desc = gone fishing'),
    });
    await expect(store.transact([{ kind: 'delete', key: 'a' }])).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  it('bring events, which are acknowledged or refused by their id', async () => {
    const folder = await folderOf();
    const said: object[] = [];
    await serveComponent(
      folder,
      'pipe',
      {
        'PubSub/Init': () => ({}),
        'PubSub/Features': () => ({}),
        'PubSub/Publish': () => ({}),
      },
      ({ topic, ackMessageId, ackError }, push) => {
        if (!topic) said.push({ ackMessageId, ackError });
        else {
          push({ id: '1', data: Buffer.from('good'), topicName: 't' });
          push({ id: '2', data: Buffer.from('bad'), topicName: 't' });
        }
      },
    );
    const resolved = await (await find(folder))!.resolve('pubsub.pipe');
    if (resolved.kind !== 'pubsub') throw new Error('not a broker');
    const broker = await resolved.driver.create(optionsOf('pubsub.pipe'), context);
    left.push(() => broker.close());
    await broker.publish({ topic: 't', data: Buffer.from('x') });
    const subscription = await broker.subscribe({ topic: 't' }, async ({ data }) => {
      if (Buffer.from(data).toString() === 'bad') throw new Error('not this one');
    });
    await vi.waitFor(() => expect(said).toHaveLength(2));
    expect(said).toMatchObject([
      { ackMessageId: '1' },
      { ackMessageId: '2', ackError: { message: 'not this one' } },
    ]);
    await subscription.close();
  });

  it('acknowledge what runs while its subscription closes, before the stream ends', async () => {
    const folder = await folderOf();
    const said: unknown[] = [];
    await serveComponent(
      folder,
      'pipe',
      { 'PubSub/Init': () => ({}), 'PubSub/Features': () => ({}) },
      ({ topic, ackMessageId }, push) => {
        if (!topic) said.push(ackMessageId);
        else push({ id: '1', data: Buffer.from('slow'), topicName: 't' });
      },
    );
    const resolved = await (await find(folder))!.resolve('pubsub.pipe');
    if (resolved.kind !== 'pubsub') throw new Error('not a broker');
    const broker = await resolved.driver.create(optionsOf('pubsub.pipe'), context);
    left.push(() => broker.close());
    const begun = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const subscription = await broker.subscribe({ topic: 't' }, () => {
      begun.resolve();
      return done.promise;
    });
    await begun.promise;
    const closing = subscription.close();
    done.resolve();
    await closing;
    expect(said).toEqual(['1']);
  });
});
