/**
 * App to app: the name resolution of a sidecar, its way to the sidecars of
 * other apps, and the internal port by which they reach its own app.
 */
import { createAccessControl } from '../config/access-control.ts';
import { LocalValue } from '../core/codec.ts';
import { TroupeError } from '../core/errors.ts';
import { createRegistry, type Registry } from '../../components/registry.ts';
import type { NameResolver } from '../../components/nameresolution/contract.ts';
import type { Api } from '../api/index.ts';
import type { ActorRuntime, Clock } from '../core/ports.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Tracer } from '../core/tracing.ts';
import { tracedDeliver } from './trace-calls.ts';
import { createPeers, type OpenPeers } from '../transport/peer/client.ts';
import type { PeerConnections } from '../transport/peer/connections.ts';
import type { PeerFiring } from '../transport/peer/actor-server.ts';
import { reservePort } from '../transport/listen.ts';
import { createPeerServer } from '../transport/peer/server.ts';
import type { GrpcServer } from '../transport/grpc/server.ts';
import type { DaprGrpcOptions } from '../transport/grpc/dapr-server.ts';
import { GrpcError } from '../transport/grpc/status.ts';
import type { GrpcApp } from './grpc-parts.ts';
import type { SidecarOptions } from './sidecar-options.ts';

const DEFAULT_RESOLVER = 'mdns';
const DEFAULT_NAMESPACE = 'default';
/** Wider addresses are asked for by flag: whoever reaches the port can call the app. */
const DEFAULT_ADDRESS = '127.0.0.1';

export interface SidecarPeers extends AsyncDisposable {
  /** Undefined: no name resolution, so only this app is known. */
  readonly peers: OpenPeers | undefined;
  /** Undefined as `peers` is. */
  readonly resolver: NameResolver | undefined;
  /** Opens the internal port and makes it known. */
  listen(parts: {
    readonly api: Api;
    readonly app: GrpcApp | undefined;
    /** Where firings from other sidecars go. */
    readonly firings: Pick<ActorRuntime, 'call'> | undefined;
    readonly graceMs: number;
  }): Promise<GrpcServer>;
}

export interface SidecarPeersParts {
  readonly telemetry?: Telemetry | undefined;
  readonly tracer?: Tracer | undefined;
  readonly connections?: PeerConnections | undefined;
}

/** Holds the internal port until `listen`. Undefined: any free one will do. Errors: UNAVAILABLE. */
export async function reserveInternalPort({
  internalAddress,
  internalPort,
}: SidecarOptions['listen']): Promise<AsyncDisposable | undefined> {
  if (!internalPort) return undefined;
  return reservePort({ host: internalAddress || DEFAULT_ADDRESS, port: internalPort });
}

