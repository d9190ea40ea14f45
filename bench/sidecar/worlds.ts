/** A sidecar of each kind with everything around it, up at once, so that rows can take them in turn. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentYaml } from '../../runtime/cli/sidecar.fixture.ts';
import { startPlacement } from '../../test/servers/dapr.ts';
import { freePorts } from '../../runtime/cli/run/ports.fixture.ts';
import { startServer, type TestServer } from '../../test/servers/process.ts';
import { startLoadApp, type LoadApp } from '../harness/load.ts';
import { startSidecar, type Kind, type Sidecar } from './sidecars.ts';

/** What a row sends its load to: ports, and the processes whose cost counts. */
export interface Target {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly pids: readonly number[];
  readonly app?: LoadApp;
}

export interface World extends AsyncDisposable {
  /** The sidecar of the app in Go. */
  readonly shop: Target;
  /** The same, with the cost of the second sidecar that its calls go through. */
  readonly far: Target;
  /** The sidecar of an app of the JavaScript SDK that hosts an actor, and the app. */
  readonly sdk: Target;
}

const STORE = componentYaml('store', 'state.in-memory', { actorStateStore: 'true' });
const PUBSUB = componentYaml('pubsub', 'pubsub.in-memory');

export async function startWorld(kind: Kind): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const placement = kind === 'daprd' ? stack.use(await startPlacement()) : undefined;
  const app = stack.use(await startLoadApp());
  const start = async (options: Partial<Parameters<typeof startSidecar>[1]> & { appId: string }) =>
    stack.use(await startSidecar(kind, { resources: [STORE, PUBSUB], placement, ...options }));
  const shop = await start({ appId: appIdOf(kind, 'shop'), appPort: app.httpPort });
  const other = await start({
    appId: appIdOf(kind, 'other'),
    appPort: app.httpPort,
    resources: [],
  });
  const remote = await start({
    appId: appIdOf(kind, 'remote'),
    appPort: app.grpcPort,
    appProtocol: 'grpc',
    resources: [],
  });
  const { sidecar, sdkApp } = await startSdk(kind, stack, folder, placement);
  const owned = stack.move();
  return {
    shop: { ...portsOf(shop), pids: [shop.pid], app },
    far: { ...portsOf(shop), pids: [shop.pid, other.pid, remote.pid], app },
    sdk: { ...portsOf(sidecar), pids: [sidecar.pid, sdkApp.pid] },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Sidecars of both kinds find each other by mDNS, and must not. */
export const appIdOf = (kind: Kind, name: string): string => `${name}-${kind.toLowerCase()}`;

const portsOf = ({ httpPort, grpcPort }: Sidecar) => ({ httpPort, grpcPort });

/** The SDK's app asks for its sidecar, and the sidecar waits for its app: the app's port is fixed first. */
async function startSdk(
  kind: Kind,
  stack: AsyncDisposableStack,
  folder: string,
  placement: TestServer | undefined,
) {
  const [appPort = 0, httpPort = 0] = await freePorts(2);
  const sdkApp = startServer({
    name: 'sdk-app',
    command: process.execPath,
    args: () => [join(import.meta.dirname, 'sdk-app.ts'), String(appPort), String(httpPort)],
    ready: /ready/,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  });
  const sidecar = stack.use(
    await startSidecar(kind, {
      appId: appIdOf(kind, 'sdk'),
      appPort,
      httpPort,
      resources: [STORE],
      placement,
    }),
  );
  return { sidecar, sdkApp: stack.use(await sdkApp) };
}

/** One of the programs beside this file, on two ports of its own. */
async function startProgram(name: string): Promise<Target & AsyncDisposable> {
  const server = await startServer({
    name,
    command: process.execPath,
    morePorts: 1,
    args: (port, _folder, [grpc]) => [
      join(import.meta.dirname, `${name}.ts`),
      String(port),
      String(grpc),
    ],
    ready: /ready/,
  });
  return {
    httpPort: server.port,
    grpcPort: server.more[0]!,
    pids: [server.pid],
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** The actor inside Troupe's own process. */
export const startInside = () => startProgram('inside');

/** Servers that do nothing but answer: the yardsticks of node:http and node:http2. */
export const startBare = () => startProgram('bare');
