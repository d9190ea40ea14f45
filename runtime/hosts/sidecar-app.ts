/**
 * The app's side of a sidecar's life: waiting for its port, watching its
 * health, and what begins when it is well and ends when it is not. What begins
 * is a list of features; each is started and stopped in order.
 */
import type { Api } from '../api/index.ts';
import type { KindName } from '../../components/registry.ts';
import { subscribeApp, type AppSubscriptions } from '../api/app-subscriptions.ts';
import type { SubscriptionSpec } from '../config/subscription.ts';
import type { Engine } from '../core/engine.ts';
import type { Clock } from '../core/ports.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { AppActorType } from '../targets/app-actors.ts';
import { waitForPort } from './app-port.ts';
import { pipeChannel, type Pipeline } from './component-pipeline.ts';
import { askForActors, hostAppActors } from './sidecar-actors.ts';
import { openAppChannel, type OpenAppChannel } from './sidecar-channel.ts';
import { createAppHealth, type AppHealth } from './sidecar-health.ts';
import type { SidecarAppOptions, SidecarOptions } from './sidecar-options.ts';

export interface SidecarAppParts {
  readonly options: SidecarOptions;
  readonly clock: Clock;
  readonly resiliency?: Resiliency | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Steps of every call to an app behind HTTP. */
  readonly pipeline?: Pipeline | undefined;
}

/** What the features of an app are given. */
export interface AppContext {
  readonly api: Api;
  readonly engine: Engine | undefined;
  /** Aborts when the sidecar stops. */
  readonly signal: AbortSignal;
}

export interface SidecarApp {
  /** Undefined when the sidecar has no app. */
  readonly channel: OpenAppChannel | undefined;
  /** What to wait for until the app has said which actors it hosts; undefined once it has. */
  registration(): Promise<void> | undefined;
  /** Resolves when the app is there; its features start when it is healthy. */
  start(context: AppContext): Promise<void>;
  /** Resolves when the app is found unhealthy. */
  unhealthy(): Promise<void>;
  /** Ends the app's subscriptions and bindings for good; everything else goes on. */
  pauseDeliveries(): Promise<void>;
  /** Subscriptions declared beside the app. */
  declared(): readonly SubscriptionSpec[];
  /** Puts other declared subscriptions in the place of all. */
  declare(specs: readonly SubscriptionSpec[]): Promise<void>;
  /** A component came, was replaced or went: what the app gets from it is made anew. */
  componentChanged(kind: KindName, name: string): Promise<void>;
  /** Ends the features. Idempotent. */
  stop(): Promise<void>;
}

/** Something that runs while the app is healthy. Ends by the function that it resolves to. */
type Feature = () => Promise<(() => Promise<void>) | undefined>;

