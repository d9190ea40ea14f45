import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createSecondServer } from 'node:http2';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { componentYaml, startApp, startSidecar } from './sidecar.fixture.ts';

const pubsub = componentYaml('pubsub', 'pubsub.in-memory');

describe('the app of a sidecar', () => {
  it('gets events, jobs and calls only while its probes are good', async () => {
    let healthy = false;
    await using app = await startApp(({ url }, response) => {
      if (url === '/healthz') response.statusCode = healthy ? 200 : 503;
      else if (url === '/dapr/subscribe') {
        response.write('[{"pubsubname":"pubsub","topic":"news","route":"news"}]');
      } else if (url === '/dapr/config') response.statusCode = 404;
      return response.end('');
    });
    await using sidecar = await startSidecar({
      resources: [pubsub],
      args: [
        `--app-port=${app.port}`,
        '--enable-app-health-check=true',
        '--app-health-probe-interval=1',
        '--app-health-probe-timeout=900',
        '--app-health-threshold=2',
      ],
    });
    await sidecar.healthy();
    const call = (): Promise<Response> => fetch(`${sidecar.base}/v1.0/invoke/shop/method/hi`);
    const refused = await call();
    expect(refused.status).toBe(500);
    expect(await refused.text()).toContain('app is not in a healthy state');
    expect(app.seen.some(({ url }) => url === '/dapr/subscribe')).toBe(false);

    healthy = true;
    await sidecar.said('App entered healthy status');
    await vi.waitFor(async () => {
      const { subscriptions } = (await (await fetch(`${sidecar.base}/v1.0/metadata`)).json()) as {
        subscriptions?: unknown[];
      };
      expect(subscriptions).toHaveLength(1);
    });
    expect((await call()).status).toBe(200);

    healthy = false;
    await sidecar.said('App entered un-healthy status: Health check failed with status code: 503');
    expect((await call()).status).toBe(500);
  });

  it('never has more calls at once than it takes', async () => {
    const open: (() => void)[] = [];
    await using app = await startApp(({ url }, response) => {
      if (url !== '/work') return undefined;
      open.push(() => response.end('done'));
      return true;
    });
    await using sidecar = await startSidecar({
      args: [`--app-port=${app.port}`, '--app-max-concurrency=2'],
    });
    await sidecar.healthy();
    const calls = Array.from({ length: 5 }, async () =>
      (await fetch(`${sidecar.base}/v1.0/invoke/shop/method/work`)).text(),
    );
    for (let answered = 0; answered < 5; answered++) {
      await vi.waitFor(() => expect(open.length).toBeGreaterThan(0));
      expect(open.length).toBeLessThanOrEqual(2);
      open.shift()!();
    }
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => 'done'));
  });

  it('is told the token of its own, and never that of the sidecar', async () => {
    await using app = await startApp((_request, response) => response.end('ok'));
    await using sidecar = await startSidecar({
      args: [`--app-port=${app.port}`],
      env: { DAPR_API_TOKEN: 'in', APP_API_TOKEN: 'out' },
    });
    await sidecar.healthy();
    await fetch(`${sidecar.base}/v1.0/invoke/shop/method/hi`, {
      headers: { 'dapr-api-token': 'in', 'dapr-caller-app-id': 'liar' },
    });
    const { headers } = app.seen.at(-1)!;
    expect(headers).toMatchObject({ 'dapr-api-token': 'out', 'dapr-caller-app-id': 'shop' });
  });

  it('may speak HTTP/2 without TLS', async () => {
    const server = createSecondServer((request, response) => {
      response.end(`${request.httpVersion} ${request.url}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await using sidecar = await startSidecar({
      args: [`--app-port=${port}`, '--app-protocol=h2c'],
    });
    await sidecar.healthy();
    const answer = await fetch(`${sidecar.base}/v1.0/invoke/shop/method/hi?a=1`);
    expect(await answer.text()).toBe('2.0 /hi?a=1');
    server.close();
  });

  it('may speak TLS with a certificate of its own making', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-tls-'));
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${folder}/key -out ${folder}/cert -days 1 -subj /CN=app`.split(
        ' ',
      ),
      { stdio: 'ignore' },
    );
    const server = createSecureServer(
      { key: readFileSync(join(folder, 'key')), cert: readFileSync(join(folder, 'cert')) },
      (_request, response) => response.end('secret'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await using sidecar = await startSidecar({
      args: [`--app-port=${port}`, '--app-protocol=https'],
    });
    await sidecar.healthy();
    const answer = await fetch(`${sidecar.base}/v1.0/invoke/shop/method/hi`);
    expect(await answer.text()).toBe('secret');
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
});

describe('addresses outside', () => {
  it('are invoked by the name of an HTTPEndpoint, with its headers, and by URL', async () => {
    await using outside = await startApp((_request, response) => {
      response.setHeader('location', '/elsewhere');
      response.statusCode = 302;
      return response.end('moved');
    });
    const endpoint = `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: partner
spec:
  baseUrl: http://127.0.0.1:${outside.port}/base
  headers:
  - name: X-Key
    value: k1
`;
    await using sidecar = await startSidecar({ resources: [endpoint] });
    await sidecar.healthy();
    const invoke = `${sidecar.base}/v1.0/invoke`;
    const named = await fetch(`${invoke}/partner/method/orders?open=1`, {
      method: 'POST',
      body: 'list',
      redirect: 'manual',
    });
    expect([named.status, await named.text()]).toEqual([302, 'moved']);
    expect(outside.seen.at(-1)).toMatchObject({
      method: 'POST',
      url: '/base/orders?open=1',
      body: 'list',
      headers: { 'x-key': 'k1' },
    });
    const url = `http://127.0.0.1:${outside.port}`;
    for (const target of [url, encodeURIComponent(url)]) {
      await fetch(`${invoke}/${target}/method/plain`, { redirect: 'manual' });
      expect(outside.seen.at(-1)!.url).toBe('/plain');
    }
    const { httpEndpoints } = (await (await fetch(`${sidecar.base}/v1.0/metadata`)).json()) as {
      httpEndpoints: unknown;
    };
    expect(httpEndpoints).toEqual([{ name: 'partner' }]);
    const lost = await fetch(`${invoke}/nobody/method/x`);
    expect(lost.status).toBe(500);
    expect(await lost.text()).toContain("failed to invoke, id: nobody, err: couldn't find service");
  });
});
