import { request as httpRequest } from 'node:http';
import { connect } from 'node:http2';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { freePorts } from './run/ports.fixture.ts';
import { componentYaml, startApp, startSidecar } from './sidecar.fixture.ts';

const store = componentYaml('statestore', 'state.in-memory', { actorStateStore: 'true' });

describe('troupe sidecar', () => {
  it('serves state with an empty environment and says what daprd says', async () => {
    await using sidecar = await startSidecar({ resources: [store] });
    await sidecar.healthy();
    const saved = await fetch(`${sidecar.base}/v1.0/state/statestore`, {
      method: 'POST',
      body: '[{"key":"a","value":1}]',
    });
    expect(saved.status).toBe(204);
    expect(await (await fetch(`${sidecar.base}/v1.0/state/statestore/a`)).text()).toBe('1');
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    for (const line of [
      'msg="Component loaded: statestore (state.in-memory/v1)"',
      `msg="HTTP server is running on port ${sidecar.httpPort}"`,
      `msg="API gRPC server is running on port ${sidecar.grpcPort}"`,
      'msg="dapr initialized. Status: Running. Init Elapsed',
      'msg="Daprd shutdown gracefully"',
    ]) {
      expect(sidecar.output()).toContain(line);
    }
    expect(sidecar.output()).toMatch(
      /^time="\S+" level=info msg="Starting Dapr Runtime -- version \S+ -- commit \S+" app_id=shop instance=\S+ scope=dapr.runtime type=log ver=\S+$/m,
    );
  });

  it('writes its log as JSON lines when asked to', async () => {
    await using sidecar = await startSidecar({ args: ['--log-as-json'] });
    await sidecar.healthy();
    const [first] = sidecar.output().split('\n');
    expect(JSON.parse(first!)).toMatchObject({
      app_id: 'shop',
      level: 'info',
      scope: 'dapr.runtime',
      type: 'log',
    });
  });

  it('speaks HTTP/2 without TLS on the HTTP port', async () => {
    await using sidecar = await startSidecar();
    await sidecar.healthy();
    const session = connect(sidecar.base);
    const stream = session.request({ ':path': '/v1.0/healthz' });
    const status = await new Promise((resolve) =>
      stream.once('response', (headers) => resolve(headers[':status'])),
    );
    session.close();
    expect(status).toBe(204);
  });

  it('serves health and metadata alone on the public port, without the token', async () => {
    const [publicPort] = await freePorts(1);
    await using sidecar = await startSidecar({
      args: [`--dapr-public-port=${publicPort}`, '--dapr-public-listen-address=127.0.0.1'],
      env: { DAPR_API_TOKEN: 'secret' },
    });
    await sidecar.healthy();
    expect((await fetch(`${sidecar.base}/v1.0/metadata`)).status).toBe(401);
    const open = `http://127.0.0.1:${publicPort}`;
    expect((await fetch(`${open}/v1.0/metadata`)).status).toBe(200);
    expect((await fetch(`${open}/v1.0/healthz`)).status).toBe(204);
    expect((await fetch(`${open}/v1.0/state/statestore/a`)).status).toBe(404);
  });

  it('listens on Unix sockets in place of ports, and removes them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-socket-'));
    await using sidecar = await startSidecar({ args: [`--unix-domain-socket=${folder}`] });
    await sidecar.said('dapr initialized');
    const socketPath = join(folder, 'dapr-shop-http.socket');
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath, path: '/v1.0/healthz' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.once('error', reject).end();
    });
    expect(status).toBe(204);
    sidecar.signal('SIGINT');
    expect(await sidecar.exited).toBe(0);
    await expect(stat(socketPath)).rejects.toThrow('ENOENT');
    await rm(folder, { recursive: true });
  });

  it('ends with 1 when a component cannot be opened, and says which', async () => {
    await using sidecar = await startSidecar({
      resources: [componentYaml('mystore', 'state.nosuch')],
    });
    expect(await sidecar.exited).toBe(1);
    expect(sidecar.output()).toContain('level=fatal msg="Fatal error from runtime: ');
    expect(sidecar.output()).toContain('state.nosuch');
  });
});

