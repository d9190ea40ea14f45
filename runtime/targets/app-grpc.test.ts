import {
  CommunicationProtocolEnum,
  DaprServer,
  HttpMethod,
  type DaprInvokerCallbackContent,
} from '@dapr/dapr';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openGrpc, protos, type GrpcFixture } from '../transport/grpc/grpc.fixture.ts';
import { createAppGrpc, type AppGrpc } from './app-grpc.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('an app of the official JavaScript SDK over gRPC', () => {
  let api: GrpcFixture;
  let app: DaprServer;
  const events: unknown[] = [];
  const bound: unknown[] = [];

  beforeAll(async () => {
    const [appPort, grpcPort] = [await freePort(), await freePort()];
    app = new DaprServer({
      serverHost: '127.0.0.1',
      serverPort: String(appPort),
      communicationProtocol: CommunicationProtocolEnum.GRPC,
      clientOptions: { daprHost: '127.0.0.1', daprPort: String(grpcPort) },
    });
    await app.invoker.listen(
      'hello',
      async ({ body, query }: DaprInvokerCallbackContent) => ({ hello: body, query }),
      { method: HttpMethod.POST },
    );
    await app.pubsub.subscribe('pubsub', 'news', async (data: unknown) => {
      events.push(data);
    });
    await app.binding.receive('clock', async (data: unknown) => {
      bound.push(data);
    });
    // The SDK waits for its sidecar, the sidecar for its app.
    [api] = await Promise.all([
      openGrpc({ grpc: { port: grpcPort }, http: { port: 0 }, appPort, appProtocol: 'grpc' }),
      app.start(),
    ]);
  });

  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await app.stop();
  });

  it('answers invocations that come over HTTP and over gRPC', async () => {
    const base = `http://127.0.0.1:${api.system.http!.port}`;
    const answer = await fetch(`${base}/v1.0/invoke/shop/method/hello`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"Ada"}',
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('Ada');
    const { reply, code } = await api.call('InvokeService', {
      id: 'shop',
      message: {
        method: 'hello',
        data: { value: Buffer.from('"Bob"') },
        httpExtension: { verb: 3 },
      },
    });
    expect(code).toBe(0);
    expect((reply['data'] as { value: Buffer }).value.toString()).toContain('Bob');
  });

  it('gets the events of the topics that it lists', async () => {
    await api.system.publish('news', { n: 1 });
    await expect.poll(() => events).toEqual([{ n: 1 }]);
  });
});

