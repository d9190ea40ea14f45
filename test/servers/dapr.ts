/**
 * The official daprd with its placement and scheduler, as processes on free
 * ports: the witness that Troupe's API is compared with.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { INSTALLED, startServer, type TestServer } from './process.ts';

export interface DaprdOptions {
  readonly appId: string;
  /** The app's port on 127.0.0.1. Default: no app. */
  readonly appPort?: number;
  /** Default `http`. */
  readonly appProtocol?: 'http' | 'grpc';
  /** Resource files by name, such as `state.yaml`. Default: none. */
  readonly resources?: Readonly<Record<string, string>>;
  /** The text of its Configuration. Default: none. */
  readonly configuration?: string;
  readonly placement?: TestServer;
  readonly scheduler?: TestServer;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Further variables beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Daprd extends TestServer {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly internalPort: number;
  readonly metricsPort: number;
}

/** @throws Error that says what to do when daprd is not installed. */
export const findDaprd = (): string => program('daprd');

function program(name: string): string {
  const path = join(INSTALLED, 'bin', name);
  if (!existsSync(path)) throw new Error(`${name} is not installed; run: npm run servers`);
  return path;
}

/** @throws Error that says what to do when Dapr's placement is not installed. */
export function startPlacement(): Promise<TestServer> {
  return startServer({
    name: 'placement',
    command: program('placement'),
    morePorts: 3,
    args: (port, _folder, [health, metrics, raft]) => [
      ...['--port', String(port), '--listen-address', '127.0.0.1'],
      ...['--healthz-port', String(health), '--healthz-listen-address', '127.0.0.1'],
      ...['--metrics-port', String(metrics), '--metrics-listen-address', '127.0.0.1'],
      ...['--id', 'test', '--initial-cluster', `test=127.0.0.1:${raft}`],
    ],
    ready: /Placement service started|Placement tables updated|cluster leadership acquired/i,
  });
}

/** @throws Error that says what to do when Dapr's scheduler is not installed. */
export function startScheduler(): Promise<TestServer> {
  return startServer({
    name: 'scheduler',
    command: program('scheduler'),
    morePorts: 4,
    args: (port, folder, [health, metrics, client, peer]) => [
      ...['--port', String(port), '--listen-address', '127.0.0.1'],
      ...['--healthz-port', String(health), '--healthz-listen-address', '127.0.0.1'],
      ...['--metrics-port', String(metrics), '--metrics-listen-address', '127.0.0.1'],
      ...['--id', 'test', '--etcd-data-dir', join(folder, 'data')],
      ...['--etcd-initial-cluster', `test=http://127.0.0.1:${peer}`],
      ...['--etcd-client-port', String(client), '--etcd-client-listen-address', '127.0.0.1'],
    ],
    ready: /Starting scheduler gRPC server|Running gRPC server/i,
  });
}

/**
 * Ready means that its HTTP API listens; an app on `appPort` may start after it.
 *
 * @throws Error that says what to do when daprd is not installed.
 */
export async function startDaprd(options: DaprdOptions): Promise<Daprd> {
  const { appId, appPort, appProtocol = 'http', resources = {}, placement, scheduler } = options;
  const server = await startServer({
    name: 'daprd',
    command: program('daprd'),
    morePorts: 4,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...options.env },
    async prepare(folder) {
      const files = join(folder, 'resources');
      await mkdir(files);
      for (const [name, text] of Object.entries(resources)) {
        await writeFile(join(files, name), text);
      }
      if (options.configuration !== undefined) {
        await writeFile(join(folder, 'config.yaml'), options.configuration);
      }
    },
    args: (port, folder, [grpc, internal, metrics, profile]) => [
      ...['--app-id', appId, '--dapr-listen-addresses', '127.0.0.1'],
      ...['--dapr-http-port', String(port), '--dapr-grpc-port', String(grpc)],
      ...['--dapr-internal-grpc-port', String(internal)],
      ...['--dapr-internal-grpc-listen-address', '127.0.0.1'],
      ...['--metrics-port', String(metrics), '--metrics-listen-address', '127.0.0.1'],
      ...['--profile-port', String(profile), '--resources-path', join(folder, 'resources')],
      ...(options.configuration === undefined ? [] : ['--config', join(folder, 'config.yaml')]),
      ...(appPort === undefined ? [] : ['--app-port', String(appPort)]),
      ...['--app-protocol', appProtocol],
      ...(placement ? ['--placement-host-address', `127.0.0.1:${placement.port}`] : []),
      ...(scheduler ? ['--scheduler-host-address', `127.0.0.1:${scheduler.port}`] : []),
      ...(options.flags ?? []),
    ],
    ready: /HTTP server is running on port/i,
  });
  const [grpcPort = 0, internalPort = 0, metricsPort = 0] = server.more;
  return Object.assign(Object.create(server) as TestServer, {
    httpPort: server.port,
    grpcPort,
    internalPort,
    metricsPort,
  });
}
