/**
 * From what was asked for an app to what is run: ports, a name, defaults of
 * paths and programs, and everything refused that could not start, before
 * anything does.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogDestination } from '../../config/run-file.ts';
import { TroupeError } from '../../core/errors.ts';
import { quantityBytes } from '../flag-table.ts';
import type { AppRun, RunHealth } from './app.ts';
import { madeUpName } from './names.ts';
import type { Ports } from './ports.ts';

/** What was asked for; absent is a default. Paths are absolute. */
export interface RunRequest {
  readonly appId?: string | undefined;
  readonly appPort?: number | undefined;
  readonly appChannelAddress?: string | undefined;
  readonly appProtocol?: string | undefined;
  readonly appSsl?: boolean | undefined;
  readonly maxConcurrency?: number | undefined;
  readonly httpPort?: number | undefined;
  readonly grpcPort?: number | undefined;
  readonly internalPort?: number | undefined;
  readonly metricsPort?: number | undefined;
  readonly profilePort?: number | undefined;
  readonly profiling?: boolean | undefined;
  readonly listenAddresses?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly logAsJson?: boolean | undefined;
  readonly apiLogging?: boolean | undefined;
  readonly maxBodySize?: string | undefined;
  readonly readBufferSize?: string | undefined;
  readonly unixDomainSocket?: string | undefined;
  readonly health?: RunHealth | undefined;
  /** Undefined: the default of the sidecar that runs; empty: none. */
  readonly placement?: string | undefined;
  readonly scheduler?: string | undefined;
  readonly configPath?: string | undefined;
  readonly resourcesPaths: readonly string[];
  /** Folder that holds `.dapr`. */
  readonly runtimePath?: string | undefined;
  readonly embedded?: boolean | undefined;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly daprdLog: LogDestination;
  readonly appLog: LogDestination;
}

type Environment = Readonly<Record<string, string | undefined>>;

const IN_MEMORY = fileURLToPath(new URL('defaults', import.meta.url));
const PLACEMENT_PORT = 50_005;
const SCHEDULER_PORT = 50_006;
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'];
const PROTOCOLS = ['http', 'https', 'h2c', 'grpc', 'grpcs'];

/** Where Dapr's command line looks for what it installed. */
function daprFolder(runtimePath: string | undefined, env: Environment): string {
  const base = runtimePath?.trim() || env['DAPR_RUNTIME_PATH']?.trim();
  return join(base ? resolve(base) : homedir(), '.dapr');
}

/** Folder of resources that are used where none is named, and what to say of it. */
export function defaultResources(
  runtimePath: string | undefined,
  env: Environment,
): { readonly path: string; readonly inMemory: boolean } {
  const path = join(daprFolder(runtimePath, env), 'components');
  return existsSync(path) ? { path, inMemory: false } : { path: IN_MEMORY, inMemory: true };
}

/** Empty where there is none. */
export function defaultConfig(runtimePath: string | undefined, env: Environment): string {
  const path = join(daprFolder(runtimePath, env), 'config.yaml');
  return existsSync(path) ? path : '';
}

const refuse = (message: string): never => {
  throw new TroupeError('INVALID_ARGUMENT', message);
};

/** Undefined: Troupe's own. A daprd is run only where a runtime path is named. */
function daprdOf({ runtimePath }: RunRequest, env: Environment): string | undefined {
  if (!runtimePath?.trim() && !env['DAPR_RUNTIME_PATH']?.trim()) return undefined;
  const path = join(daprFolder(runtimePath, env), 'bin', 'daprd');
  if (existsSync(path)) return path;
  return refuse(
    `there is no daprd at ${path}; put one there, or leave out --runtime-path (in a run file runtimePath, and DAPR_RUNTIME_PATH of the environment) to run Troupe's own sidecar`,
  );
}

function withPort(address: string, port: number): string {
  const trimmed = address.trim();
  return trimmed === '' || trimmed.includes(':') ? trimmed : `${trimmed}:${port}`;
}

function sizeOf(name: string, text: string): string {
  const bytes = quantityBytes(text);
  if (bytes === undefined) return refuse(`invalid ${name} "${text}"; write for example 4Mi`);
  return bytes < 0 ? '-1' : text;
}

function oneOf(name: string, value: string, known: readonly string[]): string {
  const found = known.find((one) => one === value.toLowerCase());
  return found ?? refuse(`invalid ${name} "${value}"; known: ${known.join(', ')}`);
}

