/**
 * From a run file to what is asked for each of its apps: paths made absolute
 * and looked for, and Dapr's order of what counts: the app's own, then its
 * folder's `.dapr`, then what is common, then the default.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import {
  type AppSettings,
  parseRunFile,
  type SharedSettings,
  withCommon,
  type WrittenPath,
} from '../../config/run-file.ts';
import { formatProblem } from '../../config/problem.ts';
import type { ResourceFile } from '../../config/reader.ts';
import { TroupeError } from '../../core/errors.ts';
import type { RunFlags } from './flags.ts';
import { defaultConfig, defaultResources, type RunRequest } from './resolve.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface RunFilePlan {
  readonly name: string;
  readonly apps: readonly RunRequest[];
  /** Lines to show. */
  readonly warnings: readonly string[];
}

/** Errors: INVALID_ARGUMENT with file and line of every problem, the first path that is not there included. */
export function planRunFile(
  file: ResourceFile,
  {
    folder,
    flags,
    env,
  }: {
    /** What relative paths of the file are relative to. */
    readonly folder: string;
    readonly flags: RunFlags;
    readonly env: Environment;
  },
): RunFilePlan {
  const { name, common, apps, warnings } = parseRunFile(file);
  const shared = located(common, folder);
  const requests = apps.map((app) => requestOf(app, { common: shared, folder, flags, env }));
  const seen = new Set<string | undefined>();
  for (const { appId } of requests) {
    if (seen.has(appId)) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `${file.path}: two apps have the id "${appId}"; give each an appID of its own`,
      );
    }
    seen.add(appId);
  }
  return { name, apps: requests, warnings: warnings.map(formatProblem) };
}

/** Errors: INVALID_ARGUMENT when there is nothing at the path. */
function find({ path, at }: WrittenPath, folder: string): string {
  const home = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  const absolute = resolve(folder, home);
  if (existsSync(absolute)) return absolute;
  throw new TroupeError('INVALID_ARGUMENT', `${at}: there is nothing at ${absolute}`);
}

const isGiven = (path: WrittenPath | undefined): path is WrittenPath =>
  path !== undefined && path.path.trim() !== '';

interface Located {
  readonly resources: readonly string[];
  readonly config: string | undefined;
  readonly runtime: string | undefined;
  readonly settings: SharedSettings;
}

function located(settings: SharedSettings, folder: string): Located {
  const { resourcesPaths = [], configFilePath, runtimePath } = settings;
  return {
    resources: resourcesPaths.filter(isGiven).map((path) => find(path, folder)),
    config: isGiven(configFilePath) ? find(configFilePath, folder) : undefined,
    runtime: isGiven(runtimePath) ? find(runtimePath, folder) : undefined,
    settings,
  };
}

function requestOf(
  app: AppSettings,
  {
    common,
    folder,
    flags,
    env,
  }: {
    readonly common: Located;
    readonly folder: string;
    readonly flags: RunFlags;
    readonly env: Environment;
  },
): RunRequest {
  const cwd = find(app.appDirPath, folder);
  const own = located(app, cwd);
  const merged = withCommon(app, common.settings);
  const runtimePath = own.runtime ?? common.runtime ?? flags['runtime-path'];
  const inFolder = (name: string): string | undefined => {
    const path = join(cwd, '.dapr', name);
    return existsSync(path) ? path : undefined;
  };
  return {
    appId: app.appID || basename(cwd),
    appPort: app.appPort,
    appChannelAddress: app.appChannelAddress,
    appProtocol: merged.appProtocol,
    appSsl: merged.appSSL,
    maxConcurrency: merged.appMaxConcurrency,
    httpPort: app.daprHTTPPort,
    grpcPort: app.daprGRPCPort,
    internalPort: app.daprInternalGRPCPort,
    metricsPort: app.metricsPort,
    profilePort: app.profilePort,
    profiling: merged.enableProfiling,
    listenAddresses: merged.apiListenAddresses,
    logLevel: merged.logLevel,
    logAsJson: flags['log-as-json'],
    apiLogging: merged.enableApiLogging,
    maxBodySize: merged.maxBodySize,
    readBufferSize: merged.readBufferSize,
    unixDomainSocket: app.unixDomainSocket ? resolve(cwd, app.unixDomainSocket) : undefined,
    health: merged.enableAppHealthCheck
      ? {
          path: merged.appHealthCheckPath ?? '',
          intervalSeconds: merged.appHealthProbeInterval ?? 0,
          timeoutMs: merged.appHealthProbeTimeout ?? 0,
          threshold: merged.appHealthThreshold ?? 0,
        }
      : undefined,
    placement: merged.placementHostAddress,
    scheduler: merged.schedulerHostAddress,
    configPath:
      own.config ?? inFolder('config.yaml') ?? common.config ?? defaultConfig(runtimePath, env),
    resourcesPaths: resourcesOf(own, inFolder('resources'), common, [
      defaultResources(runtimePath, env).path,
    ]),
    runtimePath,
    embedded: flags.embedded,
    command: app.command ?? [],
    cwd,
    env: merged.env ?? {},
    daprdLog: merged.daprdLogDestination ?? 'file',
    appLog: merged.appLogDestination ?? 'fileAndConsole',
  };
}

function resourcesOf(
  own: Located,
  inFolder: string | undefined,
  common: Located,
  fallback: readonly string[],
): readonly string[] {
  if (own.resources.length > 0) return own.resources;
  if (inFolder !== undefined) return [inFolder];
  return common.resources.length > 0 ? common.resources : fallback;
}

/** What relative paths of a run file are relative to. */
export const folderOf = (path: string, cwd: string): string => (path === '-' ? cwd : dirname(path));
