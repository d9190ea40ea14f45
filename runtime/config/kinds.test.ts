import { describe, expect, it } from 'vitest';
import { isTroupeError } from '../core/errors.ts';
import { ALL_KINDS, parseResources, type ParseOptions } from './resources.ts';

function parse(text: string, options?: ParseOptions) {
  return parseResources([{ path: 'a.yaml', text }], { kinds: ALL_KINDS, ...options });
}

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (isTroupeError(error)) return error.message;
  }
  throw new Error('the resource was accepted');
}

const head = (kind: string, name: string, version = 'v1alpha1') =>
  `apiVersion: dapr.io/${version}\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

describe('a subscription', () => {
  it('of the first version has one route', () => {
    const { subscriptions } = parse(
      `${head('Subscription', 's')}spec: { pubsubname: p, topic: t, route: /a, deadLetterTopic: dead, metadata: { rawPayload: true } }\nscopes: [web]\n`,
    );
    expect(subscriptions).toMatchObject([
      {
        name: 's',
        pubsubname: 'p',
        topic: 't',
        rules: [{ path: '/a' }],
        deadLetterTopic: 'dead',
        metadata: { rawPayload: 'true' },
        scopes: ['web'],
      },
    ]);
  });

  it('of the second version has rules and a default at their end', () => {
    const { subscriptions } = parse(
      `${head('Subscription', 's', 'v2alpha1')}spec:
  pubsubname: p
  topic: t
  routes:
    rules:
    - { match: 'event.type == "big"', path: /big }
    default: /rest
  bulkSubscribe: { enabled: true, maxMessagesCount: 10 }
`,
    );
    expect(subscriptions).toMatchObject([
      {
        rules: [{ match: 'event.type == "big"', path: '/big' }, { path: '/rest' }],
        bulkSubscribe: { enabled: true, maxMessagesCount: 10 },
      },
    ]);
  });

  it('is refused with an expression that is no CEL, by its place', () => {
    const text = `${head('Subscription', 's', 'v2alpha1')}spec:
  pubsubname: p
  topic: t
  routes: { rules: [{ match: 'event.type ==', path: /x }] }
`;
    expect(refusal(text)).toMatch(
      /a\.yaml:7:\d+: spec\.routes\.rules\[0\]\.match: "event\.type ==" is not a CEL expression/,
    );
  });
});

describe('a resiliency document', () => {
  it('gives policies in milliseconds with their defaults, and targets', () => {
    const { resiliencies } = parse(`${head('Resiliency', 'r')}spec:
  policies:
    timeouts: { fast: 500ms, bare: 20 }
    retries:
      plain: {}
      some: { policy: exponential, maxInterval: 15s, maxRetries: 10, matching: { httpStatusCodes: "429,500-599", gRPCStatusCodes: "14" } }
    circuitBreakers:
      cb: { maxRequests: 2, interval: 8s, timeout: 45s, trip: consecutiveFailures > 8 }
  targets:
    apps: { web: { timeout: fast, retry: some, circuitBreaker: cb, circuitBreakerCacheSize: 5 } }
    actors: { Cart: { circuitBreaker: cb, circuitBreakerScope: both } }
    components: { store: { outbound: { retry: plain }, inbound: { timeout: fast } } }
`);
    expect(resiliencies[0]).toMatchObject({
      timeouts: { fast: 500, bare: 20 },
      retries: {
        plain: { policy: 'constant', durationMs: 5000, maxRetries: -1 },
        some: {
          policy: 'exponential',
          maxIntervalMs: 15_000,
          maxRetries: 10,
          httpStatusCodes: [
            [429, 429],
            [500, 599],
          ],
          grpcStatusCodes: [[14, 14]],
        },
      },
      circuitBreakers: { cb: { maxRequests: 2, intervalMs: 8000, timeoutMs: 45_000 } },
      apps: { web: { timeout: 'fast' } },
      actors: { Cart: { circuitBreakerScope: 'both' } },
      components: { store: { outbound: { retry: 'plain' }, inbound: { timeout: 'fast' } } },
    });
  });

  it.each([
    ['retries: { r: { policy: linear } }', 'policy: "linear" is not one of constant, exponential'],
    ['retries: { r: { duration: 3d } }', '"3d" is not a duration'],
    [
      'retries: { r: { matching: { httpStatusCodes: "600" } } }',
      '"600" is not a status code or a range from 100 to 599',
    ],
    ['circuitBreakers: { c: { trip: "a >" } }', 'is not a CEL expression'],
  ])('is refused with %s', (policy, message) => {
    expect(refusal(`${head('Resiliency', 'r')}spec:\n  policies:\n    ${policy}\n`)).toContain(
      message,
    );
  });

  it('is refused when a circuit breaker of an actor type has no scope', () => {
    const text = `${head('Resiliency', 'r')}spec:\n  targets: { actors: { Cart: { circuitBreaker: cb } } }\n`;
    expect(refusal(text)).toContain(
      'spec.targets.actors.Cart: circuitBreaker needs circuitBreakerScope',
    );
  });
});

describe('an HTTP endpoint', () => {
  it('has address, headers and TLS material, each as a value or a reference', () => {
    const { httpEndpoints } = parse(`${head('HTTPEndpoint', 'api')}spec:
  baseUrl: https://api.example.org
  headers:
  - { name: Accept-Language, value: en }
  - { name: Token, secretKeyRef: { name: t } }
  clientTLS: { rootCA: { value: pem }, privateKey: { secretKeyRef: { name: k, key: v } } }