export function createSidecarApp({
  options,
  clock,
  resiliency,
  telemetry,
  pipeline,
}: SidecarAppParts): SidecarApp {
  const { app, log } = options;
  const registered = Promise.withResolvers<void>();
  let isRegistered = false;
  const register = (): void => {
    isRegistered = true;
    registered.resolve();
  };
  const fell = Promise.withResolvers<void>();
  let health: AppHealth | undefined;
  const isHealthy = (): boolean => health?.isHealthy ?? true;
  const { maxBodyBytes } = options.listen;
  const direct = app && openAppChannel(app, isHealthy, maxBodyBytes, telemetry);
  const channel = direct && (direct.events ? direct : pipeChannel(direct, pipeline));
  let declared = options.subscriptions ?? [];
  let subscriptions: AppSubscriptions | undefined;
  let bindings: { readonly api: Api; end(): Promise<void> } | undefined;
  let paused = false;
  let endDeliveries: (() => Promise<void>) | undefined;
  const running: (() => Promise<void>)[] = [];

  async function begin(features: readonly Feature[]): Promise<void> {
    for (const feature of features) {
      const end = await feature();
      if (end) running.unshift(end);
    }
  }

  async function end(): Promise<void> {
    for (const one of running.splice(0)) await one();
  }

  async function startApp(
    given: SidecarAppOptions,
    open: OpenAppChannel,
    context: AppContext,
  ): Promise<void> {
    let actors: Promise<readonly AppActorType[]> | undefined;
    const { appId, controlPlane } = options;
    const roundMs = controlPlane?.disseminateTimeoutMs;
    const asking = { app: open, appId, log, signal: context.signal, roundMs };
    const features: Feature[] = [
      async () => {
        if (given.disabledInitEndpoints.includes('config')) {
          log.warn(
            {},
            "Skipping programmatic dapr configuration loading (see 'disable-init-endpoints' flag/annotation)",
          );
          actors = Promise.resolve([]);
        }
        // An app over gRPC has no such call: it hosts actors over a stream that it opens.
        if (open.events) actors = Promise.resolve([]);
        actors ??= askForActors(asking);
        await actors;
        return undefined;
      },
      async () => {
        if (paused) return undefined;
        subscriptions = await startSubscriptions(
          given,
          open,
          { ...options, subscriptions: declared },
          context,
        );
        endDeliveries = async () => {
          await subscriptions?.close();
          subscriptions = undefined;
        };
        return endDeliveries;
      },
      () => Promise.resolve(paused ? undefined : context.api.jobs.start()),
      async () => {
        const end = hostAppActors(await actors!, context.engine, { ...asking, resiliency });
        register();
        return end;
      },
      async () => {
        if (paused) return undefined;
        bindings = { api: context.api, end: await context.api.bindings.start() };
        const endBindings = async (): Promise<void> => {
          await bindings?.end();
          bindings = undefined;
        };
        const before = endDeliveries;
        endDeliveries = async () => {
          await Promise.all([before?.(), endBindings()]);
        };
        return endBindings;
      },
    ];
    const { port, protocol } = given;
    log.info(
      {},
      `application protocol: ${protocol}. waiting on port ${port}.  This will block until the app is listening on that port.`,
    );
    await waitForPort(given, clock, context.signal);
    log.info({}, `application discovered on port ${port}`);
    if (given.maxConcurrency > 0) {
      log.info({}, `app max concurrency set to ${given.maxConcurrency}`);
    }
    if (!given.health) {
      await begin(features);
      return;
    }
    health = createAppHealth({
      ...given.health,
      clock,
      logger: log.scoped('dapr.apphealth'),
      probe: (signal) => open.probe(signal),
      async changed(isHealthy) {
        if (isHealthy) await begin(features);
        else {
          fell.resolve();
          await end();
        }
      },
    });
    health.start();
  }

  return {
    channel,
    registration: () => (isRegistered ? undefined : registered.promise),
    async start(context) {
      if (app && channel) {
        await startApp(app, channel, context);
        return;
      }
      log.warn({}, 'App channel is not initialized. Did you configure an app-port?');
      register();
    },
    unhealthy: () => (health && !health.isHealthy ? Promise.resolve() : fell.promise),
    async pauseDeliveries() {
      paused = true;
      await endDeliveries?.();
    },
    declared: () => declared,
    async declare(specs) {
      declared = inOrderOfChange(declared, specs);
      await subscriptions?.declare(declared);
    },
    async componentChanged(kind, name) {
      if (kind === 'pubsub') await subscriptions?.refresh(name);
      if (kind !== 'bindings' || !bindings) return;
      await bindings.end();
      bindings = { ...bindings, end: await bindings.api.bindings.start() };
    },
    async stop() {
      await health?.stop();
      await end();
    },
  };
}

/** As daprd lists them: what stays as it is goes before what is new or changed. */
function inOrderOfChange(
  before: readonly SubscriptionSpec[],
  now: readonly SubscriptionSpec[],
): readonly SubscriptionSpec[] {
  const textFor = ({ source: _source, ...spec }: SubscriptionSpec): string => JSON.stringify(spec);
  const wanted = new Map(now.map((spec) => [textFor(spec), spec]));
  const kept = before.flatMap((spec) => wanted.get(textFor(spec)) ?? []);
  return [...kept, ...now.filter((spec) => !kept.includes(spec))];
}

async function startSubscriptions(
  { disabledInitEndpoints }: SidecarAppOptions,
  app: OpenAppChannel,
  { appId, log, subscriptions }: SidecarOptions,
  { api, signal }: AppContext,
): Promise<AppSubscriptions | undefined> {
  const listsNone = disabledInitEndpoints.includes('subscribe');
  if (listsNone) {
    log.warn(
      {},
      "Skipping programmatic subscription loading (see 'disable-init-endpoints' flag/annotation)",
    );
  }
  try {
    return await subscribeApp({
      app,
      appId,
      subscriptions: api.subscriptions,
      logger: log,
      signal,
      declared: subscriptions ?? [],
      hasPubSub: (name) => api.pubsub.has(name),
      hasAny: () => api.pubsub.has(),
      ...(listsNone ? { list: () => Promise.resolve([]) } : {}),
    });
  } catch (error) {
    log.warn(
      {},
      `failed to subscribe to topics: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}
