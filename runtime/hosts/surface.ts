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
import { createAppHttp } from '../targets/app-http.ts';
import { createHttpServer, type HttpServer } from '../transport/http-server.ts';
import { waitForPort } from './app-port.ts';
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
}

export interface Surface extends AsyncDisposable {
  readonly api: Api;
  /** Opens the HTTP server, if one was asked for; it answers as not ready. */
  listen(): Promise<void>;
  /** Puts the subscriptions of actors in place. */
  subscribe(): Promise<void>;
  /** Waits, as daprd does, until the app takes connections; asks for its subscriptions; the host is ready then. */
  join(): Promise<void>;
  server(): HttpServer | undefined;
  /** Takes no more events and requests; lets those that run finish. */
  close(): Promise<void>;
}

export function createSurface(parts: SurfaceParts): Surface {
  const { options, appId, clock, logger, components, engine } = parts;
  const app = options.appPort === undefined ? undefined : createAppHttp({ port: options.appPort });
  const waiting = { outbound: [] as string[], inbound: ['host'] };
  const api = createApi({
    appId,
    runtimeVersion: VERSION,
    actors: engine.actors,
    stateStores: components.stateStores,
    pubsubs: components.pubsubs,
    secretStores: components.secretStores,
    secretScopes: options.secretScopes,
    components: components.list,
    app,
    invocations: options.invocations,
    now: () => clock.now(),
    logger,
    ready: () => waiting,
    shutdown: options.onShutdown,
  });
  let server: HttpServer | undefined;
  let closing: Promise<void> | undefined;
  const leaving = new AbortController();

  const close = (): Promise<void> => {
    closing ??= (async () => {
      leaving.abort();
      await Promise.all([server?.close(), api.close()]);
      await app?.close();
    })();
    return closing;
  };

  return {
    api,
    server: () => server,
    async listen() {
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
