/**
 * Runs one program of an SDK beside `troupe sidecar`, or beside the official
 * daprd where TROUPE_SDKS_AGAINST=daprd, and gathers what it says. A program
 * prints a line of JSON for each scenario; a line `{"ask":"change"}` asks for
 * changes of the configuration item `colour` until its scenario is through.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@redis/client';
import { componentYaml, startSidecar } from '../../../runtime/cli/sidecar.fixture.ts';
import { freePorts } from '../../../runtime/cli/run/ports.fixture.ts';
import { startDaprd, startPlacement, startScheduler } from '../../servers/dapr.ts';
import { startRedis } from '../../servers/redis.ts';
import { PROGRAMS, type Program } from './scenarios.ts';

/** What a program says of one scenario. */
export interface Outcome {
  readonly scenario: string;
  readonly ok: boolean;
  /** What went wrong. */
  readonly error?: string;
}

export interface Run {
  readonly outcomes: readonly Outcome[];
  /** What the program and the sidecar wrote beside that, for messages. */
  readonly log: string;
}

const CHANGE_MS = 200;

/** The resources by file name, the same for Troupe and for daprd, whose stable components have no lock. */
export async function writeResources(
  folder: string,
  redisPort: number,
  official: boolean,
): Promise<Record<string, string>> {
  const keys = join(folder, 'keys');
  const files = join(folder, 'files');
  const secrets = join(folder, 'secrets.json');
  await Promise.all([mkdir(keys), mkdir(files)]);
  await writeFile(join(keys, 'key'), randomBytes(32).toString('base64'));
  await writeFile(secrets, JSON.stringify({ password: 'open sesame', user: 'ali' }));
  const redisHost = `127.0.0.1:${redisPort}`;
  const rows: [name: string, type: string, metadata?: Record<string, string>][] = [
    ['store', 'state.in-memory', { actorStateStore: 'true' }],
    ['pubsub', 'pubsub.in-memory'],
    ['secrets', 'secretstores.local.file', { secretsFile: secrets }],
    ['config', 'configuration.redis', { redisHost }],
    ...(official
      ? []
      : [['lock', 'lock.redis', { redisHost }] as [string, string, Record<string, string>]]),
    ['keys', 'crypto.dapr.localstorage', { path: keys }],
    ['files', 'bindings.localstorage', { rootPath: files }],
    ['tick', 'bindings.cron', { schedule: '@every 1s' }],
  ];
  return Object.fromEntries(
    rows.map(([name, type, metadata]) => [`${name}.yaml`, componentYaml(name, type, metadata)]),
  );
}

interface Sidecar extends AsyncDisposable {
  readonly httpPort: number;
  readonly grpcPort: number;
  output(): string;
}

async function startOfficial(
  name: Program,
  appPort: number,
  yaml: Record<string, string>,
): Promise<Sidecar> {
  const stack = new AsyncDisposableStack();
  const placement = stack.use(await startPlacement());
  const scheduler = stack.use(await startScheduler());
  const { appProtocol } = PROGRAMS[name];
  const options = { appId: 'sdk', appPort, appProtocol, resources: yaml, placement, scheduler };
  const { httpPort, grpcPort, output } = stack.use(await startDaprd(options));
  return { httpPort, grpcPort, output, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The whole of one program: `command` is started with its ports in the environment. */
export async function runProgram(name: Program, command: readonly string[]): Promise<Run> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'troupe-sdk-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const redis = stack.use(await startRedis());
  const settings = createClient({ url: `redis://127.0.0.1:${redis.port}` });
  await settings.connect();
  stack.defer(() => settings.close());
  await settings.configSet('notify-keyspace-events', 'KEA');
  await settings.set('colour', 'blue||1');
  const [appPort = 0] = await freePorts(1);
  const official = process.env['TROUPE_SDKS_AGAINST'] === 'daprd';
  const yaml = await writeResources(folder, redis.port, official);
  const sidecar = stack.use(
    official
      ? await startOfficial(name, appPort, yaml)
      : await startSidecar({
          appId: 'sdk',
          args: [`--app-port=${appPort}`, `--app-protocol=${PROGRAMS[name].appProtocol}`],
          resources: Object.values(yaml),
        }),
  );

  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DAPR_HTTP_PORT: String(sidecar.httpPort),
      DAPR_GRPC_PORT: String(sidecar.grpcPort),
      APP_PORT: String(appPort),
    },
  });
  stack.defer(() => void child.kill('SIGKILL'));
  const outcomes: Outcome[] = [];
  let log = '';
  let changes: NodeJS.Timeout | undefined;
  let version = 1;
  const change = (): void => {
    version += 1;
    void settings.set('colour', `shade ${version}||${version}`);
  };
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{"')) return void (log += `${line}\n`);
    const said = JSON.parse(line) as Outcome | { readonly ask: 'change' };
    clearInterval(changes);
    if ('ask' in said) changes = setInterval(change, CHANGE_MS);
    else outcomes.push(said);
  });
  const ended = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(`${name} ended with ${code ?? signal}`));
  });
  clearInterval(changes);
  return { outcomes, log: `${log}\n${ended}\n${sidecar.output()}` };
}
