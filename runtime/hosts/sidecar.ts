/**
 * The sidecar runtime: daprd's APIs in front of the engine, for an app in any
 * language. It starts in daprd's order: components, API servers, engine, and
 * only then the app, which may itself need the API to start.
 */
import { describeDeclared } from '../api/app-subscriptions.ts';
import { createApi, type Api } from '../api/index.ts';
import type { Engine } from '../core/engine.ts';
import { underActorPolicies } from '../core/resiliency-actors.ts';
import { grpcParts } from './grpc-parts.ts';
import { createHttpEndpoints } from '../targets/http-endpoints.ts';
import type { GrpcServer } from '../transport/grpc/server.ts';
import { createPeerConnections } from '../transport/peer/connections.ts';
import { jobsOf, openComponents } from './composition.ts';
import { resolveEndpoints } from './sidecar-endpoints.ts';
import { createPipeline } from './component-pipeline.ts';
import { createPolicies, policyObserver } from './component-policies.ts';
import { createSidecarApp } from './sidecar-app.ts';
import type { ControlPlane, ControlPlaneParts } from './sidecar-control-plane.ts';
import { describe } from './sidecar-described.ts';
import { startFailure } from './sidecar-failure.ts';
import { findPluggables } from './pluggable-sockets.ts';
import { openSidecarMetrics } from './sidecar-metrics.ts';
import type { SidecarOptions } from './sidecar-options.ts';
import { hostActors, untilRegistered } from './sidecar-hosting.ts';
import { openSidecarPeers, reserveInternalPort } from './sidecar-peers.ts';
import { hostServices } from './services.ts';
import { openSidecarTracing } from './sidecar-tracing.ts';
import { openServers, type SidecarServers } from './sidecar-servers.ts';
import { DAPR_VERSION } from './sidecar-version.ts';
import { createSystemClock } from './system-clock.ts';

/** As daprd's servers: what a request may take that runs while they close, without another limit. */
const LONGEST_GRACE_MS = 10_000;

export interface Sidecar extends AsyncDisposable {
  readonly api: Api;
  /** Undefined when no component is marked for actors. */
  readonly engine: Engine | undefined;
  readonly http: { readonly host: string; readonly port: number };
  readonly grpc: { readonly host: string; readonly port: number };
  /** Where other sidecars reach this one. */
  readonly internal: { readonly host: string; readonly port: number };
  /** Resolves when the app is there and everything is in place; rejects when that failed. */
  readonly ready: Promise<void>;
  /** Ends the app's subscriptions and bindings for good; everything else goes on. */
  pauseDeliveries(): Promise<void>;
  /** Resolves when the app is found unhealthy. */
  unhealthy(): Promise<void>;
  /** Lets what runs finish and closes everything. Idempotent. */
  close(): Promise<void>;
}

