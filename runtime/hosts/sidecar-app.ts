/**
 * The app's side of a sidecar's life: waiting for its port, watching its
 * health, and what begins when it is well and ends when it is not. What begins
 * is a list of features; each is started and stopped in order.
 */
import type { Api } from '../api/index.ts';
import { subscribeApp } from '../api/app-subscriptions.ts';
import type { Engine } from '../core/engine.ts';
import type { Clock } from '../core/ports.ts';
import { waitForPort } from './app-port.ts';
import { openAppChannel, type OpenAppChannel } from './sidecar-channel.ts';
import { createAppHealth, type AppHealth } from './sidecar-health.ts';
import type { SidecarAppOptions, SidecarOptions } from './sidecar-options.ts';

export interface SidecarAppParts {
  readonly options: SidecarOptions;
  readonly clock: Clock;
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
  /** Ends the features. Idempotent. */
  stop(): Promise<void>;
}

/** Something that runs while the app is healthy. Ends by the function that it resolves to. */
type Feature = () => Promise<(() => Promise<void>) | undefined>;

export function createSidecarApp({ options, clock }: SidecarAppParts): SidecarApp {
  const { app, log } = options;
  const registered = Promise.withResolvers<void>();
  let isRegistered = false;
  const register = (): void => {
    isRegistered = true;
    registered.resolve();
  };
  const fell = Promise.withResolvers<void>();
  let health: AppHealth | undefined;
  const channel = app && openAppChannel(app, () => health?.isHealthy ?? true);
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
    const features: Feature[] = [
      async () => {
        if (paused) return undefined;
        endDeliveries = await startSubscriptions(given, open, options, context);
        return endDeliveries;
      },
      async () => {
        register();
        return undefined;
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
    async stop() {
      await health?.stop();
      await end();
    },
  };
}

async function startSubscriptions(
  { disabledInitEndpoints }: SidecarAppOptions,
  app: OpenAppChannel,
  { appId, log }: SidecarOptions,
  { api, signal }: AppContext,
): Promise<(() => Promise<void>) | undefined> {
  if (disabledInitEndpoints.includes('subscribe')) {
    log.warn(
      {},
      "Skipping programmatic subscription loading (see 'disable-init-endpoints' flag/annotation)",
    );
    return undefined;
  }
  try {
    const { close } = await subscribeApp({
      app,
      appId,
      subscriptions: api.subscriptions,
      logger: log,
      signal,
    });
    return close;
  } catch (error) {
    log.warn(
      {},
      `failed to subscribe to topics: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}
