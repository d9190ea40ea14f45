/**
 * The API of one app: all building blocks over what the host hands in, and
 * their HTTP rows. Adding a block is one file and one line here.
 */
import type { ActorRuntime, EngineLogger, Publisher } from '../core/ports.ts';
import { actorRoutes } from './actor-routes.ts';
import { createActorsApi, type ActorsApi } from './actors.ts';
import { blockRoutes, createBlocks, type Blocks, type BlocksOptions } from './blocks.ts';
import { createHealthApi, healthRoutes, type HealthApi, type Readiness } from './health.ts';
import {
  createInvokeApi,
  invokeRoute,
  type AppChannel,
  type InvocationHandler,
  type InvokeApi,
} from './invoke.ts';
import {
  createMetadataApi,
  metadataRoutes,
  type ComponentInfo,
  type MetadataApi,
} from './metadata.ts';
import { createPublisher, createPubSubApi, type PubSubApi, type PubSubEntry } from './pubsub.ts';
import { pubsubRoutes } from './pubsub-routes.ts';
import type { HttpRoute } from './route.ts';
import { createStateApi, type StateApi, type StateStoreEntry } from './state.ts';
import { stateRoutes } from './state-routes.ts';
import { createSubscriptions, type Subscriptions } from './subscriptions.ts';

export interface ApiOptions extends BlocksOptions {
  readonly appId: string;
  readonly runtimeVersion: string;
  readonly namespace?: string | undefined;
  /** Absent: the app hosts no actors and the actor API says so. */
  readonly actors?: ActorRuntime | undefined;
  readonly stateStores: ReadonlyMap<string, StateStoreEntry>;
  readonly pubsubs: ReadonlyMap<string, PubSubEntry>;
  /** As `/v1.0/metadata` lists them. */
  readonly components: readonly ComponentInfo[];
  /** The HTTP app beside the host. */
  readonly app?: AppChannel | undefined;
  readonly invocations?: Readonly<Record<string, InvocationHandler>> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: EngineLogger;
  /** Absent: always ready. */
  readonly ready?: (() => Readiness) | undefined;
  /** Ends the host. Absent: `POST /v1.0/shutdown` is refused. */
  readonly shutdown?: ((options: { force: boolean }) => void) | undefined;
}

export interface Api extends Blocks, AsyncDisposable {
  readonly state: StateApi;
  readonly pubsub: PubSubApi;
  readonly publisher: Publisher;
  readonly subscriptions: Subscriptions;
  readonly invoke: InvokeApi;
  readonly actors: ActorsApi;
  readonly metadata: MetadataApi;
  readonly health: HealthApi;
  readonly routes: readonly HttpRoute[];
  /** Takes what no route takes. */
  readonly fallback: HttpRoute;
  /** Ends the subscriptions; what the host handed in stays open. Idempotent. */
  close(): Promise<void>;
}

export function createApi(options: ApiOptions): Api {
  const { now } = options;
  const state = createStateApi(options);
  const pubsub = createPubSubApi(options);
  const subscriptions = createSubscriptions({ ...options, pubsub });
  const invoke = createInvokeApi(options);
  const actors = createActorsApi(options.actors);
  const metadata = createMetadataApi({ ...options, subscriptions: () => subscriptions.list() });
  const health = createHealthApi(options);
  const blocks = createBlocks(options);
  return {
    ...blocks,
    state,
    pubsub,
    publisher: createPublisher(pubsub),
    subscriptions,
    invoke,
    actors,
    metadata,
    health,
    routes: [
      ...actorRoutes(actors, now),
      ...stateRoutes(state),
      ...pubsubRoutes(pubsub),
      ...blockRoutes(blocks),
      ...metadataRoutes(metadata),
      ...healthRoutes(health),
    ],
    fallback: invokeRoute(invoke),
    close: () => subscriptions.close(),
    [Symbol.asyncDispose]: () => subscriptions.close(),
  };
}
