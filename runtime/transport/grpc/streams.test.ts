import { Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { DAPR_SERVICE } from './dapr-methods.ts';
import { openGrpc, protos, type GrpcFixture, type Reply } from './grpc.fixture.ts';

/** A bidirectional call of the Dapr service that keeps what it receives. */
function open(
  api: GrpcFixture,
  method: string,
): {
  readonly stream: ClientDuplexStream<object, Reply>;
  readonly received: Reply[];
  readonly ended: Promise<{ code: number; details: string }>;
} {
  const codec = protos.method<object, Reply>(DAPR_SERVICE, method);
  const stream = api.client.makeBidiStreamRequest<object, Reply>(
    `/${DAPR_SERVICE}/${method}`,
    (message) => Buffer.from(codec.request.encode(message)),
    (bytes) => codec.response.decode(bytes),
    new Metadata(),
  );
  const received: Reply[] = [];
  stream.on('data', (message: Reply) => received.push(message));
  stream.on('error', () => {});
  const ended = new Promise<{ code: number; details: string }>((resolve) => {
    stream.on('status', resolve);
  });
  return { stream, received, ended };
}

describe('a streaming subscription', () => {
  const initial = { initialRequest: { pubsubName: 'pubsub', topic: 'news' } };

  it('delivers events to the stream and again what it asks to retry', async () => {
    await using api = await openGrpc();
    const { stream, received, ended } = open(api, 'SubscribeTopicEventsAlpha1');
    stream.write(initial);
    await vi.waitFor(() => expect(received[0]).toHaveProperty('initialResponse'));
    await api.system.publish('news', { n: 1 });
    await vi.waitFor(() => expect(received).toHaveLength(2));
    const { eventMessage } = received[1] as { eventMessage: { id: string; data: Buffer } };
    expect(eventMessage).toMatchObject({ topic: 'news', pubsubName: 'pubsub', path: '/' });
    expect(eventMessage.data.toString()).toBe('{"n":1}');
    stream.write({ eventProcessed: { id: eventMessage.id, status: { status: 1 } } });
    await vi.waitFor(() => expect(received).toHaveLength(3));
    stream.write({ eventProcessed: { id: eventMessage.id, status: { status: 0 } } });
    const { reply } = await api.call('GetMetadata', {});
    expect(reply['subscriptions']).toMatchObject([{ topic: 'news', type: 3 }]);
    stream.end();
    expect(await ended).toMatchObject({ code: 0 });
    const after = await api.call('GetMetadata', {});
    expect(after.reply['subscriptions']).toEqual([]);
  });

  it('gives every stream every event, and ends with the server', async () => {
    const api = await openGrpc();
    const streams = [1, 2].map(() => open(api, 'SubscribeTopicEventsAlpha1'));
    for (const { stream } of streams) stream.write(initial);
    await vi.waitFor(() =>
      expect(streams.every(({ received }) => received.length === 1)).toBe(true),
    );
    await api.system.publish('news', 'x');
    await vi.waitFor(() =>
      expect(streams.every(({ received }) => received.length === 2)).toBe(true),
    );
    const [first] = await Promise.all([streams[0]!.ended, api[Symbol.asyncDispose]()]);
    expect(first.code).toBe(14);
  });

  it.each([
    [{ eventProcessed: { id: 'x' } }, 2, 'initial request is required'],
    [{ initialRequest: { pubsubName: '', topic: 't' } }, 2, 'pubsubName is required'],
    [{ initialRequest: { pubsubName: 'pubsub', topic: '' } }, 2, 'topic is required'],
    [{ initialRequest: { pubsubName: 'nope', topic: 't' } }, 3, 'pubsub nope is not found'],
  ])('refuses to begin with %j', async (first, code, details) => {
    await using api = await openGrpc();
    const { stream, ended } = open(api, 'SubscribeTopicEventsAlpha1');
    stream.write(first);
    expect(await ended).toMatchObject({ code, details });
  });
});

describe('an actor event stream', () => {
  const hello = { initialRequest: { entities: ['Remote'], reentrancy: { enabled: true } } };

  interface Asked {
    readonly id: string;
    readonly actorId: string;
    readonly method: string;
    readonly data: Buffer;
    readonly name: string;
    readonly metadata: Record<string, string>;
  }

  /** An app that hosts `Remote`: echoes, refuses what is named so, counts firings. */
  async function host(api: GrpcFixture): Promise<ReturnType<typeof open> & { asked: Asked[] }> {
    const opened = open(api, 'SubscribeActorEventsAlpha1');
    const asked: Asked[] = [];
    opened.stream.on('data', (message: Reply & { responseType: string }) => {
      const kind = message.responseType;
      const request = message[kind] as Asked;
      if (kind === 'initialResponse') return;
      asked.push(request);
      const { id, method, data } = request;
      if (kind === 'invokeRequest' && method === 'fly') {
        opened.stream.write({ requestFailed: { id, code: 5, message: 'no such method' } });
      } else if (kind === 'invokeRequest' && method === 'fail') {
        opened.stream.write({ requestFailed: { id, code: 13, message: 'broken' } });
      } else if (kind === 'invokeRequest') {
        opened.stream.write({ invokeResponse: { id, data, error: method === 'refuse' } });
      } else if (kind === 'timerRequest') {
        opened.stream.write({ timerResponse: { id, cancel: true } });
      } else if (kind === 'reminderRequest') {
        opened.stream.write({ reminderResponse: { id } });
      } else opened.stream.write({ deactivateResponse: { id } });
    });
    opened.stream.write(hello);
    await vi.waitFor(() => expect(opened.received[0]).toHaveProperty('initialResponse'));
    return { ...opened, asked };
  }

  const actor = { actorType: 'Remote', actorId: 'r-1' };

  it('carries calls, their failures and the reentrancy id', async () => {
    await using api = await openGrpc();
    const { asked } = await host(api);
    const echo = await api.call('InvokeActor', {
      ...actor,
      method: 'echo',
      data: Buffer.from('"hi"'),
    });
    expect((echo.reply['data'] as Buffer).toString()).toBe('"hi"');
    expect(asked[0]!.metadata['Dapr-Reentrancy-Id']).toMatch(/./);
    expect((await api.call('InvokeActor', { ...actor, method: 'fly' })).code).toBe(5);
    const failed = await api.call('InvokeActor', { ...actor, method: 'fail' });
    expect(failed.code).toBe(13);
    expect(failed.message).toContain('broken');
  });

  it('fires timers until the app cancels, and reminders with their data', async () => {
    await using api = await openGrpc();
    const { asked } = await host(api);
    await api.call('InvokeActor', { ...actor, method: 'echo' });
    const timer = { ...actor, name: 't', dueTime: '0s', period: '1h', callback: 'tick' };
    expect((await api.call('RegisterActorTimer', timer)).code).toBe(0);
    const reminder = { ...actor, name: 'r', dueTime: '0s', data: Buffer.from('{"a":1}') };
    expect((await api.call('RegisterActorReminder', reminder)).code).toBe(0);
    await vi.waitFor(() =>
      expect(asked.map(({ name }) => name)).toEqual(expect.arrayContaining(['t', 'r'])),
    );
    expect(asked.find(({ name }) => name === 't')).toMatchObject({
      callback: 'tick',
      period: '1h',
    });
  });

  it('takes its types away when it goes, and calls under way end', async () => {
    await using api = await openGrpc();
    const opened = open(api, 'SubscribeActorEventsAlpha1');
    opened.stream.write(hello);
    await vi.waitFor(() => expect(opened.received).toHaveLength(1));
    const running = api.call('InvokeActor', { ...actor, method: 'never' });
    await vi.waitFor(() => expect(opened.received).toHaveLength(2));
    opened.stream.cancel();
    expect((await running).code).toBe(14);
    await vi.waitFor(async () => {
      expect((await api.call('InvokeActor', { ...actor, method: 'echo' })).code).toBe(9);
    });
  });

  it('of two the newest has the actors, and the other takes over again', async () => {
    await using api = await openGrpc();
    const first = await host(api);
    const second = await host(api);
    await api.call('InvokeActor', { ...actor, method: 'echo' });
    expect([first.asked.length, second.asked.length]).toEqual([0, 1]);
    second.stream.end();
    await second.ended;
    await vi.waitFor(async () => {
      await api.call('InvokeActor', { ...actor, method: 'echo' });
      expect(first.asked.length).toBeGreaterThan(0);
    });
  });

  it('must begin with its registration, and takes no type that lives in the process', async () => {
    await using api = await openGrpc();
    const early = open(api, 'SubscribeActorEventsAlpha1');
    early.stream.write({ deactivateResponse: { id: '1' } });
    expect((await early.ended).code).toBe(3);
    const taken = open(api, 'SubscribeActorEventsAlpha1');
    taken.stream.write({ initialRequest: { entities: ['Counter'] } });
    expect((await taken.ended).code).toBe(3);
  });
});
