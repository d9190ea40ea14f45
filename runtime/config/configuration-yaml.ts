/**
 * Reads configuration files. Several are laid over each other: mappings merge,
 * everything else is replaced; then the defaults come in.
 */
import type { ApiRule, Configuration, Handler } from './configuration.ts';
import { configurationShape, type RawConfiguration } from './configuration-shape.ts';
import { expandEnv } from './expand-env.ts';
import { refusal } from './problem.ts';
import { readDocuments } from './reader.ts';
import type { Problem, Reader, ResourceFile } from './reader.ts';

type Spec = NonNullable<RawConfiguration['spec']>;

export interface ConfigurationOptions {
  /** For `$NAME` and `${NAME}` in the texts. Absent: they stay as they are. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Fields that Dapr does not have are passed over with a warning instead of refused. */
  readonly unknownFields?: 'refuse' | 'warn';
}

export interface ParsedConfiguration {
  readonly configuration: Configuration;
  readonly warnings: readonly Problem[];
}

const DEFAULT_FEATURES = {
  HotReload: true,
  WorkflowsRemoteActivityReminder: true,
  WorkflowsFastPath: true,
};

/**
 * The configuration of the files in their order; of none, the defaults. Throws
 * INVALID_ARGUMENT with one line a problem, the problems in `details.problems`.
 */
export function parseConfiguration(
  files: readonly ResourceFile[],
  { env, unknownFields = 'refuse' }: ConfigurationOptions = {},
): ParsedConfiguration {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  let merged: RawConfiguration = {};
  for (const { path, text } of files) {
    const file = { path, text: env ? expandEnv(text, env) : text };
    // As Dapr: only the first document of a file counts.
    const [reader] = readDocuments(file, problems, warnings, unknownFields);
    const read = reader && readConfiguration(reader);
    if (read) merged = merge(merged, read) as RawConfiguration;
  }
  if (problems.length > 0) throw refusal(problems, 'the configuration files');
  return { configuration: complete(merged), warnings };
}

/** One document; undefined when something is wrong, which the reader was told. */
export function readConfiguration(reader: Reader): RawConfiguration | undefined {
  const read = configurationShape(reader, reader.root);
  if (!read || !reader.sound()) return undefined;
  if (read.kind !== undefined && read.kind !== 'Configuration') {
    reader.problem(
      reader.root,
      `kind is ${read.kind}; a configuration file has kind Configuration`,
    );
    return undefined;
  }
  const stores = new Set<string>();
  for (const { storeName = '' } of read.spec?.secrets?.scopes ?? []) {
    if (stores.has(storeName)) {
      reader.problem(
        { ...reader.root, path: 'spec.secrets.scopes' },
        `storeName "${storeName}" is given twice; keep one scope a store`,
      );
      return undefined;
    }
    stores.add(storeName);
  }
  return read;
}

function merge(below: unknown, above: unknown): unknown {
  if (!isPlain(below) || !isPlain(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) merged[key] = merge(below[key], value);
  return merged;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function complete({ metadata, spec = {} }: RawConfiguration): Configuration {
  const { tracing = {}, metric = {}, metrics = {}, accessControl, nameResolution, logging } = spec;
  const { otel = {}, zipkin, samplingRate } = tracing;
  const metricHttp = metrics.http ?? metric.http ?? {};
  const buckets = metrics.latencyDistributionBuckets ?? metric.latencyDistributionBuckets;
  const rules = metrics.rules?.length ? metrics.rules : (metric.rules ?? []);
  const { timeout, headers = [], ...restOtel } = otel;
  return {
    name: metadata?.name ?? '',
    httpPipeline: handlers(spec.httpPipeline),
    appHttpPipeline: handlers(spec.appHttpPipeline),
    tracing: {
      ...(samplingRate === undefined ? {} : { samplingRate }),
      stdout: tracing.stdout ?? false,
      ...(zipkin?.endpointAddress ? { zipkin: { endpointAddress: zipkin.endpointAddress } } : {}),
      otel: {
        isSecure: true,
        ...restOtel,
        headers,
        ...(timeout === undefined ? {} : { timeoutMs: timeout }),
      },
    },
    ...(spec.mtls ? { mtls: spec.mtls } : {}),
    metrics: {
      enabled: metrics.enabled ?? metric.enabled ?? true,
      recordErrorCodes: metrics.recordErrorCodes ?? metric.recordErrorCodes ?? false,
      http: { increasedCardinality: true, pathMatching: [], excludeVerbs: false, ...metricHttp },
      ...(buckets?.length ? { latencyDistributionBuckets: buckets } : {}),
      rules: rules.map(({ name = '', labels = [] }) => ({
        name,
        labels: labels.map((label) => ({ name: label.name ?? '', regex: label.regex ?? {} })),
      })),
    },
    secretScopes: (spec.secrets?.scopes ?? []).map((scope) => ({
      storeName: scope.storeName ?? '',
      defaultAccess: scope.defaultAccess ?? 'allow',
      allowedSecrets: scope.allowedSecrets ?? [],
      deniedSecrets: scope.deniedSecrets ?? [],
    })),
    ...(accessControl ? { accessControl: access(accessControl) } : {}),
    ...(nameResolution
      ? {
          nameResolution: {
            component: nameResolution.component ?? '',
            version: nameResolution.version || 'v1',
            configuration: nameResolution.configuration,
          },
        }
      : {}),
    features: {
      ...DEFAULT_FEATURES,
      ...Object.fromEntries(
        (spec.features ?? []).map(({ name, enabled = false }) => [name, enabled]),
      ),
    },
    api: { allowed: apiRules(spec.api?.allowed), denied: apiRules(spec.api?.denied) },
    deniedComponents: spec.components?.deny ?? [],
    apiLogging: { obfuscateURLs: false, omitHealthChecks: false, ...logging?.apiLogging },
    workflow: spec.workflow ?? {},
  };
}

function handlers(pipeline: Spec['httpPipeline']): Handler[] {
  return (pipeline?.handlers ?? []).map(({ name, type, version }) => ({
    name,
    type,
    version: version || 'v1',
  }));
}

function apiRules(rules: NonNullable<Spec['api']>['allowed']): ApiRule[] {
  return (rules ?? []).map(({ name, version = '', protocol = 'http' }) => ({
    name,
    version,
    protocol,
  }));
}

function access(
  spec: NonNullable<Spec['accessControl']>,
): NonNullable<Configuration['accessControl']> {
  return {
    defaultAction: spec.defaultAction || 'allow',
    trustDomain: spec.trustDomain || 'public',
    policies: (spec.policies ?? []).map((policy) => ({
      appId: policy.appId,
      defaultAction: policy.defaultAction ?? '',
      trustDomain: policy.trustDomain ?? '',
      namespace: policy.namespace ?? '',
      operations: (policy.operations ?? []).map(
        ({ name = '', httpVerb = [], action = 'deny' }) => ({
          name,
          httpVerb,
          action,
        }),
      ),
    })),
  };
}