/** Errors: INVALID_ARGUMENT for a name resolution that is not known, COMPONENT when it does not start. */
export async function openSidecarPeers(
  options: SidecarOptions,
  clock: Clock,
  registry: Registry = createRegistry(),
  { telemetry, tracer, connections }: SidecarPeersParts = {},
): Promise<SidecarPeers> {
  const { appId, listen, log } = options;
  const namespace = options.namespace ?? DEFAULT_NAMESPACE;
  await using undo = new AsyncDisposableStack();
  const resolver = await openResolver(options, clock, registry);
  if (resolver) undo.use(resolver);
  const peers =
    resolver &&
    undo.use(
      createPeers({ resolver, maxMessageBytes: listen.maxBodyBytes, telemetry, connections }),
    );
  const isHttp = !options.app?.protocol.startsWith('grpc');
  const { accessControl } = options.configuration ?? {};
  const mayCall = accessControl && createAccessControl(accessControl, isHttp);
  const open = undo.move();
  return {
    peers,
    resolver,
    async listen({ api, app, firings, graceMs }) {
      const host = listen.internalAddress || DEFAULT_ADDRESS;
      const logger = log.scoped('dapr.runtime.grpc.internal');
      const server = await createPeerServer({
        host,
        port: listen.internalPort ?? 0,
        logger,
        telemetry,
        now: () => clock.now(),
        maxMessageBytes: listen.maxBodyBytes,
        closeGraceMs: graceMs,
        deliver: (request) => {
          const denied = mayCall?.({
            caller: undefined,
            operation: request.path,
            verb: request.method,
            isHttp,
          });
          if (denied !== undefined) return Promise.reject(new TroupeError('FORBIDDEN', denied));
          return tracer
            ? tracedDeliver(tracer, appId, api.invoke.deliver)(request)
            : api.invoke.deliver(request);
        },
        actors: api.actors,
        fire: firings && ((firing) => fireHere(firings, firing)),
        proxyTarget: (target, metadata) => {
          const denied = mayCall?.({
            caller: undefined,
            operation: target,
            verb: undefined,
            isHttp: false,
          });
          if (denied !== undefined) throw new GrpcError('PERMISSION_DENIED', denied);
          return onlyToSelf(appId, namespace, app)(target, metadata);
        },
      });
      try {
        await resolver?.register({ appId, namespace, host, port: server.port });
      } catch (error) {
        await server.close();
        throw error;
      }
      log.info({}, `Internal gRPC server is running on ${host}:${server.port}`);
      return server;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The firing as a call of the actor, wherever it was scheduled. */
function fireHere(runtime: Pick<ActorRuntime, 'call'>, firing: PeerFiring): Promise<unknown> {
  const { type, id, name, data, isTimer, dueTime, period, deadline, signal } = firing;
  const due = { name, data, due: 0 };
  const timer = { firing: { ...due, given: { due: dueTime, period, method: '' } } };
  return runtime.call({
    type,
    id,
    method: name,
    kind: isTimer ? 'timer' : 'reminder',
    payload: new LocalValue(isTimer ? timer : due),
    deadline,
    isForwarded: true,
    signal,
  });
}

/** A peer's call is for the app here and goes no further. */
function onlyToSelf(
  appId: string,
  namespace: string,
  app: GrpcApp | undefined,
): NonNullable<DaprGrpcOptions['proxyTarget']> {
  return (target) => {
    const [name, ns = namespace] = target.split('.');
    if (name !== appId || ns !== namespace) {
      throw new GrpcError('INTERNAL', `this is the sidecar of "${appId}" and not of "${target}"`);
    }
    if (!app) throw new GrpcError('UNAVAILABLE', `app "${appId}" has no gRPC port`);
    return { client: app.client, gate: app.gate };
  };
}

async function openResolver(
  { appId, configuration, log, signal }: SidecarOptions,
  clock: Clock,
  registry: Registry,
): Promise<NameResolver | undefined> {
  const { nameResolution } = configuration ?? {};
  const name = nameResolution?.component || DEFAULT_RESOLVER;
  const type = `nameresolution.${name}`;
  const version = nameResolution?.version ?? 'v1';
  if (!nameResolution && !registry.types().includes(type)) {
    log.warn({}, `name resolution ${name} is not available; only this app can be invoked`);
    return undefined;
  }
  const resolved = await registry.resolve(type, version);
  if (resolved.kind !== 'nameresolution') return undefined;
  const resolver = await resolved.driver.create(
    {
      name,
      type,
      version,
      appId,
      metadata: metadataOf(nameResolution?.configuration),
      logger: log.scoped('dapr.contrib'),
      now: () => clock.now(),
      timer: (delayMs, fire) => clock.timer(clock.now() + delayMs, fire, { background: true }),
    },
    { signal: signal ?? new AbortController().signal },
  );
  log.info({}, `Initialized name resolution to ${name}`);
  return resolver;
}

function metadataOf(configuration: unknown): Record<string, string> {
  if (typeof configuration !== 'object' || configuration === null) return {};
  return Object.fromEntries(
    Object.entries(configuration).map(([name, value]) => [
      name,
      // What has parts, such as the client of Consul, is for the driver to read.
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}
