/** The order day with its state and topics swapped by YAML alone: the reports are the same bytes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startKafka } from './kafka.ts';
import { startPostgresql } from './postgresql.ts';
import type { TestServer } from './process.ts';
import { startRedis } from './redis.ts';

const MAIN = join(import.meta.dirname, '../../examples/order-day/main.ts');
const PUBSUB = join(import.meta.dirname, '../../dapr/components/pubsub.yaml');
const REPORTS = [
  ...['orders.jsonl', 'stock.jsonl', 'ledger.jsonl', 'returns.jsonl', 'routes.jsonl'],
  'index.html',
];

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'order-day-servers-'))));
afterAll(() => rm(folder, { recursive: true }));

async function run(report: string, ...args: string[]): Promise<{ [name: string]: unknown }> {
  const child = spawn(
    process.execPath,
    [MAIN, '--once', '--json', '--report', join(folder, report), ...args],
    { env: { ...process.env, XDG_STATE_HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as { [name: string]: unknown };
}

const reports = (name: string): Promise<string[]> =>
  Promise.all(REPORTS.map((file) => readFile(join(folder, name, file), 'utf8')));

/** A day, and the start of its servers, on a machine that does much else. */
const PATIENCE = { timeout: 240_000 };

type Metadata = Readonly<Record<string, string>>;

const yamlOf = (name: string, type: string, metadata: Metadata, version = 'v1'): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: ${name}\nspec:\n` +
  `  type: ${type}\n  version: ${version}\n  metadata:\n` +
  Object.entries(metadata)
    .map(([field, value]) => `    - name: ${field}\n      value: "${value}"\n`)
    .join('');

/** A folder of resources with this state and, where it is given, this broker in place of the shop's. */
async function resources(state: string, pubsub?: string): Promise<string> {
  const path = await mkdtemp(join(folder, 'resources-'));
  await writeFile(join(path, 'statestore.yaml'), state);
  await writeFile(join(path, 'pubsub.yaml'), pubsub ?? (await readFile(PUBSUB)));
  return path;
}

const redisState = ({ host, port }: TestServer): string =>
  yamlOf('statestore', 'state.redis', { redisHost: `${host}:${port}`, actorStateStore: 'true' });

beforeAll(() => run('sqlite'), 120_000);

it(
  'on Redis it ends with the bytes of SQLite, and is not done again on the same data',
  PATIENCE,
  async () => {
    await using redis = await startRedis();
    const swapped = await resources(redisState(redis));
    const first = await run('redis', '--resources-path', swapped);
    expect(first).toMatchObject({ ok: true, state: 'state.redis (component statestore)' });
    expect(await reports('redis')).toEqual(await reports('sqlite'));
    await redis.restart();
    const again = await run('again', '--resources-path', swapped);
    expect(again).toMatchObject({ ok: true, continued: true, durableTurns: 0 });
    expect(await reports('again')).toEqual(await reports('sqlite'));
  },
);

it(
  'on Redis for state and topics it ends with the bytes of SQLite and memory',
  PATIENCE,
  async () => {
    await using redis = await startRedis();
    const { host, port } = redis;
    const pubsub = yamlOf('pubsub', 'pubsub.redis', { redisHost: `${host}:${port}` });
    const swapped = await resources(redisState(redis), pubsub);
    const result = await run('redis-redis', '--resources-path', swapped);
    expect(result).toMatchObject({ ok: true, state: 'state.redis (component statestore)' });
    expect(await reports('redis-redis')).toEqual(await reports('sqlite'));
  },
);

it('on PostgreSQL and Kafka it ends with the bytes of SQLite and memory', PATIENCE, async () => {
  await using postgresql = await startPostgresql();
  await using kafka = await startKafka();
  const connectionString = `postgres://postgres@${postgresql.host}:${postgresql.port}/postgres`;
  const metadata = { connectionString, actorStateStore: 'true' };
  const state = yamlOf('statestore', 'state.postgresql', metadata, 'v2');
  const pubsub = yamlOf('pubsub', 'pubsub.kafka', {
    brokers: `${kafka.host}:${kafka.port}`,
    authType: 'none',
    concurrency: '32',
  });
  const swapped = await resources(state, pubsub);
  const result = await run('postgresql-kafka', '--resources-path', swapped);
  expect(result).toMatchObject({ ok: true, state: 'state.postgresql (component statestore)' });
  expect(await reports('postgresql-kafka')).toEqual(await reports('sqlite'));
});
