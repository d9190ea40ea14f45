import { describe, expect, it } from 'vitest';
import { isTroupeError } from '../core/errors.ts';
import { parseConfiguration } from './configuration-yaml.ts';

const HEAD = 'apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata:\n  name: shop\n';

function parse(...specs: string[]) {
  const files = specs.map((text, i) => ({ path: `${'abc'[i]}.yaml`, text: HEAD + text }));
  return parseConfiguration(files).configuration;
}

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (isTroupeError(error)) return error.message;
  }
  throw new Error('the configuration was accepted');
}

describe('a configuration', () => {
  it('has defaults for everything when there is no file', () => {
    const { configuration } = parseConfiguration([]);
    expect(configuration).toMatchObject({
      httpPipeline: [],
      appHttpPipeline: [],
      tracing: { stdout: false, otel: { isSecure: true, headers: [] } },
      metrics: { enabled: true, http: { increasedCardinality: true, excludeVerbs: false } },
      features: { HotReload: true },
      api: { allowed: [], denied: [] },
      deniedComponents: [],
    });
    expect(configuration.accessControl).toBeUndefined();
    expect(configuration.tracing.samplingRate).toBeUndefined();
  });

  it('gives every section', () => {
    const all = parse(`spec:
  httpPipeline:
    handlers:
    - { name: alias, type: middleware.http.routeralias }
  appHttpPipeline:
    handlers:
    - { name: up, type: middleware.http.uppercase, version: v1 }
  tracing:
    samplingRate: "1"
    stdout: true
    zipkin: { endpointAddress: "http://127.0.0.1:9411/api/v2/spans" }
    otel:
      protocol: grpc
      endpointAddress: 127.0.0.1:4317
      isSecure: false
      timeout: 3s
      headers: ["a=b", { name: c, value: d }]
  metric: { enabled: true }
  metrics:
    enabled: false
    recordErrorCodes: true
    http: { increasedCardinality: false, pathMatching: ["/orders/{id}"] }
    rules: [{ name: m, labels: [{ name: path, regex: { order: "/orders/.+" } }] }]
  secrets:
    scopes:
    - { storeName: vault, defaultAccess: Deny, allowedSecrets: [a] }
  accessControl:
    defaultAction: deny
    policies:
    - appId: web
      defaultAction: deny
      namespace: default
      operations: [{ name: "/orders/*", httpVerb: [POST], action: allow }]
  nameResolution: { component: sqlite, configuration: { connectionString: ":memory:" } }
  features: [{ name: HotReload, enabled: false }]
  api:
    allowed: [{ name: state, version: v1, protocol: http }]
    denied: [{ name: invoke, version: v1, protocol: GRPC }]
  components: { deny: [bindings.smtp] }
  logging: { apiLogging: { enabled: true, obfuscateURLs: true } }
`);
    expect(all).toMatchObject({
      name: 'shop',
      httpPipeline: [{ name: 'alias', type: 'middleware.http.routeralias', version: 'v1' }],
      appHttpPipeline: [{ name: 'up' }],
      tracing: {
        samplingRate: '1',
        stdout: true,
        otel: { protocol: 'grpc', isSecure: false, headers: ['a=b', 'c=d'], timeoutMs: 3000 },
      },
      metrics: { enabled: false, recordErrorCodes: true, http: { increasedCardinality: false } },
      secretScopes: [{ storeName: 'vault', defaultAccess: 'deny', allowedSecrets: ['a'] }],
      accessControl: { defaultAction: 'deny', trustDomain: 'public', policies: [{ appId: 'web' }] },
      nameResolution: { component: 'sqlite', version: 'v1' },
      features: { HotReload: false },
      api: { denied: [{ name: 'invoke', version: 'v1', protocol: 'grpc' }] },
      deniedComponents: ['bindings.smtp'],
      apiLogging: { enabled: true, obfuscateURLs: true, omitHealthChecks: false },
    });
  });

  it('lays files over each other: mappings merge, lists are replaced', () => {
    const merged = parse(
      'spec:\n  tracing: { samplingRate: "1", otel: { protocol: http } }\n  features: [{ name: A, enabled: true }]\n',
      'spec:\n  tracing: { otel: { endpointAddress: there } }\n  features: [{ name: B, enabled: true }]\n',
    );
    expect(merged.tracing).toMatchObject({
      samplingRate: '1',
      otel: { protocol: 'http', endpointAddress: 'there' },
    });
    expect(merged.features).toMatchObject({ B: true });
    expect(merged.features).not.toHaveProperty('A');
  });

  it('takes variables from the environment that it is given', () => {
    const text = `${HEAD}spec:\n  tracing: { samplingRate: "$RATE", zipkin: { endpointAddress: "http://\${HOST}:9411\${GONE}" } }\n`;
    const { configuration } = parseConfiguration([{ path: 'a.yaml', text }], {
      env: { RATE: '0.5', HOST: 'zipkin' },
    });
    expect(configuration.tracing).toMatchObject({
      samplingRate: '0.5',
      zipkin: { endpointAddress: 'http://zipkin:9411' },
    });
  });

  it('names file, line and field of what is wrong', () => {
    expect(refusal('spec:\n  tracing:\n    samplingrate: "1"\n')).toContain(
      'a.yaml:7:5: spec.tracing.samplingrate: unknown field, did you mean "samplingRate"?',
    );
    expect(refusal('spec:\n  api:\n    denied: [{ name: state, protocol: tcp }]\n')).toContain(
      'spec.api.denied[0].protocol: "tcp" is not one of http, grpc',
    );
    expect(
      refusal('spec:\n  secrets:\n    scopes: [{ storeName: a }, { storeName: a }]\n'),
    ).toContain('storeName "a" is given twice');
  });

  it('passes over an unknown field with a warning when told so', () => {
    const files = [{ path: 'a.yaml', text: `${HEAD}spec:\n  tracing: { sampling: "1" }\n` }];
    const { configuration, warnings } = parseConfiguration(files, { unknownFields: 'warn' });
    expect(configuration.tracing.samplingRate).toBeUndefined();
    expect(warnings).toMatchObject([{ field: 'spec.tracing.sampling', line: 6 }]);
  });
});
