/** A depot, killed while its routes are searched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const DEPOT = join(import.meta.dirname, 'depot.fixture.ts');

let folder: string;
const started: ChildProcess[] = [];
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'troupe-depot-'))));
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true });
});

function start(state: string, ...args: string[]) {
  const child = spawn(process.execPath, [DEPOT, join(folder, state), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const run = { child, out: '', ended: once(child, 'close') };
  child.stdout.on('data', (data: Buffer) => (run.out += data.toString()));
  return run;
}

async function finish(state: string, ...args: string[]): Promise<string> {
  const run = start(state, ...args);
  const [code] = (await run.ended) as [number];
  expect(code).toBe(0);
  return run.out;
}

it('kill -9 in the middle of a search ends in the plan of a calm day, searched again once', async () => {
  const calm = await finish('calm.db', 'orders', 'works');
  expect(JSON.parse(calm.split('\n')[1]!)).toMatchObject({
    state: 'planned',
    version: 1,
    stops: 6,
    unserved: [],
  });
  const killed = start('killed.db', 'orders', 'stuck');
  await vi.waitFor(() => expect(killed.out).toBe('searching\n'), { timeout: 30_000 });
  killed.child.kill('SIGKILL');
  expect(await killed.ended).toEqual([null, 'SIGKILL']);
  expect(await finish('killed.db', 'none', 'works')).toBe(calm);
  expect(await finish('killed.db', 'none', 'works'), 'and never again').toBe(
    calm.replace('searching\n', ''),
  );
});
