/** `troupe/client` against `troupe sidecar` and against the official daprd, which differ in nothing that it sees. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient as createRedisClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, startSidecar } from '../../runtime/cli/sidecar.fixture.ts';
import { clientBlocks, type Sidecar } from '../../runtime/client/blocks.fixture.ts';
import { ActorError, createClient, isActorError } from '../../runtime/client/index.ts';
import { startDaprd, startPlacement, startScheduler } from '../servers/dapr.ts';
import { startRedis } from '../servers/redis.ts';
import { writeResources } from './sdks/harness.ts';

interface CartApi {
  add(line: { sku: string }): { lines: number };
  refuse(): never;
}

describe.each(['troupe', 'daprd'] as const)('%s', (kind) => {
  const stack = new AsyncDisposableStack();
  let sidecar: Sidecar;
  let changeColour: (value: string) => Promise<void>;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-client-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const redis = stack.use(await startRedis());
    const settings = createRedisClient({ url: `redis://127.0.0.1:${redis.port}` });
    await settings.connect();
    stack.defer(() => settings.close());
    await settings.configSet('notify-keyspace-events', 'KEA');
    await settings.set('colour', 'blue||1');
    let version = 1;
    changeColour = async (value) => void (await settings.set('colour', `${value}||${++version}`));
    const app = stack.use(
      await startApp(({ method, url, body }, response) => {
        const [path, query = ''] = url.split('?');
        response.setHeader('content-type', 'application/json');
        if (path === '/dapr/config') return response.end('{"entities":["Cart"]}');
        if (path === '/echo') {
          const answer = { verb: method, query, body: JSON.parse(body) as unknown };
          return response.end(JSON.stringify(answer));
        }
        if (path === '/actors/Cart/c-1/method/add') return response.end('{"lines":1}');
        if (path === '/actors/Cart/c-1/method/refuse') {
          // How an actor's own error gets through daprd.
          response.setHeader('X-Daprerrorresponseheader', 'true');
          const details = new ActorError('OUT_OF_STOCK', 'none left', { status: 422 });
          const { code: errorCode, message } = details;
          return response.end(JSON.stringify({ errorCode, message, details }));
        }
        return path?.startsWith('/actors/') ? response.end() : undefined;
      }),
    );
    const resources = await writeResources(folder, redis.port, kind === 'daprd');
    if (kind === 'troupe') {
      const args = [`--app-port=${app.port}`];
      const yaml = Object.values(resources);
      const ours = stack.use(await startSidecar({ appId: 'app', args, resources: yaml }));
      await ours.healthy();
      sidecar = { http: ours.base, grpc: `grpc://127.0.0.1:${ours.grpcPort}` };
      return;
    }
    const placement = stack.use(await startPlacement());
    const scheduler = stack.use(await startScheduler());
    const options = { appId: 'app', appPort: app.port, resources, placement, scheduler };
    const { httpPort, grpcPort } = stack.use(await startDaprd(options));
    sidecar = { http: `http://127.0.0.1:${httpPort}`, grpc: `grpc://127.0.0.1:${grpcPort}` };
  });
  afterAll(() => stack.disposeAsync());

  clientBlocks({
    sidecar: () => sidecar,
    isTroupe: kind === 'troupe',
    changeColour: (value) => changeColour(value),
  });

  it.each(['http', 'grpc'] as const)('calls actors over %s', async (transport) => {
    await using client = createClient({ address: sidecar[transport] });
    const cart = client.ref<CartApi>('Cart', 'c-1');
    expect(await cart.add({ sku: 'mug' })).toEqual({ lines: 1 });
    const error = await cart.refuse().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'OUT_OF_STOCK', message: 'none left', status: 422 });
    expect(isActorError(error)).toBe(true);
    const nobody = client.ref<CartApi>('Nobody', 'x').add({ sku: 'mug' }, { timeout: 20_000 });
    await expect(nobody).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.runIf(kind === 'troupe')('repeats no call of an app outside with its key', async () => {
    for (const transport of ['http', 'grpc'] as const) {
      await using client = createClient({ address: sidecar[transport] });
      const cart = client.ref<CartApi>('Cart', 'c-1');
      const once = { idempotencyKey: `key-${transport}` };
      expect(await cart.add({ sku: 'mug' }, once)).toEqual({ lines: 1 });
      expect(await cart.add({ sku: 'mug' }, once)).toBeUndefined();
    }
  });
});
