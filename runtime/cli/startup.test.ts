/** What makes a sidecar start quickly: little is loaded, and nothing is compiled twice. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { startSidecar } from './sidecar.fixture.ts';

/** Prints, when the process exits, every module of Node and of packages that it has loaded. */
const REPORT = `import { registerHooks } from 'node:module';
const urls = [];
registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
process.on('exit', () => console.error(JSON.stringify([...process.moduleLoadList, ...urls])));`;

it('a sidecar without resources loads neither fetch nor a parser of YAML nor the control plane', async () => {
  await using sidecar = await startSidecar({
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(REPORT)}` },
  });
  await sidecar.healthy();
  sidecar.signal('SIGTERM');
  await sidecar.exited;
  const loaded = JSON.parse(sidecar.output().split('\n').at(-2)!) as string[];
  expect(loaded).toContain('NativeModule http2');
  const heavy =
    /\/undici$|\/node_modules\/(?:yaml|@opentelemetry|pino|@dapr)\/|\/sidecar-control-plane\.ts$/;
  expect(loaded.filter((name) => heavy.test(name))).toEqual([]);
});

it('what was compiled is kept, also by a process that is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-cache-'));
  try {
    await using sidecar = await startSidecar({ env: { XDG_CACHE_HOME: folder } });
    await sidecar.healthy();
    await vi.waitFor(async () => {
      const kept = await readdir(join(folder, 'troupe'), { recursive: true });
      expect(kept.length).toBeGreaterThan(100);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