/** Resolves when the API answers and components are open; `ready` waits for the app. */
export async function openSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { appId, log, clock = createSystemClock() } = options;
  const graceMs = options.gracefulShutdownMs || LONGEST_GRACE_MS;
  const startedAt = clock.now();
  log.info({}, `${options.mode} mode configured`);
  log.info({}, `app id: ${appId}`);
  await using undo = new AsyncDisposableStack();
  const { configuration } = options;
  const metrics = await openSidecarMetrics(options);
  if (metrics) undo.use(metrics);
  const telemetry = metrics?.telemetry;
  const tracing = await openSidecarTracing(options);
  if (tracing) undo.use(tracing);
  const tracer = tracing?.tracer ?? options.tracer;
  for (const { name } of options.resiliencies ?? []) {
    log.info({}, `Loading Resiliency configuration: ${name}`);
  }
  const resiliency = createPolicies(options.resiliencies ?? [], {
    clock,
    logger: log,
    observer: telemetry && policyObserver(telemetry),
  });
  // Components open connections, which may be given any port that is free.
  const internalPort = await reserveInternalPort(options.listen);
  if (internalPort) undo.use(internalPort);
  const components = undo.use(
    await openComponents({
      components: options.components,
      appId,
      clock,
      logger: log,
      env: options.env,
      registry: await findPluggables(options.env, log),
      loading: {
        resiliency,
        deniedTypes: configuration?.deniedComponents,
        unknownMetadata: 'warn',
        measuring: telemetry && { telemetry, namespace: options.namespace ?? '' },
        ...(options.signal ? { signal: options.signal } : {}),
      },
    }).catch((error: unknown) => {
      throw startFailure(error, options.components, log);
    }),
  );
  const app = createSidecarApp({
    options,
    clock,
    resiliency,
    telemetry,
    pipeline: createPipeline(configuration?.appHttpPipeline ?? [], components.middlewares),
  });
  const endpoints = undo.use(
    createHttpEndpoints(
      await resolveEndpoints(options.httpEndpoints ?? [], {
        appId,
        env: options.env,
        secretStores: components.secretStores,
      }),
    ),
  );
  const connections = undo.use(
    createPeerConnections({ maxMessageBytes: options.listen.maxBodyBytes, telemetry }),
  );
  const peering = undo.use(
    await openSidecarPeers(options, clock, undefined, { telemetry, tracer, connections }),
  );
  const controlPlane =
    options.controlPlane && undo.use(await openControlPlane({ options, clock, connections }));
  const logger = log.scoped('dapr.runtime.scheduler');
  const jobs = controlPlane?.jobs ?? jobsOf(components, { appId, clock, logger });
  if (!jobs) {
    log.info({}, 'Scheduler disabled, no scheduler is named and no state component keeps jobs');
  }
  const leaving = new AbortController();
  const waiting = { outbound: ['app'] as string[], inbound: ['runtime'] as string[] };
  const hosting = hostActors({
    options,
    components,
    controlPlane,
    api: () => api,
    telemetry,
    tracer,
    resiliency,
  });
  if (hosting) undo.use(hosting);
  metrics?.onRead(() => {
    hosting?.engine.gauge(metrics.telemetry);
    components.gauge(metrics.telemetry, options.namespace ?? '');
  });
  const services = undo.use(
    hostServices({ appId, clock, logger: log, resolver: peering.resolver }),
  );
  const api = createApi({
    services: services.open,
    ...components,
    components: components.list,
    secretScopes: options.secretScopes ?? options.configuration?.secretScopes,
    ...describe(options),
    appId,
    namespace: options.namespace,
    runtimeVersion: DAPR_VERSION,
    actorsEnabled: hosting !== undefined || options.actorsEnabled === true,
    actors:
      hosting && untilRegistered(underActorPolicies(hosting.actors, resiliency), app.registration),
    app: app.channel,
    peers: peering.peers,
    endpoints,
    jobs,
    invocations: options.invocations,
    now: () => clock.now(),
    timer: (delayMs, fire) => clock.timer(clock.now() + delayMs, fire, { background: true }),
    resiliency,
    telemetry,
    tracer,
    logger: log,
    ready: () => ({
      ...waiting,
      inbound: [...waiting.inbound, ...(controlPlane?.waiting() ?? [])],
    }),
    schedulers: controlPlane?.schedulers,
    isPlaced: controlPlane?.isPlaced,
    isRegistered: () => app.registration() === undefined,
    shutdown: options.onShutdown,
  });
  api.subscriptions.announce(() => describeDeclared(app.declared()));
  let servers: SidecarServers | undefined = undefined;
  let internal: GrpcServer | undefined = undefined;
  undo.defer(async () => {
    leaving.abort(new Error('the sidecar is stopping'));
    await app.stop();
    await controlPlane?.leave();
    await Promise.all([
      servers?.close(),
      internal?.close(),
      api.close(),
      hosting?.engine.close(graceMs),
    ]);
    await app.channel?.close();
  });
  servers = await openServers({
    options,
    api,
    clock,
    graceMs,
    telemetry,
    tracer,
    pipeline: createPipeline(configuration?.httpPipeline ?? [], components.middlewares),
    grpc: grpcParts({
      appId,
      namespace: options.namespace,
      app: app.channel?.grpc,
      isHttpApp: app.channel !== undefined && !app.channel.grpc,
      engine: hosting?.engine,
      peers: peering.peers,
      resiliency,
    }),
  });
  await internalPort?.[Symbol.asyncDispose]();
  internal = await peering.listen({
    api,
    app: app.channel?.grpc,
    firings: hosting?.engine.actors,
    graceMs,
  });
  await hosting?.start(api, `${internal.host}:${internal.port}`, app.registration());
  await api.outbox.start();
  waiting.outbound = [];
  const ready = app.start({ api, engine: hosting?.engine, signal: leaving.signal }).then(() => {
    waiting.inbound = [];
    log.info(
      {},
      `dapr initialized. Status: Running. Init Elapsed ${Math.round(clock.now() - startedAt)}ms`,
    );
  });
  components.onChange(({ kind, name }) => app.componentChanged(kind, name));
  if (options.reload) {
    const { startHotReload } = await import('./hot-reload.ts');
    undo.use(
      startHotReload({
        ...options.reload,
        components,
        declare: (specs) => app.declare(specs),
        clock,
        logger: log.scoped('dapr.runtime.hotreload'),
      }),
    );
  }
  // Whoever waits for it is told; nobody may be waiting when the sidecar is closed meanwhile.
  ready.catch(() => {});
  const open = undo.move();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= open.disposeAsync());
  return {
    api,
    engine: hosting?.engine,
    http: servers.http,
    grpc: servers.grpc,
    internal: { host: internal.host, port: internal.port },
    ready,
    pauseDeliveries: () => app.pauseDeliveries(),
    unhealthy: () => app.unhealthy(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Loaded only where placement or scheduler are named. */
async function openControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const module = await import('./sidecar-control-plane.ts');
  return module.openControlPlane(parts);
}