describe('an app over gRPC, by its channel', () => {
  const CALLBACK = 'dapr.proto.runtime.v1.AppCallback';
  let server: Server;
  let app: AppGrpc;
  const seen: { method: string; token: unknown; body: unknown }[] = [];

  type Answer = object | Partial<ServiceError>;
  let answers: Record<string, Answer> = {};

  beforeAll(async () => {
    server = new Server();
    for (const [service, methods] of [
      [CALLBACK, protos.methods(CALLBACK)],
      ['dapr.proto.runtime.v1.AppCallbackAlpha', ['OnBulkTopicEventAlpha1', 'OnJobEventAlpha1']],
    ] as const) {
      const rows = methods.map((name) => {
        const codec = protos.method<object, object>(service, name);
        return [
          name,
          {
            path: `/${service}/${name}`,
            requestStream: false,
            responseStream: false,
            requestSerialize: (one: object) => Buffer.from(codec.request.encode(one)),
            requestDeserialize: (bytes: Buffer) => codec.request.decode(bytes),
            responseSerialize: (one: object) => Buffer.from(codec.response.encode(one)),
            responseDeserialize: (bytes: Buffer) => codec.response.decode(bytes),
          },
        ] as const;
      });
      server.addService(
        Object.fromEntries(rows),
        Object.fromEntries(
          methods.map((name) => [
            name,
            (call: ServerUnaryCall<object, object>, done: sendUnaryData<object>) => {
              const { request, metadata } = call;
              seen.push({ method: name, token: metadata.get('dapr-api-token')[0], body: request });
              const answer = answers[name] ?? { code: status.UNIMPLEMENTED, details: name };
              if ('code' in answer) done(answer);
              else done(null, answer);
            },
          ]),
        ),
      );
    }
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    app = createAppGrpc({ port, token: 'secret', protos });
  });

  afterAll(async () => {
    await app.close();
    server.forceShutdown();
  });

  const signal = new AbortController().signal;
  const event = {
    id: 'e-1',
    source: 'shop',
    type: 'com.dapr.event.sent',
    specversion: '1.0',
    datacontenttype: 'application/json',
    topic: 'news',
    pubsubname: 'pubsub',
    data: { n: 1 },
    myextension: { deep: [1, 'x', null, true] },
  };
  const delivery = {
    event,
    bytes: new Uint8Array(0),
    path: 'on-news',
    message: { topic: 'news', data: new Uint8Array(0) },
    signal,
  };

  it('lists subscriptions with rules, bulk and dead letters, and none without the method', async () => {
    answers = {};
    expect(await app.events.subscriptions()).toEqual([]);
    answers = {
      ListTopicSubscriptions: {
        subscriptions: [
          {
            pubsubName: 'p',
            topic: 't',
            routes: { rules: [{ match: 'event.type == "x"', path: 'x' }], default: 'rest' },
            deadLetterTopic: 'dead',
            bulkSubscribe: { enabled: true, maxMessagesCount: 10 },
          },
          { pubsubName: 'p', topic: 'plain' },
        ],
      },
    };
    expect(await app.events.subscriptions()).toMatchObject([
      {
        pubsub: 'p',
        topic: 't',
        rules: [{ match: 'event.type == "x"', path: 'x' }, { path: 'rest' }],
        deadLetterTopic: 'dead',
        bulk: { maxMessagesCount: 10 },
      },
      { topic: 'plain', rules: [{ path: '' }] },
    ]);
  });

  it('delivers an event with its extensions and the token, and reads each answer', async () => {
    answers = { OnTopicEvent: { status: 0 } };
    expect(await app.events.deliver(delivery)).toEqual({ status: 'SUCCESS' });
    const { token, body } = seen.at(-1)!;
    expect(token).toBe('secret');
    expect(body).toMatchObject({ id: 'e-1', path: 'on-news', topic: 'news', pubsubName: 'pubsub' });
    expect((body as { data: Buffer }).data.toString()).toBe('{"n":1}');
    expect(JSON.stringify(body)).toContain('myextension');
    answers = { OnTopicEvent: { status: 2 } };
    expect(await app.events.deliver(delivery)).toEqual({ status: 'DROP' });
    answers = { OnTopicEvent: { code: status.INTERNAL, details: 'no' } };
    expect(await app.events.deliver(delivery)).toMatchObject({ status: 'RETRY', code: 13 });
    answers = {};
    expect(await app.events.deliver(delivery)).toMatchObject({ status: 'DROP', code: 12 });
  });

  it('delivers in bulk, by the alpha method where the app has only that', async () => {
    const entry = {
      ...delivery,
      entryId: '1',
      contentType: 'application/json',
      metadata: {},
      raw: false,
    };
    const bulk = {
      id: 'b',
      pubsub: 'pubsub',
      topic: 'news',
      path: 'on-news',
      metadata: {},
      entries: [entry, { ...entry, entryId: '2' }],
      signal,
    };
    answers = { OnBulkTopicEventAlpha1: { statuses: [{ entryId: '1', status: 1 }] } };
    const { statuses } = await app.events.deliverBulk(bulk);
    expect([...statuses]).toEqual([['1', 'RETRY']]);
    answers = {};
    expect([...(await app.events.deliverBulk(bulk)).statuses]).toEqual([
      ['1', 'DROP'],
      ['2', 'DROP'],
    ]);
  });

  it('brings binding events and jobs, and says what the app would not take', async () => {
    answers = {
      OnBindingEvent: { data: Buffer.from('ok'), to: ['queue'], concurrency: 1 },
      OnJobEventAlpha1: {},
    };
    const event = { name: 'clock', data: Buffer.from('tick'), metadata: { zone: 'utc' } };
    expect(await app.events.binding(event)).toMatchObject({
      to: ['queue'],
      concurrency: 'parallel',
    });
    expect(await app.events.job({ name: 'night', data: { json: '1' } })).toBe('done');
    expect(seen.at(-1)!.body).toMatchObject({
      method: 'job/night',
      contentType: 'type.googleapis.com/google.protobuf.Value',
    });
    answers = { OnJobEvent: { code: status.NOT_FOUND, details: 'none' } };
    expect(await app.events.job({ name: 'night' })).toBe('dropped');
    answers = { OnBindingEvent: { code: status.INTERNAL, details: 'broken' } };
    await expect(app.events.binding(event)).rejects.toMatchObject({ code: 'COMPONENT' });
  });

  it('keeps the app’s own status of an invocation, and is well without health checks', async () => {
    answers = { OnInvoke: { code: status.NOT_FOUND, details: 'no such order' } };
    const answer = await app.invoke({ method: 'GET', path: '/orders/1' });
    expect(answer).toMatchObject({ status: 404, grpc: { status: { message: 'no such order' } } });
    expect(await app.probe(signal)).toBeUndefined();
  });

  it('says that an app is not there', async () => {
    const away = createAppGrpc({ port: await freePort(), protos });
    await expect(away.invoke({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(await away.probe(signal)).toContain('Health check failed');
    await away.close();
  });
});
