/** What resources and configuration do to a sidecar while it runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { componentYaml, startApp, startSidecar } from './sidecar.fixture.ts';

const head = (kind: string, name: string, version = 'v1alpha1') =>
  `apiVersion: dapr.io/${version}\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
const pubsub = componentYaml('pubsub', 'pubsub.in-memory');
const store = componentYaml('store', 'state.in-memory');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-configuration-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function configured(name: string, spec: string): Promise<string> {
  const path = join(folder, `${name}.yaml`);
  await writeFile(path, `${head('Configuration', name)}spec:\n${spec}`);
  return `--config=${path}`;
}

describe('a configuration', () => {
  it('puts middleware before the API and before the app', async () => {
    const config = await configured(
      'pipes',
      `  httpPipeline: { handlers: [{ name: alias, type: middleware.http.routeralias }] }
  appHttpPipeline: { handlers: [{ name: upper, type: middleware.http.uppercase }] }
`,
    );
    await using app = await startApp((_request, response) => response.end('ok'));
    await using sidecar = await startSidecar({
      resources: [
        componentYaml('alias', 'middleware.http.routeralias', {
          routes: '{"/short": "/v1.0/invoke/shop/method/long"}',
        }),
        componentYaml('upper', 'middleware.http.uppercase'),
      ],
      args: [config, `--app-port=${app.port}`],
    });
    await sidecar.healthy();
    const answer = await fetch(`${sidecar.base}/short?a=1`, { method: 'POST', body: 'hello' });
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
    expect(app.seen.at(-1)).toMatchObject({ url: '/long?a=1', body: 'HELLO' });
  });

  it('limits requests and denies types', async () => {
    const config = await configured(
      'limits',
      `  httpPipeline: { handlers: [{ name: limit, type: middleware.http.ratelimit }] }
  components: { deny: [state.in-memory] }
`,
    );
    await using sidecar = await startSidecar({
      resources: [
        componentYaml('limit', 'middleware.http.ratelimit', {
          maxRequestsPerSecond: '10',
          burst: '50',
        }),
        store,
      ],
      args: [config],
    });
    await sidecar.healthy();
    const path = `${sidecar.base}/v1.0/state/store/k`;
    const answers = await Promise.all(Array.from({ length: 200 }, () => fetch(path)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(10);
    expect(statuses.filter((status) => status !== 429).length).toBeGreaterThanOrEqual(50);
    expect(await (await fetch(`${sidecar.base}/v1.0/metadata`)).json()).toMatchObject({
      components: [{ name: 'limit' }],
    });
  });
});

describe('a resiliency document', () => {
  it('repeats, limits and breaks invocations and deliveries', async () => {
    let failures = 2;
    await using app = await startApp(({ url }, response) => {
      if (url === '/slow') return true;
      if (url === '/dapr/subscribe') {
        return response.end('[{"pubsubname":"pubsub","topic":"t","route":"/event"}]');
      }
      if (url !== '/dapr/config' && failures-- > 0) response.statusCode = 503;
      return response.end('body');
    });
    await using sidecar = await startSidecar({
      resources: [
        pubsub,
        `${head('Resiliency', 'r')}spec:
  policies:
    timeouts: { short: 100ms }
    retries: { some: { duration: 10ms, maxRetries: 2, matching: { httpStatusCodes: "500-599" } } }
    circuitBreakers: { cb: { trip: consecutiveFailures >= 2, timeout: 1h } }
  targets:
    apps: { shop: { timeout: short, retry: some, circuitBreaker: cb } }
    components: { pubsub: { inbound: { retry: some } } }
`,
      ],
      args: [`--app-port=${app.port}`],
    });
    await sidecar.healthy();
    const call = async (method: string): Promise<unknown[]> => {
      const init = { method: 'POST', body: 'sent' };
      const answer = await fetch(`${sidecar.base}/v1.0/invoke/shop/method/${method}`, init);
      const text = await answer.text();
      return [answer.status, answer.ok ? text : (JSON.parse(text) as { message: string }).message];
    };
    failures = 1;
    expect(await call('once')).toEqual([200, 'body']);
    expect(app.seen.slice(-2)).toMatchObject([
      { url: '/once', body: 'sent' },
      { url: '/once', body: 'sent' },
    ]);
    failures = 9;
    expect(await call('often')).toEqual([500, 'circuit breaker is open']);
    expect(app.seen.filter(({ url }) => url === '/often')).toHaveLength(2);
    expect((await call('slow'))[1]).toMatch(/context deadline exceeded|circuit breaker is open/);

    failures = 2;
    await fetch(`${sidecar.base}/v1.0/publish/pubsub/t`, { method: 'POST', body: 'x' });
    const events = () => app.seen.filter(({ url }) => url === '/event');
    await vi.waitFor(() => expect(events()).toHaveLength(3));
    expect(await (await fetch(`${sidecar.base}/v1.0/metadata`)).json()).toMatchObject({
      resiliencies: [{ name: 'r' }],
    });
  });
});

describe('a declared subscription', () => {
  it('reaches the app by its rules, and changes while the sidecar runs', async () => {
    await using app = await startApp(({ url }, response) => {
      if (url === '/dapr/subscribe') response.statusCode = 404;
      return response.end('');
    });
    const declared = (path: string) => `${head('Subscription', 's', 'v2alpha1')}spec:
  pubsubname: pubsub
  topic: t
  routes:
    rules: [{ match: 'event.data.n > 5', path: /big }]
    default: ${path}
`;
    await using sidecar = await startSidecar({
      resources: [pubsub, declared('/small')],
      args: [`--app-port=${app.port}`],
    });
    await sidecar.healthy();
    const publish = (n: number) =>
      fetch(`${sidecar.base}/v1.0/publish/pubsub/t`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ n }),
      });
    const delivered = () =>
      app.seen.map(({ url }) => url).filter((url) => !url.startsWith('/dapr'));
    await publish(9);
    await publish(1);
    await vi.waitFor(() => expect(delivered()).toEqual(['/big', '/small']));
    expect(await (await fetch(`${sidecar.base}/v1.0/metadata`)).json()).toMatchObject({
      subscriptions: [{ topic: 't', type: 'DECLARATIVE', rules: [{ path: '/big' }, {}] }],
    });

    await sidecar.put('later.yaml', declared('/other'));
    await rm(join(sidecar.folder, '1.yaml'));
    await sidecar.said('Subscriptions updated: s');
    await vi.waitFor(async () => {
      await publish(1);
      expect(delivered().at(-1)).toBe('/other');
    });

    const added = `${head('Subscription', 'u')}spec: { pubsubname: pubsub, topic: u, route: /u }\n`;
    await sidecar.put('0-first.yaml', added);
    await sidecar.said('Subscriptions updated: u');
    expect(await (await fetch(`${sidecar.base}/v1.0/metadata`)).json()).toMatchObject({
      subscriptions: [{ topic: 't' }, { topic: 'u' }],
    });
  });
});

describe('a sidecar that runs', () => {
  it('replaces a broker under its subscriptions, and starts again for other policies', async () => {
    await using app = await startApp(({ url }, response) =>
      response.end(
        url === '/dapr/subscribe' ? '[{"pubsubname":"pubsub","topic":"t","route":"/event"}]' : '{}',
      ),
    );
    await using sidecar = await startSidecar({
      resources: [pubsub],
      args: [`--app-port=${app.port}`],
    });
    await sidecar.healthy();
    const publish = () =>
      fetch(`${sidecar.base}/v1.0/publish/pubsub/t`, { method: 'POST', body: '1' });
    const events = () => app.seen.filter(({ url }) => url === '/event').length;
    await publish();
    await vi.waitFor(() => expect(events()).toBe(1));

    const parallel = componentYaml('pubsub', 'pubsub.in-memory', { concurrencyMode: 'parallel' });
    await sidecar.put('0.yaml', parallel);
    await sidecar.said('Component updated: pubsub (pubsub.in-memory/v1)');
    await publish();
    await vi.waitFor(() => expect(events()).toBe(2));

    await sidecar.put(
      'r.yaml',
      `${head('Resiliency', 'late')}spec: { policies: { timeouts: { t: 1s } } }\n`,
    );
    await sidecar.said('Received Resiliency event: late - triggering SIGHUP reload');
    await vi.waitFor(async () => {
      const answer = await fetch(`${sidecar.base}/v1.0/metadata`);
      expect(await answer.json()).toMatchObject({ resiliencies: [{ name: 'late' }] });
    });
    await sidecar.healthy();
    await publish();
    await vi.waitFor(() => expect(events()).toBe(3));
  });
});
