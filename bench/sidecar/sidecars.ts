/** Both sidecars as processes with the same flags and files: the official daprd and Troupe's. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServer, type TestServer } from '../../test/servers/process.ts';
import { findDaprd } from '../../test/servers/dapr.ts';

const TROUPE = join(import.meta.dirname, '../../runtime/cli/troupe.js');

export type Kind = 'daprd' | 'Troupe';

export interface SidecarOptions {
  readonly appId: string;
  readonly appPort?: number | undefined;
  readonly appProtocol?: 'http' | 'grpc';
  readonly resources: readonly string[];
  /** Default: a free one. */
  readonly httpPort?: number | undefined;
  /** Dapr's placement, for daprd; Troupe hosts its actors itself. */
  readonly placement?: TestServer | undefined;
}

export interface Sidecar extends TestServer {
  readonly httpPort: number;
  readonly grpcPort: number;
}

const CONFIGURATION = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: bench
spec:
  tracing:
    samplingRate: "0"
`;

/** Resolves when its healthz answers; without an app port that is when it is up. */
export async function startSidecar(kind: Kind, options: SidecarOptions): Promise<Sidecar> {
  const { appId, appPort, appProtocol = 'http', resources, placement } = options;
  const { httpPort } = options;
  const server = await startServer({
    name: kind,
    command: kind === 'daprd' ? findDaprd() : process.execPath,
    morePorts: 3,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
    async prepare(folder) {
      await mkdir(join(folder, 'resources'));
      for (const [at, text] of resources.entries())
        await writeFile(join(folder, 'resources', `${at}.yaml`), text);
      await writeFile(join(folder, 'config.yaml'), CONFIGURATION);
    },
    args: (port, folder, [grpc, internal, metrics]) => [
      ...(kind === 'daprd' ? [] : [TROUPE, 'sidecar']),
      ...['--app-id', appId, '--dapr-listen-addresses', '127.0.0.1'],
      ...['--dapr-http-port', String(httpPort ?? port), '--dapr-grpc-port', String(grpc)],
      ...['--dapr-internal-grpc-port', String(internal)],
      ...['--dapr-internal-grpc-listen-address', '127.0.0.1'],
      ...['--metrics-port', String(metrics), '--metrics-listen-address', '127.0.0.1'],
      ...['--resources-path', join(folder, 'resources'), '--config', join(folder, 'config.yaml')],
      ...['--app-protocol', appProtocol, '--log-level', 'info'],
      ...(appPort === undefined ? [] : ['--app-port', String(appPort)]),
      ...(placement ? ['--placement-host-address', `127.0.0.1:${placement.port}`] : []),
    ],
    ready: /HTTP server is running on port/i,
  });
  const sidecar = Object.assign(Object.create(server) as TestServer, {
    httpPort: httpPort ?? server.port,
    grpcPort: server.more[0]!,
  });
  await healthy(sidecar.httpPort);
  return sidecar;
}

export async function healthy(port: number): Promise<void> {
  const until = performance.now() + 30_000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1.0/healthz`).catch(() => undefined);
    if (answer?.status === 204) return;
    if (performance.now() > until) throw new Error('the sidecar is not healthy after 30 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
