/**
 * The shop on three runtimes by the same actors and the same `dapr/` folder: in
 * one process, behind Troupe's sidecar by `troupe run -f`, and behind the
 * official daprd with its placement and scheduler. The reports are the same bytes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaprd, startPlacement, startScheduler } from '../servers/dapr.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'examples/order-day/main.ts');
const TROUPE = join(ROOT, 'runtime/cli/troupe.js');
const REPORTS = ['orders', 'stock', 'ledger', 'returns', 'routes', 'forecast'];

let folder: string;
/** A copy of the repository as far as the shop needs it, so that nothing is written into it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-shop-'));
  await cp(join(ROOT, 'dapr'), join(folder, 'dapr'), { recursive: true });
  await mkdir(join(folder, 'examples/order-day'), { recursive: true });
  await symlink(MAIN, join(folder, 'examples/order-day/main.ts'));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH, HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const orphaned = (): void => void child.kill('SIGTERM');
  process.once('exit', orphaned);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => (output += data.toString()));
  }
  const [code] = (await once(child, 'close')) as [number];
  process.removeListener('exit', orphaned);
  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
  return output;
}

const reports = (path: string): Promise<string[]> =>
  Promise.all(REPORTS.map((name) => readFile(join(folder, path, `${name}.jsonl`), 'utf8')));

describe('the shop', () => {
  let expected: string[];

  it('runs in one process', async () => {
    const output = await run([MAIN, '--once', '--report', 'embedded']);
    expect(output).toContain('orders   120: 115 confirmed, 5 rejected');
    expected = await reports('embedded');
    expect(expected[0]?.trim().split('\n')).toHaveLength(120);
  });

  it('gives the same report by troupe run -f dapr/dapr.yaml', async () => {
    const output = await run([TROUPE, 'run', '-f', 'dapr/dapr.yaml']);
    expect(output).toContain('== APP - order-day == state    the sidecar at 127.0.0.1:');
    expect(await reports('examples/order-day/out')).toEqual(expected);
    const logs = await readdir(join(folder, 'examples/order-day/.dapr/logs'));
    const daprd = logs.find((name) => name.startsWith('order-day_daprd_'));
    const log = await readFile(join(folder, 'examples/order-day/.dapr/logs', daprd!), 'utf8');
    expect(log).toContain('Component loaded: statestore (state.sqlite/v1)');
    expect(log).not.toMatch(/level=(?:warning|error) .*resiliency\.yaml/);
  });

  it('gives the same report with --embedded', async () => {
    await rm(join(folder, 'examples/order-day/out'), { recursive: true });
    await rm(join(folder, 'examples/order-day/troupe.db'), { force: true });
    const output = await run([TROUPE, 'run', '-f', 'dapr', '--embedded']);
    expect(output).toMatch(/== APP - order-day == state {4}sqlite:/);
    expect(await reports('examples/order-day/out')).toEqual(expected);
  });

  it('gives the same report behind the official daprd, its placement and its scheduler', async () => {
    await using placement = await startPlacement();
    await using scheduler = await startScheduler();
    const yaml = (name: string): Promise<string> => readFile(join(folder, 'dapr', name), 'utf8');
    const resources = {
      'statestore.yaml': await yaml('components/statestore.yaml'),
      'pubsub.yaml': await yaml('components/pubsub.yaml'),
      'resiliency.yaml': await yaml('resiliency.yaml'),
      'dapr.yaml': await yaml('dapr.yaml'),
    };
    await using daprd = await startDaprd({
      appId: 'order-day',
      resources,
      configuration: await yaml('config.yaml'),
      placement,
      scheduler,
    });
    expect(daprd.output()).toMatch(/resiliency.*order-day/i);
    const output = await run([MAIN, '--once', '--report', 'dapr'], {
      TROUPE_RUNTIME: 'dapr',
      DAPR_HTTP_PORT: String(daprd.httpPort),
      DAPR_GRPC_PORT: String(daprd.grpcPort),
    });
    expect(output).toContain(`state    the sidecar at 127.0.0.1:${daprd.httpPort}`);
    expect(await reports('dapr')).toEqual(expected);
  });
});
