/**
 * The API of one app: all building blocks over what the host hands in, and
 * their HTTP rows. Adding a block is one file and one line here.
 */
import type { ActorRuntime, EngineLogger, Publisher } from '../core/ports.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Tracer } from '../core/tracing.ts';
import { actorRoutes } from './actor-routes.ts';
import { createActorsApi, type ActorsApi } from './actors.ts';
import { measuredDeliver, measuredPeers } from './block-telemetry.ts';
import {
  blockRoutes,
  closeBlocks,
  createBlocks,
  type Blocks,
  type BlocksOptions,
} from './blocks.ts';
import { createHealthApi, healthRoutes, type HealthApi, type Readiness } from './health.ts';
import type { ModelServer } from './inference.ts';
import { inferenceRoutes } from './inference-routes.ts';
import {
  createInvokeApi,
  type AppChannel,
  type InvocationHandler,
  type InvokeApi,
  type HttpEndpoints,
  type Peers,
} from './invoke.ts';
import { invokeRoute } from './invoke-route.ts';
import {
  createMetadataApi,
  metadataRoutes,
  type AppConnection,
  type ComponentInfo,
  type MetadataApi,
} from './metadata.ts';
import { createPublisher, createPubSubApi, type PubSubApi, type PubSubEntry } from './pubsub.ts';
import { pubsubRoutes } from './pubsub-routes.ts';
import type { HttpRoute } from './route.ts';
import { createStateApi, type StateApi, type StateStoreEntry } from './state.ts';
import { createStateOutbox, type StateOutbox } from './state-outbox.ts';
import { stateRoutes } from './state-routes.ts';
import { withTrace } from './trace-context.ts';
import { createSubscriptions, type Subscriptions, type Timer } from './subscriptions.ts';

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
  /** The way to other apps. */
  readonly peers?: Peers | undefined;
  /** The way to addresses outside. */
  readonly endpoints?: HttpEndpoints | undefined;
  readonly invocations?: Readonly<Record<string, InvocationHandler>> | undefined;
  /** As `/v1.0/metadata` prints them. */
  readonly appConnection?: AppConnection | undefined;
  readonly enabledFeatures?: readonly string[] | undefined;
  /** True: actors can be called although this host has none. Default: when `actors` is there. */
  readonly actorsEnabled?: boolean | undefined;
  /** Whether the app has said which actors it hosts. Default: when the host is ready. */
  readonly isRegistered?: (() => boolean) | undefined;
  /** Whether this host is a member of a placement outside. Absent: it places its actors itself. */
  readonly isPlaced?: (() => boolean) | undefined;
  /** Addresses of the schedulers outside that are connected. Absent: there are none. */
  readonly schedulers?: (() => readonly string[]) | undefined;
  readonly httpEndpoints?: readonly string[] | undefined;
  readonly resiliencies?: readonly string[] | undefined;
  /** False: ttlInSeconds of actor state is refused, as in Dapr without its feature ActorStateTTL. Default true. */
  readonly actorStateTtl?: boolean | undefined;
  /** Absent: the Open Inference Protocol is not served. */
  readonly models?: ModelServer | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Delays on the clock of `now`. Default: the real time. */
  readonly timer?: Timer | undefined;
  /** Policies of calls and deliveries. Absent: each is tried once. */
  readonly resiliency?: Resiliency | undefined;
  /** Gets counts and latencies of what the blocks do. Absent: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  /** Makes spans of deliveries to the app. Absent: a trace context is passed on as it came. */
  readonly tracer?: Tracer | undefined;
  readonly logger: EngineLogger;
  /** Absent: always ready. */
  readonly ready?: (() => Readiness) | undefined;
  /** Ends the host. Absent: `POST /v1.0/shutdown` is refused. */
  readonly shutdown?: ((options: { force: boolean }) => void) | undefined;
}

export interface Api extends Blocks, AsyncDisposable {
  readonly state: StateApi;
  /** Of transactions; `start` takes up what waits since before. */
  readonly outbox: StateOutbox;
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
  const pubsub = createPubSubApi(options);
  const outbox = createStateOutbox({ ...options, pubsub });
  const state = createStateApi({ ...options, outbox });
  const subscriptions = createSubscriptions({ ...options, pubsub });
  const invoke = createMeasuredInvoke(options);
  const actors = createActorsApi(options.actors, options.actorStateTtl);
  const metadata = createMetadataApi({ ...options, subscriptions: () => subscriptions.list() });
  const health = createHealthApi(options);
  const blocks = createBlocks(options);
  const close = async (): Promise<void> => {
    await Promise.all([subscriptions.close(), outbox.close(), closeBlocks(blocks)]);
  };
  return {
    ...blocks,
    state,
    outbox,
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
      ...(options.models ? modelRoutes(options.models, options) : []),
    ],
    fallback: invokeRoute(invoke),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function modelRoutes(
  models: ModelServer,
  { runtimeVersion, ready, logger }: ApiOptions,
): HttpRoute[] {
  return inferenceRoutes({
    models,
    version: runtimeVersion,
    // A model server's deadlines are of the machine's time, also where the actors' is virtual.
    now: () => Date.now(),
    ready: () => {
      const waiting = ready?.();
      return !waiting || waiting.outbound.length + waiting.inbound.length === 0;
    },
    onError: (error) => logger.error({ err: error }, 'inference request failed'),
  });
}

function createMeasuredInvoke(options: ApiOptions): InvokeApi {
  const { telemetry, peers } = options;
  const measured = telemetry && peers && measuredPeers(peers, telemetry);
  const invoke = createInvokeApi(measured ? { ...options, peers: measured } : options);
  return {
    invoke: (request) => invoke.invoke({ ...request, headers: withTrace(request.headers) }),
    deliver: telemetry ? measuredDeliver(invoke.deliver, telemetry) : invoke.deliver,
  };
}
