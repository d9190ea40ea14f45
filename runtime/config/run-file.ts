/**
 * Reads the file of `dapr run -f`: several apps, what they share, and which
 * value counts where both say something. It checks the text; whether the paths
 * it names are there is for who opens them, so these keep their place.
 */
import { refusal } from './problem.ts';
import { readDocuments } from './reader.ts';
import type { Problem, Reader, ResourceFile } from './reader.ts';
import { anyText, flag, list, object, record, text, word, type Read } from './shape.ts';

/** A path as it is written, and where. */
export interface WrittenPath {
  readonly path: string;
  /** For messages: `dapr.yaml:7:5: apps[0].appDirPath`. */
  readonly at: string;
}

const LOG_DESTINATIONS = ['console', 'file', 'fileAndConsole'] as const;
export type LogDestination = (typeof LOG_DESTINATIONS)[number];

export interface SharedSettings {
  readonly resourcesPaths?: readonly WrittenPath[];
  readonly configFilePath?: WrittenPath;
  readonly runtimePath?: WrittenPath;
  readonly appProtocol?: string;
  readonly apiListenAddresses?: string;
  readonly enableProfiling?: boolean;
  readonly logLevel?: string;
  readonly appMaxConcurrency?: number;
  /** Empty: none, even where there is a default. */
  readonly placementHostAddress?: string;
  /** Empty: none, even where there is a default. */
  readonly schedulerHostAddress?: string;
  readonly appSSL?: boolean;
  readonly maxBodySize?: string;
  readonly readBufferSize?: string;
  readonly enableAppHealthCheck?: boolean;
  readonly appHealthCheckPath?: string;
  readonly appHealthProbeInterval?: number;
  readonly appHealthProbeTimeout?: number;
  readonly appHealthThreshold?: number;
  readonly enableApiLogging?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly daprdLogDestination?: LogDestination;
  readonly appLogDestination?: LogDestination;
}

export interface AppSettings extends SharedSettings {
  readonly appDirPath: WrittenPath;
  readonly appID?: string;
  readonly appChannelAddress?: string;
  readonly appPort?: number;
  readonly daprHTTPPort?: number;
  readonly daprGRPCPort?: number;
  readonly daprInternalGRPCPort?: number;
  readonly metricsPort?: number;
  readonly profilePort?: number;
  readonly unixDomainSocket?: string;
  /** Absent: the sidecar alone. */
  readonly command?: readonly string[];
}

export interface RunFile {
  readonly name: string;
  readonly common: SharedSettings;
  /** As written, without what is common. */
  readonly apps: readonly AppSettings[];
  readonly warnings: readonly Problem[];
}

const whole: Read<number> = (reader, at) => reader.count(at);
const destination = word(...LOG_DESTINATIONS);

const path =
  (file: string): Read<WrittenPath> =>
  (reader, at) => {
    const given = reader.text(at);
    if (given === undefined) return undefined;
    return { path: given, at: `${file}:${reader.line(at)}:${reader.column(at)}: ${at.path}` };
  };

function shapeOf(file: string) {
  const where = path(file);
  const shared = {
    resourcesPaths: list(where),
    resourcesPath: where,
    configFilePath: where,
    runtimePath: where,
    appProtocol: text,
    apiListenAddresses: text,
    enableProfiling: flag,
    logLevel: text,
    appMaxConcurrency: whole,
    placementHostAddress: text,
    schedulerHostAddress: text,
    appSSL: flag,
    maxBodySize: text,
    readBufferSize: text,
    enableAppHealthCheck: flag,
    appHealthCheckPath: text,
    appHealthProbeInterval: whole,
    appHealthProbeTimeout: whole,
    appHealthThreshold: whole,
    enableApiLogging: flag,
    env: record(anyText),
    daprdLogDestination: destination,
    appLogDestination: destination,
  };
  const app = {
    ...shared,
    appDirPath: where,
    appID: text,
    appChannelAddress: text,
    appPort: whole,
    daprHTTPPort: whole,
    daprGRPCPort: whole,
    daprInternalGRPCPort: whole,
    metricsPort: whole,
    profilePort: whole,
    unixDomainSocket: text,
    command: list(anyText),
    // For Kubernetes, of no use here.
    containerImage: text,
    containerImagePullPolicy: text,
    createService: flag,
  };
  return object(
    {
      version: whole,
      name: text,
      common: object(shared),
      apps: list(object(app, ['appDirPath'])),
    },
    ['version', 'apps'],
  );
}

/** The older single path counts too, after the others. */
function withOnePath<T extends { readonly resourcesPath?: WrittenPath } & SharedSettings>({
  resourcesPath,
  ...rest
}: T): Omit<T, 'resourcesPath'> {
  if (!resourcesPath || resourcesPath.path.trim() === '') return rest;
  return { ...rest, resourcesPaths: [...(rest.resourcesPaths ?? []), resourcesPath] };
}

/**
 * Throws INVALID_ARGUMENT with one line a problem, each with file, line and
 * field. A field that Dapr does not have is a warning, as Dapr passes it over.
 */
export function parseRunFile(file: ResourceFile): RunFile {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const [reader, more] = readDocuments(file, problems, warnings, 'warn');
  const read = reader && readRunFile(reader, file.path);
  if (!reader && problems.length === 0) {
    problems.push({ file: file.path, line: 1, column: 1, field: '', message: 'is empty' });
  }
  if (more) more.problem(more.root, 'is a second document; a run file has one');
  if (!read || problems.length > 0) throw refusal(problems, 'the run file');
  return { ...read, warnings };
}

function readRunFile(reader: Reader, file: string): Omit<RunFile, 'warnings'> | undefined {
  const read = shapeOf(file)(reader, reader.root);
  if (!read) return undefined;
  if (read.apps.length === 0) {
    reader.problem(reader.root, 'apps is empty; name at least one app');
    return undefined;
  }
  const { name = '', common = {}, apps } = read;
  return { name, common: withOnePath(common), apps: apps.map(withOnePath) };
}

/** What an app has, and else what is common. Variables of both; paths of resources and configuration have rules of their own. */
export function withCommon(app: AppSettings, common: SharedSettings): AppSettings {
  const { resourcesPaths: _, configFilePath: __, ...shared } = common;
  return { ...shared, ...app, env: { ...common.env, ...app.env } };
}