export interface ResolveOptions {
  readonly ports: Ports;
  readonly env: Environment;
  /** Between 0 and 1, for a name that nobody gave. */
  readonly random: () => number;
}

/** Errors: INVALID_ARGUMENT that names the setting. */
export async function resolveRun(
  request: RunRequest,
  { ports, env, random }: ResolveOptions,
): Promise<AppRun> {
  const { embedded = false, unixDomainSocket = '', command } = request;
  const appId = request.appId || madeUpName(random);
  if (/[\s./|]/.test(appId)) {
    refuse(`invalid app id "${appId}": it must have no space, dot, slash or bar`);
  }
  if (command.length > 0 && command[0]!.trim() === '') {
    refuse(`the command of app "${appId}" is empty`);
  }
  if (embedded && command.length === 0) {
    refuse(`app "${appId}" has no command, and with --embedded there is no sidecar to run either`);
  }
  const daprd = embedded ? undefined : daprdOf(request, env);
  // A name that is wrong costs no port.
  const appProtocol = oneOf('app protocol', request.appProtocol || 'http', PROTOCOLS);
  const logLevel = oneOf('log level', request.logLevel || 'info', LEVELS);
  const maxBodySize = sizeOf('max body size', request.maxBodySize || '4Mi');
  const readBufferSize = sizeOf('read buffer size', request.readBufferSize || '4Ki');
  const sockets = unixDomainSocket !== '';
  const configPath = request.configPath ?? '';
  return {
    appId,
    appPort: Math.max(0, request.appPort ?? 0),
    appChannelAddress: request.appChannelAddress || '127.0.0.1',
    appProtocol,
    appSsl: request.appSsl ?? false,
    maxConcurrency: Math.max(0, request.maxConcurrency ?? 0) || -1,
    ports: {
      http: sockets ? 0 : await ports.take('dapr-http-port', request.httpPort),
      grpc: sockets ? 0 : await ports.take('dapr-grpc-port', request.grpcPort),
      internal: embedded ? 0 : await ports.take('dapr-internal-grpc-port', request.internalPort),
      metrics: embedded ? 0 : await ports.take('metrics-port', request.metricsPort),
      profile:
        request.profiling && !embedded
          ? await ports.take('profile-port', request.profilePort)
          : undefined,
    },
    listenAddresses: request.listenAddresses || '127.0.0.1',
    logLevel,
    logAsJson: request.logAsJson ?? false,
    apiLogging: request.apiLogging ?? false,
    maxBodySize,
    readBufferSize,
    unixDomainSocket,
    health: request.health,
    // The sidecar of Troupe needs neither; a daprd has them where Dapr's own command line does.
    placement: withPort(request.placement ?? (daprd ? 'localhost' : ''), PLACEMENT_PORT),
    scheduler: withPort(request.scheduler ?? (daprd ? 'localhost' : ''), SCHEDULER_PORT),
    configPath,
    resourcesPaths: request.resourcesPaths,
    mtls: configPath !== '' && !embedded ? await asksForMtls(configPath, env) : false,
    daprd,
    embedded,
    command,
    cwd: request.cwd,
    env: request.env,
    daprdLog: request.daprdLog,
    appLog: request.appLog,
  };
}

/** Errors: INVALID_ARGUMENT with file and line. */
async function asksForMtls(path: string, env: Environment): Promise<boolean> {
  const [{ parseConfiguration }, { readResources }] = await Promise.all([
    import('../../config/configuration-yaml.ts'),
    import('../resources.ts'),
  ]);
  const files = await readResources(path);
  const { configuration } = parseConfiguration(files, { env, unknownFields: 'warn' });
  return configuration.mtls?.enabled === true;
}

/**
 * Reads the resources once before anything starts. Errors: INVALID_ARGUMENT with
 * file, line and field of every document that no sidecar would take.
 */
export async function checkResources({ resourcesPaths, appId }: AppRun): Promise<void> {
  const paths = resourcesPaths.filter((path) => path !== IN_MEMORY);
  if (paths.length === 0) return;
  const [{ ALL_KINDS, parseResources }, { refusal }, { readFolders }] = await Promise.all([
    import('../../config/resources.ts'),
    import('../../config/problem.ts'),
    import('../sidecar-resources.ts'),
  ]);
  const files = await readFolders(paths);
  const { problems } = parseResources(files, { appId, kinds: ALL_KINDS, broken: 'report' });
  if (problems.length === 0) return;
  throw refusal(problems, `the resources of app "${appId}"`);
}
