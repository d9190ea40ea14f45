/** The two sides of the differential test: Troupe and the official daprd, each with a store, Redis and app of its own. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { componentYaml, startSidecar } from '../../../runtime/cli/sidecar.fixture.ts';
import { startDaprd, startPlacement, startScheduler } from '../../servers/dapr.ts';
import { startRedis } from '../../servers/redis.ts';
import { startDifferentialApp } from './app.ts';
import type { Side } from './case.ts';

const CONFIGURATION = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: differential
spec:
  features:
    - name: ActorStateTTL
      enabled: true
  secrets:
    scopes:
      - storeName: secrets
        defaultAccess: allow
        deniedSecrets: [hidden]
`;
const ENV = { DIFFERENTIAL_SECRET: 'of the environment' };
const SETTINGS = { colour: 'blue||1', size: '7' };

export interface RunningSide extends Side, AsyncDisposable {}

/** Everything of a side but its sidecar, and the YAML that names it. */
async function surroundings() {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'troupe-differential-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const app = stack.use(await startDifferentialApp());
  const redis = stack.use(await startRedis());
  const client = createClient({ url: `redis://127.0.0.1:${redis.port}` });
  await client.connect();
  for (const [key, value] of Object.entries(SETTINGS)) await client.set(key, value);
  await client.close();
  const keys = join(folder, 'keys');
  await mkdir(keys);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(keys, 'rsa.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(keys, 'aes.key'), createHash('sha256').update('key').digest());
  const files = join(folder, 'files');
  await mkdir(files);
  const secrets = join(folder, 'secrets.json');
  const values = { plain: 'open', nested: { inner: 'deep' }, hidden: 'never' };
  await writeFile(secrets, JSON.stringify(values));
  const redisHost = `127.0.0.1:${redis.port}`;
  const url = `http://127.0.0.1:${app.port}`;
  const resources = [
    componentYaml('store', 'state.sqlite', {
      connectionString: join(folder, 'state.db'),
      actorStateStore: 'true',
    }),
    componentYaml('memory', 'state.in-memory'),
    componentYaml('pubsub', 'pubsub.in-memory'),
    componentYaml('scoped', 'pubsub.in-memory', {
      allowedTopics: 'allowed,protected',
      protectedTopics: 'protected',
      publishingScopes: 'shop=allowed',
    }),
    componentYaml('secrets', 'secretstores.local.file', { secretsFile: secrets }),
    componentYaml('env', 'secretstores.local.env'),
    componentYaml('config', 'configuration.redis', { redisHost }),
    componentYaml('crypto', 'crypto.dapr.localstorage', { path: keys }),
    componentYaml('echo', 'conversation.echo'),
    componentYaml('web', 'bindings.http', { url }),
    componentYaml('files', 'bindings.localstorage', { rootPath: files }),
    `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: endpoint
spec:
  baseUrl: ${url}
  headers:
    - name: x-c-endpoint
      value: configured
`,
  ];
  const owned = stack.move();
  return { app, resources, folder, close: () => owned.disposeAsync() };
}

export async function startTroupe(): Promise<RunningSide> {
  await using stack = new AsyncDisposableStack();
  const { app, resources, folder, close } = await surroundings();
  stack.defer(close);
  const config = join(folder, 'config.yaml');
  await writeFile(config, CONFIGURATION);
  const sidecar = await startSidecar({
    appId: 'shop',
    resources,
    env: ENV,
    args: [`--app-port=${app.port}`, '--config', config],
  });
  stack.use(sidecar);
  await sidecar.healthy();
  const owned = stack.move();
  return {
    httpPort: sidecar.httpPort,
    grpcPort: sidecar.grpcPort,
    seen: app.seen,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export async function startOfficial(): Promise<RunningSide> {
  await using stack = new AsyncDisposableStack();
  const { app, resources, close } = await surroundings();
  stack.defer(close);
  const placement = stack.use(await startPlacement());
  const scheduler = stack.use(await startScheduler());
  const daprd = stack.use(
    await startDaprd({
      appId: 'shop',
      appPort: app.port,
      resources: Object.fromEntries(resources.map((text, at) => [`${at}.yaml`, text])),
      configuration: CONFIGURATION,
      env: ENV,
      placement,
      scheduler,
    }),
  );
  const url = `http://127.0.0.1:${daprd.httpPort}/v1.0/healthz`;
  const until = Date.now() + 60_000;
  for (;;) {
    const { status } = await fetch(url).catch(() => ({ status: 0 }));
    if (status === 204) break;
    if (Date.now() > until) throw new Error(`daprd did not become healthy:\n${daprd.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const owned = stack.move();
  return {
    httpPort: daprd.httpPort,
    grpcPort: daprd.grpcPort,
    seen: app.seen,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