auth: { secretStore: vault }
scopes: [web]
`);
    expect(httpEndpoints).toMatchObject([
      {
        name: 'api',
        baseUrl: 'https://api.example.org',
        headers: [
          { name: 'Accept-Language', value: 'en' },
          { name: 'Token', secretKeyRef: { name: 't', key: 't' } },
        ],
        clientTls: { rootCA: { value: 'pem' } },
        secretStore: 'vault',
      },
    ]);
  });

  it('is refused without an address that can be called', () => {
    expect(refusal(`${head('HTTPEndpoint', 'a')}spec: { baseUrl: example.org }\n`)).toContain(
      'spec.baseUrl: "example.org" is not an address',
    );
    expect(refusal(`${head('HTTPEndpoint', 'a')}spec: { headers: [] }\n`)).toContain(
      'baseUrl is missing',
    );
  });
});

describe('resources read as Dapr reads them', () => {
  const sound = `${head('Subscription', 'ok')}spec: { pubsubname: p, topic: t, route: /a }\n`;
  const report = { broken: 'report', appId: 'web' } as const;

  it('keep what is sound and list what is broken', () => {
    const { subscriptions, problems } = parse(
      `${head('Subscription', 'bad')}spec: { topic: t }\n---\n${sound}`,
      report,
    );
    expect(subscriptions).toMatchObject([{ name: 'ok' }]);
    expect(problems).toMatchObject([{ file: 'a.yaml', field: 'spec' }]);
  });

  it('pass over fields that Dapr does not have, with a warning', () => {
    const { subscriptions, warnings } = parse(sound.replace('/a }', '/a, extra: 1 }'), report);
    expect(subscriptions).toHaveLength(1);
    expect(warnings).toMatchObject([{ field: 'spec.extra' }]);
  });

  it('have names without regard to case', () => {
    const { subscriptions, problems } = parse(
      sound.replace('kind:', 'Kind:').replace('topic:', 'Topic:'),
      report,
    );
    expect(problems).toEqual([]);
    expect(subscriptions).toMatchObject([{ topic: 't' }]);
  });

  it('may have tabs before the further lines of a value', () => {
    const routes = `'{\n\t  "/a": "/b",\n\t\t"/c": "/d"\n\t }'`;
    const text = `${head('Component', 'x')}spec:\n type: middleware.http.routeralias\n version: v1\n metadata:\n - name: routes\n   value: ${routes}\n`;
    const { components, problems } = parse(text, report);
    expect(problems).toEqual([]);
    expect(components[0]!.metadata).toMatchObject([{ value: '{ "/a": "/b", "/c": "/d" }' }]);
  });

  it('may go on with a quoted value anywhere on further lines', () => {
    const routes = `'{\n"/a": "it''s",\n  "/c": "/d"\n }'`;
    const text = `${head('Component', 'x')}spec:\n type: middleware.http.routeralias\n version: v1\n metadata:\n - name: routes\n   value: ${routes}\n`;
    const { components, problems } = parse(text, report);
    expect(problems).toEqual([]);
    expect(components[0]!.metadata).toMatchObject([{ value: `{ "/a": "it's", "/c": "/d" }` }]);
    expect(() => parse(text)).toThrow(/not YAML/);
  });

  it('may give a field twice, of which the last counts', () => {
    const { subscriptions, problems, warnings } = parse(`${sound}kind: Subscription\n`, report);
    expect(problems).toEqual([]);
    expect(subscriptions).toHaveLength(1);
    expect(warnings).toMatchObject([{ field: 'kind', message: 'given twice, this one counts' }]);
  });

  it('name the resiliency document that is broken as daprd does', () => {
    const spec = 'spec: { policies: { retries: { r: { matching: { httpStatusCodes: 11 } } } } }\n';
    const { resiliencies, problems } = parse(`${head('Resiliency', 'mine')}${spec}`, report);
    expect(resiliencies).toEqual([]);
    expect(problems).toMatchObject([{ daprd: 'Could not read resiliency policy mine' }]);
  });

  it('leave out what is for another app', () => {
    const { subscriptions, leftOut } = parse(`${sound}scopes: [other]\n`, report);
    expect(subscriptions).toEqual([]);
    expect(leftOut).toMatchObject([{ name: 'ok' }]);
  });

  it('still refuse two components of one name', () => {
    const store = `${head('Component', 'x')}spec: { type: state.in-memory, version: v1 }\n`;
    expect(() => parse(`${store}---\n${store}`, report)).toThrow(/already defined/);
  });
});
