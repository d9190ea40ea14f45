/** The fields of `kind: Configuration`, as written and all of them optional. */
import {
  anyText,
  count,
  duration,
  flag,
  json,
  list,
  nonEmpty,
  object,
  record,
  text,
  word,
  type Read,
} from './shape.ts';

export type RawConfiguration = typeof configurationShape extends Read<infer T> ? T : never;

const pipeline = object({
  handlers: list(
    object(
      {
        name: nonEmpty,
        type: nonEmpty,
        version: text,
        selector: object({ fields: list(object({ field: text, value: text })) }),
      },
      ['name', 'type'],
    ),
  ),
});

const rawPair = object({ name: nonEmpty, value: anyText }, ['name']);

/** `name=value`, or a mapping of both as clusters write it. */
const header: Read<string> = (reader, at) => {
  if (typeof (at.node as { value?: unknown } | null)?.value === 'string') return text(reader, at);
  const pair = rawPair(reader, at);
  return pair && `${pair.name}=${pair.value ?? ''}`;
};

const access = word('allow', 'deny');

const metrics = object({
  enabled: flag,
  recordErrorCodes: flag,
  http: object({ increasedCardinality: flag, pathMatching: list(text), excludeVerbs: flag }),
  latencyDistributionBuckets: list(count),
  workflow: object({ latencyDistributionBuckets: list(count), latencyDistributionUnits: text }),
  rules: list(object({ name: text, labels: list(object({ name: text, regex: record(anyText) })) })),
});

const apiRules = list(
  object({ name: nonEmpty, version: text, protocol: word('http', 'grpc') }, ['name']),
);

/** Operations are read without regard to order; verbs are made upper case where they are compared. */
const policies = list(
  object(
    {
      appId: nonEmpty,
      defaultAction: access,
      trustDomain: text,
      namespace: text,
      operations: list(object({ name: text, httpVerb: list(text), action: access })),
    },
    ['appId'],
  ),
);

const spec = object({
  httpPipeline: pipeline,
  appHttpPipeline: pipeline,
  tracing: object({
    samplingRate: text,
    stdout: flag,
    zipkin: object({ endpointAddress: text }),
    otel: object({
      protocol: word('http', 'grpc'),
      endpointAddress: text,
      isSecure: flag,
      headers: list(header),
      timeout: duration(),
    }),
  }),
  mtls: object({
    enabled: flag,
    workloadCertTTL: text,
    allowedClockSkew: text,
    sentryAddress: text,
    controlPlaneTrustDomain: text,
    tokenValidators: json,
  }),
  metric: metrics,
  metrics,
  secrets: object({
    scopes: list(
      object({
        storeName: text,
        defaultAccess: access,
        allowedSecrets: list(text),
        deniedSecrets: list(text),
      }),
    ),
  }),
  accessControl: object({ defaultAction: access, trustDomain: text, policies }),
  nameResolution: object({ component: text, version: text, configuration: json }),
  features: list(object({ name: nonEmpty, enabled: flag }, ['name'])),
  api: object({ allowed: apiRules, denied: apiRules }),
  components: object({ deny: list(text) }),
  logging: object({
    apiLogging: object({ enabled: flag, obfuscateURLs: flag, omitHealthChecks: flag }),
  }),
  wasm: object({ strictSandbox: flag }),
  workflow: object({
    maxConcurrentWorkflowInvocations: count,
    maxConcurrentActivityInvocations: count,
    globalMaxConcurrentWorkflowInvocations: count,
    globalMaxConcurrentActivityInvocations: count,
    workflowConcurrencyLimits: json,
    activityConcurrencyLimits: json,
    stateRetentionPolicy: json,
  }),
});

export const configurationShape = object({
  apiVersion: text,
  kind: text,
  metadata: object({ name: text, namespace: text, labels: json, annotations: json }),
  spec,
  scopes: list(text),
});
