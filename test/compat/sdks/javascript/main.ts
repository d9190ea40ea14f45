/** The scenarios by Dapr's JavaScript SDK: `node main.ts http` or `node main.ts grpc`. */
import {
  AbstractActor,
  ActorId,
  ActorProxyBuilder,
  CommunicationProtocolEnum,
  DaprClient,
  DaprServer,
  HttpMethod,
  LogLevel,
  Temporal,
} from '@dapr/dapr';
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const { DAPR_HTTP_PORT, DAPR_GRPC_PORT, APP_PORT } = process.env;
const grpc = process.argv[2] === 'grpc';
const communicationProtocol = grpc
  ? CommunicationProtocolEnum.GRPC
  : CommunicationProtocolEnum.HTTP;
const clientOptions = {
  daprHost: '127.0.0.1',
  daprPort: (grpc ? DAPR_GRPC_PORT : DAPR_HTTP_PORT)!,
  communicationProtocol,
  logger: { level: LogLevel.Error },
};

const WAIT_MS = 20_000;

/** What reaches the app: topics, bindings and the callbacks of actors, by name. */
const arrived = new EventEmitter();
async function next(name: string): Promise<unknown[]> {
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    return (await once(arrived, name, { signal })) as unknown[];
  } catch (error) {
    throw signal.aborted ? new Error(`no ${name} for ${WAIT_MS} ms`) : error;
  }
}

class Counter extends AbstractActor {
  async add(by: number): Promise<number> {
    const state = this.getStateManager<number>();
    const [, before] = await state.tryGetState('count');
    const count = (before ?? 0) + by;
    await state.setState('count', count);
    return count;
  }
  async startTimer(): Promise<void> {
    const soon = Temporal.Duration.from({ milliseconds: 100 });
    await this.registerActorTimer('timer', 'onTimer', soon, soon, undefined, 'from timer');
  }
  async onTimer(data: unknown): Promise<void> {
    await this.unregisterActorTimer('timer');
    arrived.emit('timer', data);
  }
  async startReminder(): Promise<void> {
    const soon = Temporal.Duration.from({ milliseconds: 100 });
    const later = Temporal.Duration.from({ seconds: 1 });
    await this.registerActorReminder('reminder', soon, later, undefined, 'from reminder');
  }
  override async receiveReminder(data: string): Promise<void> {
    await this.unregisterActorReminder('reminder');
    arrived.emit('reminder', data);
  }
}

const server = new DaprServer({
  serverHost: '127.0.0.1',
  serverPort: APP_PORT!,
  communicationProtocol,
  clientOptions,
  logger: { level: LogLevel.Error },
});
await server.pubsub.subscribe('pubsub', 'orders', async (data) => arrived.emit('order', data));
await server.binding.receive('tick', async () => arrived.emit('tick'));
await server.invoker.listen('echo', async ({ body }) => ({ echo: JSON.parse(body ?? 'null') }), {
  method: HttpMethod.POST,
});
if (!grpc) {
  await server.actor.init();
  await server.actor.registerActor(Counter);
}
await server.start();
const client = new DaprClient(clientOptions);
// The SDK's own isHealthy over HTTP asks for the metadata, which is there before any subscription is.
const isHealthy = async (): Promise<boolean> => {
  const answer = await fetch(`http://127.0.0.1:${DAPR_HTTP_PORT}/v1.0/healthz`).catch(() => null);
  return answer?.status === 204;
};
while (!(await isHealthy())) await new Promise((resolve) => setTimeout(resolve, 50));

const counter = (id: string): Counter =>
  new ActorProxyBuilder<Counter>(Counter, client).build(new ActorId(id));

/** The etag that the bulk read has; this SDK's plain read has none. */
async function etagOf(key: string): Promise<string> {
  const [item] = await client.state.getBulk('store', [key]);
  return (item as { etag: string }).etag;
}

/** This SDK throws over gRPC what it gives back as `error` over HTTP. */
async function failed(saving: Promise<{ error?: unknown }>): Promise<boolean> {
  return saving.then(
    ({ error }) => error !== undefined,
    () => true,
  );
}

