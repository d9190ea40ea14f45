/** The servers of a sidecar: its HTTP API, the public one, and what else listens. */
import { join } from 'node:path';
import type { Api } from '../api/index.ts';
import type { Clock } from '../core/ports.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Tracer } from '../core/tracing.ts';
import type { HttpPipeline } from '../transport/http-pipeline.ts';
import { createHttpServer, type HttpServer } from '../transport/http-server.ts';
import type { DaprGrpcOptions } from '../transport/grpc/dapr-server.ts';
import type { ListenAt } from '../transport/listen.ts';
import { allowedMethods, allowedRoutes } from './sidecar-allowed.ts';
import type { SidecarOptions } from './sidecar-options.ts';

export interface SidecarServersParts {
  readonly options: SidecarOptions;
  readonly api: Api;
  readonly clock: Clock;
  readonly telemetry?: Telemetry | undefined;
  readonly tracer?: Tracer | undefined;
  /** Steps of every request to the HTTP API. */
  readonly pipeline?: HttpPipeline | undefined;
  /** What a request may still take when the servers close. */
  readonly graceMs: number;
  /** Actors over streams, and where the gRPC proxy leads. */
  readonly grpc?: Pick<DaprGrpcOptions, 'hostActors' | 'proxyTarget'> | undefined;
}

export interface SidecarServers extends AsyncDisposable {
  readonly http: { readonly host: string; readonly port: number };
  readonly grpc: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** What the public port answers, as in Dapr. */
const PUBLIC_ROUTES = new Set([
  'v1.0/metadata',
  'v1.0/metadata/{key}',
  'v1.0/healthz',
  'v1.0/healthz/outbound',
]);

export async function openServers({
  options,
  api,
  clock,
  graceMs,
  telemetry,
  tracer,
  pipeline,
  grpc: grpcParts = {},
}: SidecarServersParts): Promise<SidecarServers> {
  const { listen, log, appId } = options;
  const logger = log.scoped('dapr.runtime.http');
  await using undo = new AsyncDisposableStack();
  const common = {
    logger,
    telemetry,
    tracer,
    maxBodyBytes: listen.maxBodyBytes,
    maxHeaderBytes: listen.maxHeaderBytes,
    closeGraceMs: graceMs,
  };
  const open = async (at: Parameters<typeof createHttpServer>[0]): Promise<HttpServer> =>
    undo.use(await createHttpServer(at));
  const placesOf = (kind: 'http' | 'grpc', port: number): ListenAt[] =>
    listen.socketFolder === undefined
      ? listen.addresses.map((host) => ({ host, port }))
      : [{ path: join(listen.socketFolder, `dapr-${appId}-${kind}.socket`) }];
  const where = (kind: string, name: string, at: readonly ListenAt[], port: number): void => {
    const scoped = log.scoped(kind === 'grpc' ? 'dapr.runtime.grpc.api' : 'dapr.runtime.http');
    for (const place of at) {
      if ('path' in place) {
        scoped.info({}, `${name} server listening on UNIX socket: ${place.path}`);
      } else scoped.info({}, `${name} server listening on TCP address: ${place.host}:${port}`);
    }
    const api = kind === 'grpc' ? 'API gRPC' : name;
    log.info(
      {},
      listen.socketFolder === undefined
        ? `${api} server is running on port ${port}`
        : `${api} server is running on a Unix Domain Socket`,
    );
  };

  const { apiLogging } = options.configuration ?? {};
  const isLogged = listen.apiLogging ?? apiLogging?.enabled ?? false;
  const { createDaprGrpcServer } = await import('../transport/grpc/dapr-server.ts');
  const grpcAt = placesOf('grpc', listen.grpcPort);
  const grpc = undo.use(
    await createDaprGrpcServer({
      ...grpcParts,
      allows: allowedMethods(options.configuration?.api),
      api,
      at: grpcAt,
      logger: log.scoped('dapr.runtime.grpc.api'),
      apiLog: isLogged ? log.scoped('dapr.runtime.grpc.api-info', 'info') : undefined,
      telemetry,
      tracer,
      now: () => clock.now(),
      apiToken: listen.apiToken,
      maxMessageBytes: listen.maxBodyBytes,
      maxHeaderBytes: listen.maxHeaderBytes,
      closeGraceMs: graceMs,
    }),
  );
  where('grpc', 'gRPC', grpcAt, grpc.port);

  const httpAt = placesOf('http', listen.httpPort);
  const http = await open({
    ...common,
    routes: allowedRoutes(api.routes, options.configuration?.api),
    fallback: api.fallback,
    pipeline,
    h2c: listen.h2c,
    apiToken: listen.apiToken,
    allowedOrigins: listen.allowedOrigins,
    apiLogging: isLogged
      ? {
          log: log.scoped('dapr.runtime.http-info', 'info'),
          obfuscateUrls: apiLogging?.obfuscateURLs === true,
          omitHealthChecks: apiLogging?.omitHealthChecks === true,
        }
      : undefined,
    at: httpAt,
  });
  where('http', 'HTTP', httpAt, http.port);
  log.info({}, `The request body size parameter is: ${listen.maxBodyBytes} bytes`);
  if (listen.publicPort !== undefined) {
    await open({
      ...common,
      routes: api.routes
        .filter(({ pattern }) => PUBLIC_ROUTES.has(pattern))
        .map((route) => ({ ...route, open: true })),
      h2c: false,
      at: [{ host: listen.publicAddress, port: listen.publicPort }],
    });
  }
  if (listen.profilePort !== undefined) {
    const { openProfiling } = await import('./sidecar-profiling.ts');
    for (const host of listen.addresses) {
      const { port } = undo.use(await openProfiling(host, listen.profilePort));
      logger.info({}, `HTTP profiling server listening on: ${host}:${port}`);
    }
  }
  const all = undo.move();
  const close = (): Promise<void> => all.disposeAsync();
  return { http, grpc, close, [Symbol.asyncDispose]: close };
}
