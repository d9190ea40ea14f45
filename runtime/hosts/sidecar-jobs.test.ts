import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openComponents } from './composition.ts';
import { createSidecarLog } from './sidecar-log.ts';
import { openSidecarJobs, type SidecarJobs } from './sidecar-jobs.ts';
import { createSystemClock } from './system-clock.ts';

let folder = '';
let lines: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-jobs-'));
  lines = [];
});
afterEach(() => rm(folder, { recursive: true }));

async function open(file: string | undefined): Promise<SidecarJobs> {
  const clock = createSystemClock();
  const log = createSidecarLog({
    appId: 'shop',
    level: 'info',
    asJson: false,
    instance: 'here',
    version: '1',
    write: (line: string) => void lines.push(line),
    now: () => clock.now(),
  });
  const components = await openComponents({
    components: [],
    appId: 'shop',
    clock,
    logger: log,
    env: {},
  });
  return openSidecarJobs({ components, appId: 'shop', file, clock, log });
}

it('jobs outlive a sidecar that no component keeps them for', async () => {
  const file = join(folder, 'deep', 'shop.sqlite');
  {
    await using first = await open(file);
    await first.jobs!.schedule('report', { schedule: '@daily' }, { overwrite: false });
  }
  await using second = await open(file);
  expect((await second.jobs!.list()).map(({ name }) => name)).toEqual(['report']);
});

it('nothing keeps jobs when no scheduler is named', async () => {
  await using kept = await open(undefined);
  expect(kept.jobs).toBeUndefined();
  expect(lines.join('')).toContain('Scheduler disabled');
});

it('a folder that cannot be written is told, and only jobs are refused', async () => {
  await writeFile(join(folder, 'taken'), '');
  await using kept = await open(join(folder, 'taken', 'shop.sqlite'));
  expect(kept.jobs).toBeUndefined();
  expect(lines.join('')).toContain('the file of jobs could not be opened');
});
