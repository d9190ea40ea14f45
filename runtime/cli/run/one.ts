/** `troupe run` for one app: what the flags ask for, run until it ends or is told to. */
import { resolve } from 'node:path';
import type { Parsed } from '../flag-table.ts';
import type { RUN_FLAGS } from './flags.ts';
import { startGuard } from './guard.ts';
import { createStatus } from './output.ts';
import { exitText, failed, lastLines, onAbort, type Pair, startPair } from './pair.ts';
import {
  checkResources,
  defaultConfig,
  defaultResources,
  type RunRequest,
  resolveRun,
} from './resolve.ts';
import { createPorts } from './ports.ts';
import type { RunSurroundings } from './run.ts';

/** Resolves to the exit code: 1 when the app or its sidecar failed. */
export async function runOne(
  { flags, given, operands }: Parsed<typeof RUN_FLAGS>,
  surroundings: RunSurroundings,
): Promise<number> {
  const { cwd, env, stdout, stop, kill } = surroundings;
  const write = (text: string): void => void stdout.write(text);
  const status = createStatus(write, { asJson: flags['log-as-json'], now: () => new Date() });
  const at = (path: string): string => (path === '' ? '' : resolve(cwd, path));
  const runtimePath = flags['runtime-path'];
  const paths =
    flags['resources-path'].length > 0 ? flags['resources-path'] : [flags['components-path']];
  const named = paths.filter((path) => path !== '').map(at);
  const fallback = named.length > 0 ? undefined : defaultResources(runtimePath, env);
  const health = flags['enable-app-health-check'];
  const request: RunRequest = {
    appId: flags['app-id'],
    appPort: flags['app-port'],
    appChannelAddress: flags['app-channel-address'],
    appProtocol: flags['app-protocol'],
    appSsl: flags['app-ssl'],
    maxConcurrency: flags['app-max-concurrency'],
    httpPort: flags['dapr-http-port'],
    grpcPort: flags['dapr-grpc-port'],
    internalPort: flags['dapr-internal-grpc-port'],
    metricsPort: flags['metrics-port'],
    profilePort: flags['profile-port'],
    profiling: flags['enable-profiling'],
    listenAddresses: flags['dapr-listen-addresses'],
    logLevel: flags['log-level'],
    logAsJson: flags['log-as-json'],
    apiLogging: flags['enable-api-logging'],
    maxBodySize: flags['max-body-size'],
    readBufferSize: flags['read-buffer-size'],
    unixDomainSocket: at(flags['unix-domain-socket']),
    health: health
      ? {
          path: flags['app-health-check-path'],
          intervalSeconds: flags['app-health-probe-interval'],
          timeoutMs: flags['app-health-probe-timeout'],
          threshold: flags['app-health-threshold'],
        }
      : undefined,
    placement: given.has('placement-host-address') ? flags['placement-host-address'] : undefined,
    scheduler: given.has('scheduler-host-address') ? flags['scheduler-host-address'] : undefined,
    configPath: at(flags.config) || defaultConfig(runtimePath, env),
    resourcesPaths: fallback ? [fallback.path] : named,
    runtimePath,
    embedded: flags.embedded,
    command: operands,
    cwd,
    env: {},
    daprdLog: 'console',
    appLog: 'console',
  };
  const run = await resolveRun(request, {
    ports: createPorts(Math.random),
    env,
    random: Math.random,
  });
  await checkResources(run);
  if (operands.length === 0) status('warning', 'no application command found.');
  if (fallback?.inMemory) {
    status('info', 'No resources are named: state and topics are in memory (--resources-path).');
  }
  const blue = surroundings.colours;
  const line = (text: string): void => write(`${text}\n`);
  const pair = await startPair(run, {
    env,
    guard: startGuard(),
    status,
    appSinks: [{ write: (text) => line(blue(`== APP == ${text}`)) }],
    daprdSinks: [{ write: line }],
    metadata: {},
    stop,
  });
  onAbort(kill, () => pair.kill());
  status(
    'success',
    `You're up and running! ${pair.app && pair.sidecar ? 'Both Dapr and your app' : pair.app ? 'Your app' : 'Dapr'} logs will appear here.\n`,
  );
  const ended = await firstEnd(pair, stop);
  status(
    'info',
    `${ended === 'stop' ? 'terminated signal received' : `the ${ended} has ended`}: shutting down`,
  );
  const broken = report(pair, status);
  await pair.stop();
  if (pair.app) status('success', 'Exited App successfully');
  if (pair.sidecar) status('success', 'Exited Dapr successfully');
  return broken ? 1 : 0;
}

function firstEnd(pair: Pair, stop: AbortSignal): Promise<'stop' | 'app' | 'sidecar'> {
  return new Promise((resolve) => {
    onAbort(stop, () => resolve('stop'));
    void pair.app?.group.exited.then(() => resolve('app'));
    void pair.sidecar?.group.exited.then(() => resolve('sidecar'));
  });
}

/** Says what failed; true when something did. */
function report({ app, sidecar }: Pair, status: ReturnType<typeof createStatus>): boolean {
  let broken = false;
  for (const [name, one] of [
    ['App', app],
    ['daprd', sidecar],
  ] as const) {
    const exit = one?.group.exit();
    if (!one || !exit || !failed(exit)) continue;
    broken = true;
    status('failure', `The ${name} process ${exitText(exit)}${lastLines(one)}`);
  }
  return broken;
}
