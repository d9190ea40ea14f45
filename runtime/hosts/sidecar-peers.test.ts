import { credentials, Client } from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';
import type { Registry } from '../../components/registry.ts';
import type { HostInstance, NameResolver } from '../../components/nameresolution/contract.ts';
import { createApi, type Api, type ApiOptions } from '../api/index.ts';
import { TroupeError } from '../core/errors.ts';
import { createAppGrpc, type AppGrpc } from '../targets/app-grpc.ts';
import { createDaprGrpcServer } from '../transport/grpc/dapr-server.ts';
import { callRaw } from '../transport/grpc/grpc.fixture.ts';
import { createGrpcServer, type GrpcServer } from '../transport/grpc/server.ts';
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
}

/** A sidecar as far as calls between apps go. */
async function host(
  appId: string,
  registry: Registry,
  { app, ...more }: Partial<ApiOptions> & { app?: AppGrpc } = {},
): Promise<Host> {
  const clock = createSystemClock();
  const options = {
    appId,
    log,
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
  return { api, grpc };
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