const scenarios: Record<string, () => Promise<void>> = {
  async state() {
    await client.state.save('store', [{ key: 'a', value: { n: 1 } }]);
    assert.deepEqual(await client.state.get('store', 'a'), { n: 1 });
    await client.state.delete('store', 'a');
    assert.equal(await client.state.get('store', 'a'), '');
  },
  async 'state-etag'() {
    await client.state.save('store', [{ key: 'e', value: 'one' }]);
    const etag = await etagOf('e');
    const firstWrite = { key: 'e', etag, options: { concurrency: 1, consistency: 2 } as const };
    assert.equal(
      await failed(client.state.save('store', [{ ...firstWrite, value: 'two' }])),
      false,
    );
    assert.equal(
      await failed(client.state.save('store', [{ ...firstWrite, value: 'three' }])),
      true,
    );
    assert.equal(await client.state.get('store', 'e'), 'two');
    assert.equal(await failed(client.state.delete('store', 'e', { etag, concurrency: 1 })), true);
    const now = await etagOf('e');
    assert.equal(
      await failed(client.state.delete('store', 'e', { etag: now, concurrency: 1 })),
      false,
    );
  },
  async 'state-transaction'() {
    await client.state.save('store', [{ key: 't1', value: 'old' }]);
    await client.state.transaction('store', [
      { operation: 'delete', request: { key: 't1' } },
      { operation: 'upsert', request: { key: 't2', value: 'new' } },
    ]);
    assert.equal(await client.state.get('store', 't1'), '');
    assert.equal(await client.state.get('store', 't2'), 'new');
  },
  async 'state-bulk'() {
    await client.state.save('store', [
      { key: 'b1', value: 'one' },
      { key: 'b2', value: { two: 2 } },
    ]);
    const items = await client.state.getBulk('store', ['b1', 'b2', 'none'], { parallelism: 2 });
    const found = Object.fromEntries(items.map(({ key, data }) => [key, data]));
    assert.deepEqual([found['b1'], found['b2']], ['one', { two: 2 }]);
    assert.ok(!found['none']);
  },
  async publish() {
    const order = next('order');
    const { error } = await client.pubsub.publish('pubsub', 'orders', { id: 7 });
    assert.equal(error, undefined);
    assert.deepEqual(await order, [{ id: 7 }]);
  },
  async 'publish-bulk'() {
    const ids: number[] = [];
    const all = new Promise<void>((resolve) => {
      arrived.on('order', (order: { id: number }) => {
        if (ids.push(order.id) === 2) resolve();
      });
    });
    const { failedMessages } = await client.pubsub.publishBulk('pubsub', 'orders', [
      { entryID: 'x', event: { id: 8 }, contentType: 'application/json' },
      { entryID: 'y', event: { id: 9 }, contentType: 'application/json' },
    ]);
    assert.deepEqual(failedMessages, []);
    await all;
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      [8, 9],
    );
  },
  async invoke() {
    const answer = await client.invoker.invoke('sdk', 'echo', HttpMethod.POST, { say: 'hi' });
    assert.deepEqual(answer, { echo: { say: 'hi' } });
  },
  async 'actor-call'() {
    assert.equal(await counter('call').add(2), 2);
  },
  async 'actor-state'() {
    assert.equal(await counter('state').add(2), 2);
    assert.equal(await counter('state').add(3), 5);
    assert.equal(await client.state.get('store', 'none'), '');
  },
  async 'actor-timer'() {
    const fired = next('timer');
    await counter('timer').startTimer();
    assert.deepEqual(await fired, ['from timer']);
  },
  async 'actor-reminder'() {
    const fired = next('reminder');
    await counter('reminder').startReminder();
    assert.deepEqual(await fired, ['from reminder']);
  },
  async secret() {
    assert.deepEqual(await client.secret.get('secrets', 'password'), { password: 'open sesame' });
    assert.deepEqual(await client.secret.getBulk('secrets'), {
      password: { password: 'open sesame' },
      user: { user: 'ali' },
    });
  },
  async configuration() {
    const { items } = await client.configuration.get('config', ['colour']);
    assert.equal(items['colour']?.value, 'blue');
    assert.equal(items['colour']?.version, '1');
  },
  async 'configuration-subscribe'() {
    const changed = next('configuration');
    const stream = await client.configuration.subscribeWithKeys(
      'config',
      ['colour'],
      async (change) => {
        arrived.emit('configuration', change.items['colour']?.value);
      },
    );
    say({ ask: 'change' });
    const [value] = await changed;
    assert.match(String(value), /^shade \d+$/);
    stream.stop();
  },
  async lock() {
    assert.deepEqual(await client.lock.lock('lock', 'till', 'ann', 60), { success: true });
    assert.deepEqual(await client.lock.lock('lock', 'till', 'bob', 60), { success: false });
    assert.equal((await client.lock.unlock('lock', 'till', 'bob')).status, 2);
    assert.equal((await client.lock.unlock('lock', 'till', 'ann')).status, 0);
    assert.equal((await client.lock.unlock('lock', 'till', 'ann')).status, 1);
  },
  async crypto() {
    const options = { componentName: 'keys', keyName: 'key' };
    const sealed = await client.crypto.encrypt('a secret', {
      ...options,
      keyWrapAlgorithm: 'A256KW',
    });
    assert.ok(!sealed.includes('a secret'));
    assert.equal((await client.crypto.decrypt(sealed, options)).toString(), 'a secret');
  },
  async 'output-binding'() {
    await client.binding.send('files', 'create', 'a note', { fileName: 'note.txt' });
    const read = await client.binding.send('files', 'get', '', { fileName: 'note.txt' });
    assert.equal(
      typeof read === 'string' ? read : Buffer.from((read as { data: Uint8Array }).data).toString(),
      'a note',
    );
  },
  async 'input-binding'() {
    await next('tick');
  },
  async metadata() {
    assert.equal(await client.metadata.set('colour', 'red'), true);
    const { id, components, extended } = await client.metadata.get();
    assert.equal(id, 'sdk');
    assert.ok(components.length >= 7);
    if (!grpc) assert.equal(extended['colour'], 'red');
  },
};

/** What has no way in this SDK. */
for (const scenario of ['subscribe-stream', 'job']) {
  say({ scenario, ok: false, error: 'no API for it' });
}
for (const [scenario, run] of Object.entries(scenarios)) {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('nothing for 30 s')), 30_000);
  try {
    await Promise.race([run(), late.promise]);
    say({ scenario, ok: true });
  } catch (error) {
    say({
      scenario,
      ok: false,
      error: error instanceof Error ? error.message : JSON.stringify(error),
    });
  } finally {
    clearTimeout(timer);
  }
}
process.exit(0);
