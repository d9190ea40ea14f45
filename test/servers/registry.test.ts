/** Services that register with one sidecar and are invoked through another: both share etcd. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  startApp,
  startSidecar,
  type RunningSidecar,
  type TestApp,
} from '../../runtime/cli/sidecar.fixture.ts';
import { startEtcd } from './etcd.ts';
import type { TestServer } from './process.ts';

let etcd: TestServer;
let folder: string;
let app: TestApp;

beforeAll(async () => {
  etcd = await startEtcd();
  folder = await mkdtemp(join(tmpdir(), 'troupe-registry-'));
  app = await startApp(({ url }, response) =>
    url === '/items' ? response.end('12 mugs') : undefined,
  );
  const configuration = { endpoints: `127.0.0.1:${etcd.port}`, ttl: '2s', serviceTtl: '1h' };
  const spec = { nameResolution: { component: 'etcd', configuration } };
  await writeFile(
    join(folder, 'names.yaml'),
    `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: { name: names }\nspec: ${JSON.stringify(spec)}\n`,
  );
});
afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  await etcd?.stop();
  await rm(folder, { recursive: true });
});

async function start(appId: string, ...args: string[]): Promise<RunningSidecar> {
  const sidecar = await startSidecar({
    appId,
    args: [`--config=${join(folder, 'names.yaml')}`, ...args],
  });
  await sidecar.healthy();
  await sidecar.said('dapr initialized');
  return sidecar;
}

it('a service is found by all sidecars, and lost with the one that it registered with', async () => {
  await using stock = await start('stock', `--app-port=${app.port}`);
  const [, port] = /Internal gRPC server is running on 127.0.0.1:(\d+)/.exec(stock.output())!;
  await using keeper = await start('keeper');
  await using shop = await start('shop');
  const at = (sidecar: RunningSidecar): string => `${sidecar.base}/v1.0-troupe/registry/services`;
  // By a name of its own, as a sidecar that is no host in this etcd would be.
  const service = { name: 'depot', id: 'depot-1', address: '127.0.0.1', port: Number(port) };
  const registered = await fetch(at(keeper), {
    method: 'POST',
    body: JSON.stringify({ service }),
  });
  expect(registered.status).toBe(204);

  interface Listed {
    readonly revision: number;
    readonly services: readonly object[];
  }
  const listed = async (query = ''): Promise<Listed> =>
    (await (await fetch(`${at(shop)}?name=depot${query}`)).json()) as Listed;
  const watched = async (length: number): Promise<readonly object[]> => {
    let { revision, services } = await listed();
    while (services.length !== length)
      ({ revision, services } = await listed(`&revision=${revision}&wait=60s`));
    return services;
  };
  expect(await watched(1)).toEqual([{ ...service, status: 'passing' }]);
  const invoke = async (): Promise<string> =>
    (await fetch(`${shop.base}/v1.0/invoke/depot/method/items`)).text();
  expect(await invoke()).toBe('12 mugs');

  keeper.signal('SIGKILL');
  expect(await watched(0)).toEqual([]);
  expect(await invoke()).toContain("couldn't find service: depot");
});
