/** The same actor on each runtime, with every process that this takes, timed from the command to the first answer. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { startPlacement, startScheduler } from '../../test/servers/dapr.ts';
import { componentYaml } from '../../runtime/cli/sidecar.fixture.ts';
import { freePorts } from '../../runtime/cli/run/ports.fixture.ts';
import { startServer, type TestServer } from '../../test/servers/process.ts';
import { startSidecar, type Kind } from '../sidecar/sidecars.ts';

export const RUNTIMES = [
  'embedded',
  'embedded, small heap',
  'sidecar, actor inside',
  'sidecar, app outside',
  'official Dapr',
] as const;
export type Runtime = (typeof RUNTIMES)[number];

export interface RunningSet extends AsyncDisposable {
  readonly httpPort: number;
  /** Every process of the set, the control plane included. */
  readonly pids: readonly number[];
  /** From the command that starts app and sidecar to the first answer of the actor. */
  readonly firstAnswerMs: number;
}

const PATIENCE_MS = 60_000;
const POLL_MS = 2;
const CACHE = join(tmpdir(), `troupe-bench-cache-${process.pid}`);
const STORE = componentYaml('statestore', 'state.in-memory', { actorStateStore: 'true' });

/** What a client does that only waits for the actor: asks until it is answered. */
async function firstAnswer(httpPort: number): Promise<number> {
  const url = `http://127.0.0.1:${httpPort}/v1.0/actors/Counter/first/method/hit`;
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { status } = await fetch(url, { method: 'PUT' }).catch(() => ({ status: 0 }));
    if (status === 200) return performance.now();
    if (performance.now() > until) throw new Error(`no answer at ${url} within a minute`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * One of the bench's programs. What Node compiled is kept, for the
 * SDK's app as for Troupe's, as a published package and the troupe command
 * have it: without, each start would strip the types of every file again.
 */
function program(
  file: string,
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): Promise<TestServer> {
  return startServer({
    name: basename(file, '.ts'),
    command: process.execPath,
    args: () => [...nodeFlags, join(import.meta.dirname, file), ...args],
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: CACHE },
    ready: /ready/,
  });
}

async function inside(
  runtime: 'embedded' | 'sidecar',
  stack: AsyncDisposableStack,
  nodeFlags: readonly string[] = [],
) {
  const [port = 0] = await freePorts(1);
  const began = performance.now();
  const [server, answered] = await Promise.all([
    program('inside.ts', [runtime, String(port)], nodeFlags).then((one) => stack.use(one)),
    firstAnswer(port),
  ]);
  return { httpPort: port, pids: [server.pid], firstAnswerMs: answered - began };
}

/** Sidecar and app are started by the same command; Dapr's control plane is there before, as after dapr init. */
async function outside(kind: Kind, stack: AsyncDisposableStack) {
  const plane =
    kind === 'daprd'
      ? await Promise.all([startPlacement(), startScheduler()]).then((all) =>
          all.map((one) => stack.use(one)),
        )
      : [];
  const [appPort = 0, httpPort = 0] = await freePorts(2);
  const began = performance.now();
  const [sidecar, app, answered] = await Promise.all([
    startSidecar(kind, {
      appId: `runtimes-${kind.toLowerCase()}`,
      appPort,
      httpPort,
      resources: [STORE],
      placement: plane[0],
    }).then((one) => stack.use(one)),
    program('../sidecar/sdk-app.ts', [String(appPort), String(httpPort)]).then((one) =>
      stack.use(one),
    ),
    firstAnswer(httpPort),
  ]);
  const pids = [...plane, sidecar, app].map(({ pid }) => pid);
  return { httpPort, pids, firstAnswerMs: answered - began };
}

export async function startSet(runtime: Runtime): Promise<RunningSet> {
  await using stack = new AsyncDisposableStack();
  const started = await startOn(runtime, stack);
  const owned = stack.move();
  return { ...started, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Starts each program once, so that what is compiled is there for those that are timed; gives what forgets it. */
export async function warmStarts(): Promise<AsyncDisposable> {
  for (const runtime of RUNTIMES.slice(0, -1)) {
    await using _ = await startSet(runtime);
  }
  return { [Symbol.asyncDispose]: () => rm(CACHE, { recursive: true, force: true }) };
}

function startOn(runtime: Runtime, stack: AsyncDisposableStack) {
  switch (runtime) {
    case 'embedded':
      return inside('embedded', stack);
    case 'embedded, small heap':
      return inside('embedded', stack, ['--max-semi-space-size=2']);
    case 'sidecar, actor inside':
      return inside('sidecar', stack);
    case 'sidecar, app outside':
      return outside('Troupe', stack);
    case 'official Dapr':
      return outside('daprd', stack);
  }
}
