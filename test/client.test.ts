import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startApp } from '../runtime/cli/sidecar.fixture.ts';
import { component, createSystem, type System } from '../runtime/index.ts';
import { Counter } from '../runtime/transport/api.fixture.ts';
import { clientBlocks } from '../runtime/client/blocks.fixture.ts';
import { createClient, isActorError, type ActorError } from '../runtime/client/index.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const stack = new AsyncDisposableStack();
let system: System;
let addresses: { http: string; grpc: string };

interface CounterApi {
  add(by: number): number;
  get(): number;
  nothing(): void;
  refuse(): never;
  crash(): never;
  wait(): string;
}

async function start(ports: { http?: number; grpc?: number } = {}, appPort?: number) {
  return createSystem({
    appId: 'app',
    actors: [Counter],
    http: { port: ports.http ?? 0 },
    grpc: { port: ports.grpc ?? 0 },
    logger: silent,
    ...(appPort === undefined ? {} : { appPort }),
    components: [component('store', 'state.in-memory', { actorStateStore: 'true' }), ...more],
  });
}

let more: ReturnType<typeof component>[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-client-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [keys, files, secrets] = ['keys', 'files', 'secrets.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  await Promise.all([mkdir(keys), mkdir(files)]);
  await writeFile(join(keys, 'key'), randomBytes(32).toString('base64'));
  await writeFile(secrets, JSON.stringify({ password: 'open sesame', user: 'ali' }));
  const app = stack.use(
    await startApp(({ method, url, body }, response) => {
      const [path, query = ''] = url.split('?');
      if (path !== '/echo') return undefined;
      response.setHeader('content-type', 'application/json');
      return response.end(
        JSON.stringify({ verb: method, query, body: JSON.parse(body) as unknown }),
      );
    }),
  );
  more = [
    component('pubsub', 'pubsub.in-memory'),
    component('secrets', 'secretstores.local.file', { secretsFile: secrets }),
    component('config', 'configuration.in-memory', { items: '{"colour":"blue"}' }),
    component('lock', 'lock.in-memory'),
    component('keys', 'crypto.dapr.localstorage', { path: keys }),
    component('files', 'bindings.localstorage', { rootPath: files }),
  ];
  system = await start({}, app.port);
  stack.defer(() => system.close());
  addresses = {
    http: `http://127.0.0.1:${system.http!.port}`,
    grpc: `grpc://127.0.0.1:${system.grpc!.port}`,
  };
});
afterAll(() => stack.disposeAsync());

clientBlocks({ sidecar: () => addresses, isTroupe: true });

describe.each(['http', 'grpc'] as const)('a ref over %s', (transport) => {
  const open = () => createClient({ address: addresses[transport] });
  const ref = (client: ReturnType<typeof open>, id: string) =>
    client.ref<CounterApi>('Counter', `${transport}-${id}`);

  it('calls an actor that it knows only by an interface', async () => {
    await using client = open();
    expect(await ref(client, 'a').add(2)).toBe(2);
    expect(await ref(client, 'a').add(40)).toBe(42);
    expect(await ref(client, 'a').nothing()).toBeUndefined();
  });

  it('throws the error of the application as it was thrown', async () => {
    await using client = open();
    const error = await ref(client, 'b')
      .refuse()
      .catch((thrown: unknown) => thrown);
    expect(isActorError(error)).toBe(true);
    expect((error as ActorError).toJSON()).toMatchObject({
      code: 'OUT_OF_STOCK',
      message: 'none left of 85123A',
      status: 422,
      details: { code: '85123A' },
      actor: { type: 'Counter', id: `${transport}-b` },
      method: 'refuse',
    });
  });

  it('throws the runtime’s own errors by their code', async () => {
    await using client = open();
    await expect(ref(client, 'c').crash()).rejects.toMatchObject({ code: 'INTERNAL' });
    const unknown = client.ref<CounterApi>('Nobody', 'x');
    await expect(unknown.get()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const noMethod = client.ref<{ fly(): void }>('Counter', 'x');
    await expect(noMethod.fly()).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
  });

  it('ends with the deadline, which travels to the actor', async () => {
    await using client = open();
    const slow = ref(client, 'd');
    await expect(slow.wait(undefined, { timeout: 100 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    // The turn ends with its caller's time, so that this one is not kept waiting.
    expect(await slow.add(1)).toBe(1);
    const over = slow.add(1, { deadline: Date.now() - 1 });
    await expect(over).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('gives up when its signal aborts, and the actor is told', async () => {
    await using client = open();
    const slow = ref(client, 'e');
    const giveUp = new AbortController();
    const waiting = slow.wait(undefined, { signal: giveUp.signal });
    giveUp.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await slow.add(1)).toBe(1);
  });

  it('takes effect once for one idempotency key', async () => {
    await using client = open();
    const counter = ref(client, 'f');
    expect(await counter.add(5, { idempotencyKey: 'order-7' })).toBe(5);
    expect(await counter.add(5, { idempotencyKey: 'order-7' })).toBeUndefined();
    expect(await counter.add(5, { idempotencyKey: 'order-8' })).toBe(10);
    const long = counter.add(5, { idempotencyKey: 'x'.repeat(300) });
    await expect(long).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe.each(['http', 'grpc'] as const)('a connection over %s', (transport) => {
  it('is opened again after the sidecar was gone, and subscriptions with it', async () => {
    let own = await start();
    const port = own[transport]!.port;
    await using client = createClient({ address: `${transport}://127.0.0.1:${port}` });
    expect(await client.ref<CounterApi>('Counter', 'a').add(1)).toBe(1);
    const events: unknown[] = [];
    const subscribes = transport === 'grpc';
    if (subscribes) {
      await client.subscribe('pubsub', 'again', ({ data }) => void events.push(data));
    }
    await own.close();
    await expect(client.ref<CounterApi>('Counter', 'a').add(1)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(await client.isHealthy()).toBe(false);
    own = await start({ [transport]: port });
    expect(await client.ref<CounterApi>('Counter', 'a').add(1)).toBe(1);
    if (subscribes) {
      // In memory nobody keeps an event for a stream that is not there yet.
      await vi.waitFor(async () => {
        await client.publish('pubsub', 'again', 1);
        expect(events).not.toHaveLength(0);
      });
    }
    await client.close();
    await own.close();
  });

  it('that breaks off in the middle says that the outcome is not known', async () => {
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await using client = createClient({ address: `http://127.0.0.1:${port}` });
    await expect(client.ref<CounterApi>('Counter', 'a').add(1)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: false,
    });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a client', () => {
  it('refuses an address of another kind, and calls after it was closed', async () => {
    const odd = createClient({ address: 'ftp://x' });
    await expect(odd.metadata()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const closed = createClient({ address: addresses.http });
    await closed.close();
    await closed.close();
    await expect(closed.metadata()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
