import { once } from 'node:events';
import { credentials, Client, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRegistry, type Registry } from '../../components/registry.ts';
import type { HostInstance, NameResolver } from '../../components/nameresolution/contract.ts';
import { createApi, type Api, type ApiOptions } from '../api/index.ts';
import { TroupeError } from '../core/errors.ts';
import { createAppGrpc, type AppGrpc } from '../targets/app-grpc.ts';
import { createDaprGrpcServer } from '../transport/grpc/dapr-server.ts';
import { callRaw } from '../transport/grpc/grpc.fixture.ts';
import { createGrpcServer, type GrpcServer, type Handler } from '../transport/grpc/server.ts';
import { grpcParts } from './grpc-parts.ts';
import { openSidecarPeers, type SidecarPeers } from './sidecar-peers.ts';
import type { SidecarOptions } from './sidecar-options.ts';
import { createSystemClock } from './system-clock.ts';

const log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  scoped: () => log,
};
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A name resolution that is a table in this test. */
function table(): Registry {
  const known: HostInstance[] = [];
  const close = (): Promise<void> => Promise.resolve();
  const resolver: NameResolver = {
    features: [],
    ping: () => Promise.resolve(),
    register: (instance) => Promise.resolve(void known.push(instance)),
    resolve(wanted) {
      const found = known.find(({ appId }) => appId === wanted.appId);
      if (found) return Promise.resolve(found);
      return Promise.reject(new TroupeError('NOT_FOUND', `couldn't find service: ${wanted.appId}`));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return {
    types: () => ['nameresolution.mdns'],
    resolve: () =>
      Promise.resolve({
        kind: 'nameresolution',
        fields: [],
        driver: { fields: [], create: () => Promise.resolve(resolver) },
      }),
  };
}

interface Host {
  readonly api: Api;
  readonly grpc: GrpcServer;
  readonly internal: GrpcServer;
  readonly resolver: NameResolver | undefined;
}

type Given = Partial<ApiOptions> & {
  app?: AppGrpc;
  /** Name resolution by the Configuration. */
  configuration?: Pick<NonNullable<SidecarOptions['configuration']>, 'nameResolution'>;
};

/** A sidecar as far as calls between apps go. */
async function host(
  appId: string,
  registry: Registry,
  { app, configuration, ...more }: Given = {},
): Promise<Host> {
  const clock = createSystemClock();
  const options = {
    appId,
    log,
    configuration,
    listen: { internalPort: undefined, internalAddress: '', maxBodyBytes: 0 },
  } as unknown as SidecarOptions;
  const peering: SidecarPeers = await openSidecarPeers(options, clock, registry);
  const none = new Map<string, never>();
  const api = createApi({
    appId,
    runtimeVersion: '0',
    stateStores: none,
    pubsubs: none,
    components: [],
    now: () => clock.now(),
    logger: log,
    peers: peering.peers,
    app,
    ...more,
  });
  const internal = await peering.listen({ api, app, firings: undefined, graceMs: 100 });
  const parts = grpcParts({
    appId,
    app,
    isHttpApp: false,
    engine: undefined,
    peers: peering.peers,
  });
  const grpc = await createDaprGrpcServer({ ...parts, api, logger: log });
  open.push({ close: () => peering[Symbol.asyncDispose]() }, internal, grpc);
  return { api, grpc, internal, resolver: peering.resolver };
}

const signal = new AbortController().signal;
const request = { target: 'stock', path: 'items', method: 'GET', query: '', headers: {}, signal };

it('an app invokes another through both sidecars, and one that nobody knows is named', async () => {
  const registry = table();
  await host('stock', registry, {
    invocations: {
      items: (asked) => Response.json({ caller: asked.headers.get('dapr-caller-app-id') }),
    },
  });
  const shop = await host('shop', registry);
  const answer = await shop.api.invoke.invoke(request);
  const parts: Uint8Array[] = [];
  for await (const part of answer.body) parts.push(part);
  expect(JSON.parse(Buffer.concat(parts).toString())).toEqual({ caller: 'shop' });
  await expect(shop.api.invoke.invoke({ ...request, target: 'nobody' })).rejects.toThrow(
    "couldn't find service: nobody",
  );
});

it('a gRPC call is passed through both sidecars to the app of another', async () => {
  const registry = table();
  const seen: unknown[] = [];
  const served = await createGrpcServer({
    logger: log,
    handlers: new Map([
      [
        '/stock.Stock/Count',
        {
          kind: 'unary',
          handle(message, { headers }) {
            seen.push(headers['dapr-caller-app-id'], headers['x-own']);
            return Buffer.concat([Buffer.from('12 of '), message]);
          },
        },
      ],
    ]),
  });
  const app = createAppGrpc({ port: served.port });
  open.push(served, app);
  await host('stock', registry, { app });
  const shop = await host('shop', registry);
  const client = new Client(`127.0.0.1:${shop.grpc.port}`, credentials.createInsecure());
  open.push(client);
  const outcome = await callRaw(client, '/stock.Stock/Count', Buffer.from('mugs'), {
    metadata: { 'dapr-app-id': 'stock', 'x-own': 'mine' },
  });
  expect(outcome.bytes?.toString()).toBe('12 of mugs');
  expect(seen).toEqual(['shop', 'mine']);
});

/** A sidecar that finds two instances of "stock", "one" and "two", by services that are registered with it. */
async function shopOfTwo(balancing: string, stock: (name: string) => Promise<Given>) {
  const configuration = {
    nameResolution: { component: 'memory', version: 'v1', configuration: { balancing } },
  };
  const shop = await host('shop', createRegistry(), { configuration });
  for (const name of ['one', 'two']) {
    const { internal } = await host('stock', table(), await stock(name));
    const at = { address: '127.0.0.1', port: internal.port };
    shop.resolver!.services!.register({ name: 'stock', id: name, ...at });
  }
  return shop;
}

const BOTH = new Set(['one', 'two']);
const other = (name: string): string => (name === 'one' ? 'two' : 'one');

/** What `call` answers when it is made so many times, one after the other. */
async function inTurn(times: number, call: () => Promise<string>): Promise<Set<string>> {
  const answers = new Set<string>();
  for (let i = 0; i < times; i++) answers.add(await call());
  return answers;
}

describe.each([
  { balancing: 'leastInFlight', whileBusy: (name: string) => new Set([other(name)]) },
  { balancing: 'roundRobin', whileBusy: () => BOTH },
])('with $balancing', ({ balancing, whileBusy }) => {
  it('invocations go beside an instance that is busy, or do not', async () => {
    const entered = Promise.withResolvers<string>();
    const gate = Promise.withResolvers<void>();
    const shop = await shopOfTwo(balancing, async (name) => ({
      invocations: {
        slow: async () => {
          entered.resolve(name);
          await gate.promise;
          return new Response(name);
        },
        who: () => new Response(name),
        fail: () => Response.json({ name }, { status: 500 }),
      },
    }));
    const invoke = async (path: string): Promise<string> => {
      const parts: Uint8Array[] = [];
      for await (const part of (await shop.api.invoke.invoke({ ...request, path })).body)
        parts.push(part);
      return Buffer.concat(parts).toString();
    };
    const slow = invoke('slow');
    const busy = await entered.promise;
    await inTurn(3, () => invoke('fail'));
    expect(await inTurn(6, () => invoke('who'))).toEqual(whileBusy(busy));
    gate.resolve();
    expect(await slow).toBe(busy);
    expect(await inTurn(6, () => invoke('who'))).toEqual(BOTH);
  });

  it('gRPC calls go beside an instance that has a stream open, or do not', async () => {
    const shop = await shopOfTwo(balancing, async (name) => {
      const served = await createGrpcServer({
        logger: log,
        handlers: new Map<string, Handler>([
          ['/stock.Stock/Who', { kind: 'unary', handle: () => Buffer.from(name) }],
          [
            '/stock.Stock/Watch',
            {
              kind: 'stream',
              async handle(call) {
                await call.write(Buffer.from(name));
                for await (const _message of call.messages());
              },
            },
          ],
        ]),
      });
      const app = createAppGrpc({ port: served.port });
      open.push(served, app);
      return { app };
    });
    const client = new Client(`127.0.0.1:${shop.grpc.port}`, credentials.createInsecure());
    open.push(client);
    const who = async (): Promise<string> => {
      const metadata = { 'dapr-app-id': 'stock' };
      const { bytes } = await callRaw(client, '/stock.Stock/Who', Buffer.alloc(0), { metadata });
      return bytes!.toString();
    };
    const bytes = (one: Buffer): Buffer => one;
    const watch = async (): Promise<{ stream: ClientDuplexStream<Buffer, Buffer>; at: string }> => {
      const metadata = new Metadata();
      metadata.set('dapr-app-id', 'stock');
      const stream = client.makeBidiStreamRequest('/stock.Stock/Watch', bytes, bytes, metadata);
      stream.on('error', () => {});
      const [first] = (await once(stream, 'data')) as [Buffer];
      return { stream, at: first.toString() };
    };
    const ended = await watch();
    expect(await inTurn(4, who)).toEqual(whileBusy(ended.at));
    const over = once(ended.stream, 'status');
    ended.stream.end();
    await over;
    expect(await inTurn(4, who)).toEqual(BOTH);
    const cancelled = await watch();
    expect(await inTurn(4, who)).toEqual(whileBusy(cancelled.at));
    cancelled.stream.cancel();
    // The sidecar hears of it a moment after the client.
    await vi.waitFor(async () => expect(await inTurn(4, who)).toEqual(BOTH), 5_000);
  });
});
