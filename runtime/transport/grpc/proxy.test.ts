import {
  credentials,
  Client,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { callRaw, openGrpc, type GrpcFixture } from './grpc.fixture.ts';

const same = (bytes: Buffer): Buffer => bytes;
const both = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

let app: Server;
let api: GrpcFixture;
let seen = new Metadata();

beforeAll(async () => {
  app = new Server();
  const method = (path: string, requestStream: boolean, responseStream: boolean): object => ({
    path,
    requestStream,
    responseStream,
    ...both,
  });
  app.addService(
    {
      Get: method('/users.UserService/Get', false, false),
      Watch: method('/users.UserService/Watch', false, true),
      Upload: method('/users.UserService/Upload', true, false),
      Chat: method('/users.UserService/Chat', true, true),
    } as never,
    {
      Get(
        call: { request: Buffer; metadata: Metadata; sendMetadata(m: Metadata): void },
        done: (...args: unknown[]) => void,
      ) {
        seen = call.metadata;
        const headers = new Metadata();
        headers.set('x-head', 'h');
        const trailers = new Metadata();
        trailers.set('x-tail', 't');
        if (call.request.toString() === 'hang') return;
        if (call.request.toString() === 'missing') {
          done({ code: 5, details: 'no such user', metadata: trailers });
          return;
        }
        call.sendMetadata(headers);
        done(null, Buffer.from(`user ${call.request.toString()}`), trailers);
      },
      Watch(call: ServerDuplexStream<Buffer, Buffer> & { request: Buffer }) {
        for (let n = 0; n < 3; n++) call.write(Buffer.from(`${call.request.toString()}${n}`));
        call.end();
      },
      Upload(call: ServerDuplexStream<Buffer, Buffer>, done: (...args: unknown[]) => void) {
        let size = 0;
        call.on('data', (chunk: Buffer) => {
          size += chunk.byteLength;
        });
        call.on('end', () => done(null, Buffer.from(String(size))));
      },
      Chat(call: ServerDuplexStream<Buffer, Buffer>) {
        call.on('data', (chunk: Buffer) => call.write(Buffer.concat([Buffer.from('re:'), chunk])));
        call.on('end', () => call.end());
      },
    } as never,
  );
  const appPort = await new Promise<number>((resolve, reject) => {
    app.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  api = await openGrpc({ appPort, appProtocol: 'grpc' });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  app.forceShutdown();
});

const toShop = { 'dapr-app-id': 'shop' };
const shop = (): Metadata => {
  const metadata = new Metadata();
  metadata.set('dapr-app-id', 'shop');
  return metadata;
};

it('passes a unary call on with its metadata, headers and trailers', async () => {
  const outcome = await callRaw(api.client, '/users.UserService/Get', Buffer.from('7'), {
    metadata: { ...toShop, 'x-own': 'mine' },
  });
  expect(outcome.bytes?.toString()).toBe('user 7');
  expect(outcome.headers.get('x-head')).toEqual(['h']);
  expect(seen.get('x-own')).toEqual(['mine']);
  const missing = await callRaw(api.client, '/users.UserService/Get', Buffer.from('missing'), {
    metadata: { 'dapr-callee-app-id': 'shop' },
  });
  expect(missing).toMatchObject({ code: 5, message: 'no such user' });
  expect(missing.trailers.get('x-tail')).toEqual(['t']);
});

it('passes server, client and bidirectional streams on', async () => {
  const watched: string[] = [];
  const watch = api.client.makeServerStreamRequest(
    '/users.UserService/Watch',
    same,
    same,
    Buffer.from('n'),
    shop(),
  );
  for await (const message of watch as AsyncIterable<Buffer>) watched.push(message.toString());
  expect(watched).toEqual(['n0', 'n1', 'n2']);

  const size = await new Promise((resolve, reject) => {
    const upload = api.client.makeClientStreamRequest(
      '/users.UserService/Upload',
      same,
      same,
      shop(),
      (error, reply) => (error ? reject(error) : resolve(reply?.toString())),
    );
    for (let n = 0; n < 50; n++) upload.write(Buffer.alloc(10_000));
    upload.end();
  });
  expect(size).toBe('500000');

  const chat = api.client.makeBidiStreamRequest<Buffer, Buffer>(
    '/users.UserService/Chat',
    same,
    same,
    shop(),
  );
  const heard: string[] = [];
  chat.on('data', (message: Buffer) => heard.push(message.toString()));
  chat.write(Buffer.from('a'));
  await vi.waitFor(() => expect(heard).toEqual(['re:a']));
  chat.write(Buffer.from('b'));
  await vi.waitFor(() => expect(heard).toEqual(['re:a', 're:b']));
  const ended = new Promise<{ code: number }>((resolve) => chat.on('status', resolve));
  chat.end();
  expect((await ended).code).toBe(0);
});

it('hands the deadline on', async () => {
  const outcome = await callRaw(api.client, '/users.UserService/Get', Buffer.from('hang'), {
    metadata: toShop,
    call: { deadline: Date.now() + 100 },
  });
  expect(outcome.code).toBe(4);
});

it('refuses a call for nobody, for an unknown app and for one without a gRPC port', async () => {
  const path = '/users.UserService/Get';
  const nobody = await callRaw(api.client, path, Buffer.alloc(0));
  expect(nobody.code).toBe(2);
  expect(nobody.message).toContain('dapr-app-id not found');
  const unknown = await callRaw(api.client, path, Buffer.alloc(0), {
    metadata: { 'dapr-app-id': 'other' },
  });
  expect(unknown.message).toContain("couldn't find service: other");
  await using bare = await openGrpc();
  const client = new Client(bare.address, credentials.createInsecure());
  const outcome = await callRaw(client, path, Buffer.alloc(0), { metadata: toShop });
  client.close();
  expect(outcome).toMatchObject({ code: 14 });
});
