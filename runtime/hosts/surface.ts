/**
 * What a host shows to the outside: the API over its engine and components,
 * topics delivered into actors and to the app, and the HTTP server.
 */
import { createApi, type Api } from '../api/index.ts';
import { subscribeApp } from '../api/app-subscriptions.ts';
import type { Engine } from '../core/engine.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';
import type { AppGrpc } from '../targets/app-grpc.ts';
import { createAppHttp } from '../targets/app-http.ts';
import { createHttpServer, type HttpServer } from '../transport/http-server.ts';
import type { GrpcServer } from '../transport/grpc/server.ts';
import { subscribeActors } from './actor-subscriptions.ts';
import { waitForPort } from './app-port.ts';
import { jobsOf } from './composition.ts';
import type { LoadedComponents } from './loaded-components.ts';
import { hostServices } from './services.ts';
import type { SystemOptions } from './system.ts';
import { VERSION } from './version.ts';

export interface SurfaceParts {
  readonly options: SystemOptions;
  readonly appId: string;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly components: LoadedComponents;
  readonly engine: Engine;
  readonly app: App | undefined;
}

export interface Surface extends AsyncDisposable {
  readonly api: Api;
  /** Opens the servers that were asked for; they answer as not ready. */
  listen(): Promise<void>;
  /** Puts the subscriptions of actors in place. */
  subscribe(): Promise<void>;
  /** Waits, as daprd does, until the app takes connections; asks for its subscriptions; the host is ready then. */
  join(): Promise<void>;
  server(): HttpServer | undefined;
  grpcServer(): GrpcServer | undefined;
  /** Takes no more events and requests; lets those that run finish. */
  close(): Promise<void>;
}

type App = ReturnType<typeof createAppHttp> | AppGrpc;

/** The channel of the app that the options name. What gRPC needs is loaded only for it. */
export async function openApp({
  appPort: port,
  appProtocol,
}: Pick<SystemOptions, 'appPort' | 'appProtocol'>): Promise<App | undefined> {
  if (port === undefined) return undefined;
  if (appProtocol !== 'grpc') return createAppHttp({ port });
  const { createAppGrpc } = await import('../targets/app-grpc.ts');
  return createAppGrpc({ port });
}

export function createSurface(parts: SurfaceParts): Surface {
  const { options, appId, clock, logger, components, engine, app } = parts;
  const waiting = { outbound: [] as string[], inbound: ['host'] };
  const services = hostServices({ appId, clock, logger });
  const api = createApi({
    services: services.open,
    appId,
    runtimeVersion: VERSION,
    actors: engine.actors,
    stateStores: components.stateStores,
    pubsubs: components.pubsubs,
    secretStores: components.secretStores,
    secretScopes: options.secretScopes,
    configurations: components.configurations,
    locks: components.locks,
    bindings: components.bindings,
    cryptoProviders: components.cryptoProviders,
    conversations: components.conversations,
    jobs: jobsOf(components, { appId, clock, logger }),
    components: components.list,
    app,
    invocations: options.invocations,
    models: options.models,
    now: () => clock.now(),
    tracer: options.tracer,
    logger,
    ready: () => waiting,
    shutdown: options.onShutdown,
  });
  let server: HttpServer | undefined;
  let grpcServer: GrpcServer | undefined;
  let closing: Promise<void> | undefined;
  const ends: (() => Promise<void>)[] = [];
  const leaving = new AbortController();

  const close = (): Promise<void> => {
    closing ??= (async () => {
      leaving.abort();
      await Promise.all(ends.map((end) => end()));
      await Promise.all([server?.close(), grpcServer?.close(), api.close()]);
      await services[Symbol.asyncDispose]();
      await app?.close();
    })();
    return closing;
  };

  return {
    api,
    server: () => server,
    grpcServer: () => grpcServer,
    async listen() {
      if (options.grpc) {
        // Loaded only when asked for: most programs have no gRPC API.
        const { createDaprGrpcServer } = await import('../transport/grpc/dapr-server.ts');
        const { grpcParts } = await import('./grpc-parts.ts');
        grpcServer = await createDaprGrpcServer({
          ...options.grpc,
          ...grpcParts({
            appId,
            app: app && 'client' in app ? app : undefined,
            isHttpApp: app !== undefined && !('client' in app),
            engine,
          }),
          api,
          now: () => clock.now(),
          tracer: options.tracer,
          logger,
        });
      }
      if (!options.http) return;
      const { port, host, ...limits } = options.http;
      server = await createHttpServer({
        ...limits,
        routes: api.routes,
        fallback: api.fallback,
        port,
        tracer: options.tracer,
        logger,
        ...(host === undefined ? {} : { host }),
      });
    },
    async subscribe() {
      await subscribeActors(api, engine, options.actors);
      await api.outbox.start();
    },
    async join() {
      if (app) {
        waiting.inbound = ['app'];
        logger.info({ port: app.port }, 'waiting for the app to take connections');
        await waitForPort(app, clock, leaving.signal);
        await subscribeApp({
          app,
          appId,
          subscriptions: api.subscriptions,
          logger,
          signal: leaving.signal,
        });
        if (!leaving.signal.aborted) ends.push(await api.bindings.start(), api.jobs.start());
      }
      waiting.inbound = [];
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
