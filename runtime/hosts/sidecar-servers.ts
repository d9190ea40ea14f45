/** The servers of a sidecar: its HTTP API, the public one, and what else listens. */
import { join } from 'node:path';
import type { Api } from '../api/index.ts';
import { createHttpServer, type HttpServer } from '../transport/http-server.ts';
import type { SidecarOptions } from './sidecar-options.ts';

export interface SidecarServersParts {
  readonly options: SidecarOptions;
  readonly api: Api;
}

export interface SidecarServers extends AsyncDisposable {
  readonly http: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** What the public port answers, as in Dapr. */
const PUBLIC_ROUTES = new Set([
  'v1.0/metadata',
  'v1.0/metadata/{key}',
  'v1.0/healthz',
  'v1.0/healthz/outbound',
]);

export async function openServers({ options, api }: SidecarServersParts): Promise<SidecarServers> {
  const { listen, log, appId } = options;
  const logger = log.scoped('dapr.runtime.http');
  await using undo = new AsyncDisposableStack();
  const common = {
    logger,
    maxBodyBytes: listen.maxBodyBytes,
    maxHeaderBytes: listen.maxHeaderBytes,
  };
  const open = async (at: Parameters<typeof createHttpServer>[0]): Promise<HttpServer> =>
    undo.use(await createHttpServer(at));
  const http = await open({
    ...common,
    routes: api.routes,
    fallback: api.fallback,
    h2c: listen.h2c,
    apiToken: listen.apiToken,
    allowedOrigins: listen.allowedOrigins,
    apiLogging: listen.apiLogging ? log.scoped('dapr.runtime.http-info') : undefined,
    at:
      listen.socketFolder === undefined
        ? listen.addresses.map((host) => ({ host, port: listen.httpPort }))
        : [{ path: join(listen.socketFolder, `dapr-${appId}-http.socket`) }],
  });
  if (listen.socketFolder === undefined) {
    for (const host of listen.addresses) {
      logger.info({}, `HTTP server listening on TCP address: ${host}:${http.port}`);
    }
    log.info({}, `HTTP server is running on port ${http.port}`);
  } else {
    const path = join(listen.socketFolder, `dapr-${appId}-http.socket`);
    logger.info({}, `HTTP server listening on UNIX socket: ${path}`);
    log.info({}, 'HTTP server is running on a Unix Domain Socket');
  }
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
  const all = undo.move();
  const close = (): Promise<void> => all.disposeAsync();
  return { http, close, [Symbol.asyncDispose]: close };
}
