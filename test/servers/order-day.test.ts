/** The order day with its state swapped by YAML alone: the reports are the same bytes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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

/** A folder of resources whose state is kept by this component. */
async function resources(type: string, metadata: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(folder, 'resources-'));
  await writeFile(join(path, 'pubsub.yaml'), await readFile(PUBSUB));
  const lines = Object.entries({ ...metadata, actorStateStore: 'true' }).map(
    ([name, value]) => `    - name: ${name}\n      value: "${value}"\n`,
  );
  await writeFile(
    join(path, 'statestore.yaml'),
    `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: statestore\nspec:\n` +
      `  type: ${type}\n  version: v1\n  metadata:\n${lines.join('')}`,
  );
  return path;
}

it('on Redis it ends with the bytes of SQLite, and is not done again on the same data', async () => {
  await using redis = await startRedis();
  const host = { redisHost: `${redis.host}:${redis.port}` };
  const swapped = await resources('state.redis', host);
  await run('sqlite');
  const first = await run('redis', '--resources-path', swapped);
  expect(first).toMatchObject({ ok: true, state: 'state.redis (component statestore)' });
  expect(await reports('redis')).toEqual(await reports('sqlite'));
  await redis.restart();
  const again = await run('again', '--resources-path', swapped);
  expect(again).toMatchObject({ ok: true, continued: true, durableTurns: 0 });
  expect(await reports('again')).toEqual(await reports('sqlite'));
});