describe('the start of the sidecar', () => {
  it('lets outbound calls through before the app is there, and is healthy after it', async () => {
    const [port] = (await freePorts(1)) as [number];
    await using sidecar = await startSidecar({
      resources: [store, componentYaml('pubsub', 'pubsub.in-memory')],
      args: [`--app-port=${port}`],
    });
    await sidecar.healthy('/v1.0/healthz/outbound');
    const early = await fetch(`${sidecar.base}/v1.0/healthz`);
    expect(early.status).toBe(500);
    expect(await early.json()).toMatchObject({ errorCode: 'ERR_HEALTH_NOT_READY' });
    await using app = await startApp(() => undefined, port);
    await sidecar.healthy();
    await sidecar.said(`application discovered on port ${port}`);
    expect(app.seen.map(({ url }) => url)).toEqual(
      expect.arrayContaining(['/dapr/config', '/dapr/subscribe']),
    );
  });

  it('starts again on SIGHUP', async () => {
    await using sidecar = await startSidecar({ resources: [store] });
    await sidecar.healthy();
    sidecar.signal('SIGHUP');
    await vi.waitFor(() => expect(sidecar.output().match(/dapr initialized/g)).toHaveLength(2));
    await sidecar.healthy();
  });
});

// Some wait out a time, so they do it side by side.
describe.concurrent('the end of the sidecar', () => {
  it('comes by the shutdown API', async () => {
    await using sidecar = await startSidecar();
    await sidecar.healthy();
    expect((await fetch(`${sidecar.base}/v1.0/shutdown`, { method: 'POST' })).status).toBe(204);
    expect(await sidecar.exited).toBe(0);
    expect(sidecar.output()).toContain('Shutdown requested via API');
  });

  it('comes at once, with 1, when the shutdown is forced', async () => {
    await using sidecar = await startSidecar();
    await sidecar.healthy();
    const headers = { 'dapr-force-shutdown': 'true' };
    await fetch(`${sidecar.base}/v1.0/shutdown`, { method: 'POST', headers });
    expect(await sidecar.exited).toBe(1);
    expect(sidecar.output()).toContain(
      'Force shutdown requested, exiting immediately without graceful shutdown',
    );
  });

  it('waits for a call that runs, but not beyond its graceful time', async () => {
    let answer = (): void => {};
    await using app = await startApp(({ url }, response) => {
      if (url !== '/slow') return undefined;
      answer = () => response.end('done');
      return true;
    });
    await using patient = await startSidecar({ args: [`--app-port=${app.port}`] });
    await using hasty = await startSidecar({
      args: [`--app-port=${app.port}`, '--dapr-graceful-shutdown-seconds=1'],
    });
    await Promise.all([patient.healthy(), hasty.healthy()]);

    const kept = fetch(`${patient.base}/v1.0/invoke/shop/method/slow`);
    await vi.waitFor(() => expect(app.seen.at(-1)?.url).toBe('/slow'));
    patient.signal('SIGTERM');
    await patient.said('Dapr is shutting down');
    answer();
    expect(await (await kept).text()).toBe('done');
    expect(await patient.exited).toBe(0);

    const before = app.seen.length;
    const cut = fetch(`${hasty.base}/v1.0/invoke/shop/method/slow`).catch(() => undefined);
    await vi.waitFor(() => expect(app.seen.length).toBeGreaterThan(before));
    hasty.signal('SIGTERM');
    expect(await hasty.exited).toBe(1);
    expect(hasty.output()).toContain('Graceful shutdown timeout exceeded, forcing shutdown');
    await cut;
  });

  it('is put off by --dapr-block-shutdown-duration, while it goes on serving', async () => {
    await using sidecar = await startSidecar({
      resources: [store],
      args: ['--dapr-block-shutdown-duration=3s'],
    });
    await sidecar.healthy();
    sidecar.signal('SIGTERM');
    await sidecar.said('Blocking graceful shutdown for 3s or until app reports unhealthy...');
    expect((await fetch(`${sidecar.base}/v1.0/healthz`)).status).toBe(204);
    expect(await sidecar.exited).toBe(0);
    expect(sidecar.output()).toContain('Block shutdown period expired, entering shutdown...');
  });
});
