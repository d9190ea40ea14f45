/** Apps that speak gRPC behind `troupe sidecar` as a real process: one of Dapr's own SDK, and one without a port. */
import {
  CommunicationProtocolEnum,
  DaprClient,
  DaprServer,
  HttpMethod,
  LogLevel,
} from '@dapr/dapr';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { expect, it, vi } from 'vitest';
import { componentYaml, startSidecar } from '../runtime/cli/sidecar.fixture.ts';
import { freePorts } from '../runtime/cli/run/ports.fixture.ts';
import { DAPR_SERVICE } from '../runtime/transport/grpc/dapr-methods.ts';
import { createProtos } from '../runtime/transport/grpc/proto.ts';

const resources = [
  componentYaml('statestore', 'state.in-memory', { actorStateStore: 'true' }),
  componentYaml('pubsub', 'pubsub.in-memory', {}),
];

it('an app of the JavaScript SDK over gRPC is invoked, and gets what it publishes', async () => {
  const [port] = (await freePorts(1)) as [number];
  await using sidecar = await startSidecar({
    resources,
    args: [`--app-port=${port}`, '--app-protocol=grpc', '--enable-app-health-check'],
  });
  const logger = { level: LogLevel.Error };
  const at = {
    daprHost: '127.0.0.1',
    daprPort: String(sidecar.grpcPort),
    communicationProtocol: CommunicationProtocolEnum.GRPC,
    logger,
  };
  const server = new DaprServer({
    serverHost: '127.0.0.1',
    serverPort: String(port),
    communicationProtocol: CommunicationProtocolEnum.GRPC,
    clientOptions: at,
    logger,
  });
  const events: unknown[] = [];
  await server.invoker.listen('greet', async ({ body }) => ({ hello: body as unknown }), {
    method: HttpMethod.POST,
  });
  await server.pubsub.subscribe('pubsub', 'news', async (data: unknown) => {
    events.push(data);
  });
  await server.start();
  const client = new DaprClient(at);
  try {
    await sidecar.healthy();
    await vi.waitFor(async () => {
      const metadata = await fetch(`${sidecar.base}/v1.0/metadata`);
      expect(await metadata.json()).toMatchObject({ subscriptions: [{ topic: 'news' }] });
    });
    await client.pubsub.publish('pubsub', 'news', { n: 1 });
    await vi.waitFor(() => expect(events).toEqual([{ n: 1 }]));
    const answer = await fetch(`${sidecar.base}/v1.0/invoke/shop/method/greet`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '"Ada"',
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('Ada');
    await client.state.save('statestore', [{ key: 'k', value: 'v' }]);
    expect(await client.state.get('statestore', 'k')).toBe('v');
  } finally {
    await client.stop();
    await server.stop();
  }
});

it('an app without a port hosts actors over its stream, and callers over HTTP reach them', async () => {
  await using sidecar = await startSidecar({ resources });
  await sidecar.healthy();
  const client = new Client(`127.0.0.1:${sidecar.grpcPort}`, credentials.createInsecure());
  type Request = { id: string; method: string; data: Buffer };
  const codec = createProtos().method<
    object,
    { invokeRequest?: Request; initialResponse?: object }
  >(DAPR_SERVICE, 'SubscribeActorEventsAlpha1');
  const stream = client.makeBidiStreamRequest<
    object,
    { invokeRequest?: Request; initialResponse?: object }
  >(
    `/${DAPR_SERVICE}/SubscribeActorEventsAlpha1`,
    (message) => Buffer.from(codec.request.encode(message)),
    (bytes) => codec.response.decode(bytes),
    new Metadata(),
  );
  stream.on('error', () => {});
  const registered = new Promise<void>((resolve) => {
    stream.on('data', ({ invokeRequest, initialResponse }) => {
      if (initialResponse) resolve();
      if (!invokeRequest) return;
      const { id, data } = invokeRequest as Request;
      stream.write({ invokeResponse: { id, data: Buffer.from(`"got ${data.toString()}"`) } });
    });
  });
  stream.write({ initialRequest: { entities: ['Remote'] } });
  await registered;
  const answer = await fetch(`${sidecar.base}/v1.0/actors/Remote/r-1/method/echo`, {
    method: 'PUT',
    body: '7',
  });
  expect([answer.status, await answer.text()]).toEqual([200, '"got 7"']);
  const save = createProtos().method<object, object>(DAPR_SERVICE, 'ExecuteActorStateTransaction');
  const value = { value: Buffer.from('any text') };
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest<object, object>(
      `/${DAPR_SERVICE}/ExecuteActorStateTransaction`,
      (message) => Buffer.from(save.request.encode(message)),
      (bytes) => save.response.decode(bytes),
      {
        actorType: 'Remote',
        actorId: 'r-1',
        operations: [{ operationType: 'upsert', key: 'note', value }],
      },
      (error) => (error ? reject(error) : resolve()),
    );
  });
  const note = await fetch(`${sidecar.base}/v1.0/actors/Remote/r-1/state/note`);
  expect(await note.text()).toBe('any text');
  stream.cancel();
  client.close();
});
