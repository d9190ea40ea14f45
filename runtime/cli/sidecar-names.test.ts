/** How sidecars, as real processes, find the apps that they invoke. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp, startSidecar, type RunningSidecar, type TestApp } from './sidecar.fixture.ts';
import { a, srv, startDns } from '../../test/servers/dns.ts';

const START = { timeout: 30_000 };

let folder: string;
let app: TestApp;
let isWell = true;
/** The sidecar of `app`, an instance of "stock", and its internal port. */
let stock: RunningSidecar;
let stockPort: number;

/** The flag of a Configuration with this name resolution. */
async function namesBy(
  component: string,
  configuration: Readonly<Record<string, string>>,
): Promise<string> {
  const path = join(folder, `${component}.yaml`);
  const nameResolution = { component, configuration };
  const spec = JSON.stringify({ nameResolution });
  await writeFile(
    path,
    `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: { name: names }\nspec: ${spec}\n`,
  );
  return `--config=${path}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-names-'));
  app = await startApp(({ url }, response) => {
    if (url === '/items') return response.end('12 mugs');
    if (url !== '/health') return undefined;
    response.statusCode = isWell ? 200 : 503;
    return response.end();
  });
  stock = await startSidecar({
    appId: 'stock',
    args: [`--app-port=${app.port}`, await namesBy('memory', {})],
  });
  await stock.healthy();
  await stock.said('dapr initialized');
  stockPort = Number(
    /Internal gRPC server is running on 127.0.0.1:(\d+)/.exec(stock.output())?.[1],
  );
}, START.timeout);
afterAll(async () => {
  await stock?.[Symbol.asyncDispose]();
  await app?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function invoke({ base }: RunningSidecar, appId: string): Promise<string> {
  return (await fetch(`${base}/v1.0/invoke/${appId}/method/items`)).text();
}

interface Listed {
  readonly revision: number;
  readonly services: readonly { readonly id: string; readonly status: string }[];
}

it.concurrent(
  'a sidecar finds who registers with it, leaves it out while it is unwell, and lets it go',
  START,
  async () => {
    await using shop = await startSidecar({
      args: [await namesBy('memory', { failures: '1', checkTimeout: '30s' })],
    });
    await shop.healthy();
    const services = `${shop.base}/v1.0-troupe/registry/services`;
    const list = async (query: string): Promise<Listed> =>
      (await (await fetch(`${services}?${query}`)).json()) as Listed;
    /** Watches until the service has come to the state. */
    const become = async (wanted: string): Promise<void> => {
      let { revision, services: all } = await list('name=stock');
      while (all[0]?.status !== wanted)
        ({ revision, services: all } = await list(`name=stock&revision=${revision}&wait=60s`));
    };
    const GONE = JSON.stringify({
      errorCode: 'ERR_DIRECT_INVOKE',
      message: "failed to invoke, id: stock, err: couldn't find service: stock",
    });
    expect(await invoke(shop, 'stock')).toBe(GONE);

    const check = { http: `http://127.0.0.1:${app.port}/health`, interval: '1s' };
    const service = {
      name: 'stock',
      id: 'stock-1',
      address: '127.0.0.1',
      port: stockPort,
      check,
    };
    const registered = await fetch(services, {
      method: 'POST',
      body: JSON.stringify({ service }),
    });
    expect([registered.status, await registered.text()]).toEqual([204, '']);
    await become('passing');
    expect(await invoke(shop, 'stock')).toBe('12 mugs');
    expect((await fetch(`${services}/stock-1/heartbeat`, { method: 'PUT' })).status).toBe(204);

    isWell = false;
    await become('failing');
    expect(await invoke(shop, 'stock')).toBe(GONE);
    isWell = true;
    await become('passing');
    expect(await invoke(shop, 'stock')).toBe('12 mugs');

    const { revision } = await list('');
    const watching = list(`revision=${revision}&wait=60s`);
    expect((await fetch(`${services}/stock-1`, { method: 'DELETE' })).status).toBe(204);
    // This sidecar itself stays.
    expect((await watching).services.map(({ id }) => id)).not.toContain('stock-1');
    expect(await invoke(shop, 'stock')).toBe(GONE);

    const refused = async (method: string, path: string, body?: string): Promise<string> => {
      const answer = await fetch(services + path, { method, ...(body ? { body } : {}) });
      return `${answer.status} ${((await answer.json()) as { message: string }).message}`;
    };
    expect(await refused('PUT', '/stock-1/heartbeat')).toBe(
      '404 no service is registered with id "stock-1"; register it again',
    );
    expect(await refused('POST', '', '{"service": {')).toMatch(/^400 .*JSON/);
    expect(await refused('POST', '', JSON.stringify(service))).toMatch(
      /^400 .*the body must be \{"service": \{name, id, address, port, check\}\}$/,
    );
    const elsewhere = { ...service, check: { http: 'http://127.0.0.2/health' } };
    expect(await refused('POST', '', JSON.stringify({ service: elsewhere }))).toMatch(
      /^400 .*service.check.http must be at the address of the service, "127.0.0.1"$/,
    );
  },
);

it.concurrent('a sidecar asks the DNS servers that its configuration names', START, async () => {
  await using dns = await startDns();
  dns.set('loopback.test', [a('127.0.0.1')]);
  dns.set('_dapr-internal._tcp.stock.apps.test', [srv('loopback.test', stockPort)]);
  const names = await namesBy('dns', {
    name: '_dapr-internal._tcp.{appid}.apps.test',
    records: 'service',
    servers: dns.address,
    timeout: '60s',
  });
  await using shop = await startSidecar({ args: [names] });
  await shop.healthy();
  expect(await invoke(shop, 'stock')).toBe('12 mugs');
  expect(await invoke(shop, 'bank')).toContain("couldn't find service: bank");
  expect(dns.asked).toContain('SRV _dapr-internal._tcp.bank.apps.test');
});
