/** The sidecar runtime as a program opens it: `createSystem({ runtime: 'sidecar' })`. */
import type { EngineLogger } from '../core/ports.ts';
import { parseDuration } from '../core/schedule.ts';
import { systemOf } from './composition.ts';
import { DEFAULT_COMPONENTS } from './embedded.ts';
import { createLogger } from './logger.ts';
import { openSidecar } from './sidecar.ts';
import type { SidecarLog } from './sidecar-log.ts';
import type {
  ControlPlaneOptions,
  SidecarAppOptions,
  SidecarListenOptions,
} from './sidecar-options.ts';
import type { System, SystemOptions } from './system.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_TIMEOUT = '60s';
const MAX_BODY_BYTES = 4 * 2 ** 20;
const MAX_HEADER_BYTES = 8 * 1024;
const GRACE_MS = 800;
/** As the flags of a sidecar have them by default. */
const SCHEDULER_STREAMS = 3;
const DISSEMINATE_MS = 30_000;

/**
 * Actors of this process behind Dapr's HTTP and gRPC APIs, and an app beside
 * them if `appPort` is given, which may host actors of its own.
 */
export async function createSidecar(options: SystemOptions): Promise<System> {
  const { appId = 'troupe', clock, env = {} } = options;
  const logger = options.logger ?? createLogger({ level: 'warn', fields: { app_id: appId } });
  await using undo = new AsyncDisposableStack();
  const sidecar = undo.use(
    await openSidecar({
      appId,
      namespace: env['NAMESPACE'] || undefined,
      mode: 'standalone',
      components: options.components ?? DEFAULT_COMPONENTS,
      listen: listenOf(options),
      controlPlane: controlPlaneOf(options),
      app: appOf(options),
      log: constantLog(logger),
      env,
      gracefulShutdownMs: GRACE_MS,
      clock,
      actors: options.actors,
      services: options.services,
      interceptors: options.interceptors,
      tracer: options.tracer,
      invocations: options.invocations,
      secretScopes: options.secretScopes,
      onShutdown: options.onShutdown,
      defaultTimeoutMs: parseDuration(options.defaultTimeout ?? DEFAULT_TIMEOUT, 'defaultTimeout'),
    }),
  );
  await sidecar.ready;
  const { api, engine, http, grpc } = sidecar;
  // A program that names actors or none gets the default store, so there is an engine.
  return systemOf({ appId, engine: engine!, api, http, grpc, open: undo.move() });
}

function controlPlaneOf({ controlPlane }: SystemOptions): ControlPlaneOptions | undefined {
  if (!controlPlane) return undefined;
  const { placement, scheduler = '' } = controlPlane;
  const addressesOf = (text: string): string[] => text.split(',').filter((one) => one !== '');
  return {
    placement: addressesOf(placement),
    scheduler: addressesOf(scheduler),
    schedulerStreams: SCHEDULER_STREAMS,
    disseminateTimeoutMs: DISSEMINATE_MS,
  };
}

function listenOf({ http, grpc }: SystemOptions): SidecarListenOptions {
  return {
    addresses: [http?.host ?? DEFAULT_HOST],
    httpPort: http?.port ?? 0,
    grpcPort: grpc?.port ?? 0,
    internalPort: undefined,
    internalAddress: DEFAULT_HOST,
    publicPort: undefined,
    publicAddress: DEFAULT_HOST,
    socketFolder: undefined,
    profilePort: undefined,
    h2c: true,
    apiToken: http?.apiToken,
    maxBodyBytes: http?.maxBodyBytes ?? MAX_BODY_BYTES,
    maxHeaderBytes: MAX_HEADER_BYTES,
    allowedOrigins: http?.allowedOrigins ?? '',
    apiLogging: false,
  };
}

function appOf({ appPort, appProtocol = 'http' }: SystemOptions): SidecarAppOptions | undefined {
  if (appPort === undefined) return undefined;
  return {
    port: appPort,
    host: DEFAULT_HOST,
    protocol: appProtocol,
    maxConcurrency: 0,
    disabledInitEndpoints: [],
  };
}

/** The lines of a sidecar in a program's own log. */
function constantLog(logger: EngineLogger): SidecarLog {
  const log: SidecarLog = {
    ...logger,
    fatal: (fields, message) => logger.error(fields, message),
    scoped: () => log,
  };
  return log;
}
