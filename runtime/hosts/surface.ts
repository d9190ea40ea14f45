/**
 * What a host shows to the outside: the API over its engine and components,
 * topics delivered into actors and to the app, and the HTTP server.
 */
import type { ActorClass, CloudEvent, TopicSubscription } from '../actor/actor.ts';
import { createApi, type Api } from '../api/index.ts';
import { subscribeApp } from '../api/app-subscriptions.ts';
import { copyOf } from '../core/codec.ts';
import type { Engine } from '../core/engine.ts';
import { isActorError } from '../core/errors.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';
import type { AppGrpc } from '../targets/app-grpc.ts';
import { createAppHttp } from '../targets/app-http.ts';
import { createHttpServer, type HttpServer } from '../transport/http-server.ts';
import type { GrpcServer } from '../transport/grpc/server.ts';
import { waitForPort } from './app-port.ts';
import { jobsOf } from './composition.ts';
import type { LoadedComponents } from './loaded-components.ts';
import type { SystemOptions } from './system.ts';
import { VERSION } from './version.ts';

/** How long an actor remembers an event that a topic delivered, to drop repetitions. */
const EVENT_WINDOW_MS = 86_400_000;

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
  const api = createApi({
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
    now: () => clock.now(),
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
        logger,
        ...(host === undefined ? {} : { host }),
      });
    },
    async subscribe() {
      for (const actorClass of options.actors) {
        for (const subscription of actorClass.subscriptions ?? []) {
          await subscribeActors(api, engine, actorClass, subscription);
        }
      }
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

/** Delivers a topic into the actors of a type: each event a turn, repetitions dropped by the actor. */
async function subscribeActors(
  api: Api,
  engine: Engine,
  { type }: ActorClass,
  { pubsub = 'pubsub', topic, method, id, deadLetterTopic }: TopicSubscription,
): Promise<void> {
  const deliver = async (
    event: CloudEvent,
    { signal }: { signal: AbortSignal },
  ): Promise<'SUCCESS' | 'DROP'> => {
    const once = {
      key: `event||${pubsub}||${event.source}||${event.id}||${method}`,
      stream: '',
      seq: 0,
      windowMs: EVENT_WINDOW_MS,
    };
    try {
      await engine.actors.call({
        type,
        id: id(event),
        method,
        payload: copyOf(event),
        once,
        signal,
      });
      return 'SUCCESS';
    } catch (error) {
      if (!isActorError(error)) throw error;
      engine.parts.logger.warn(
        { type, topic, event: event.id, err: error },
        'actor refused an event',
      );
      return 'DROP';
    }
  };
  await api.subscriptions.subscribe(
    { pubsub, topic, deadLetterTopic, path: `actor:${type}/${method}` },
    deliver,
  );
}
