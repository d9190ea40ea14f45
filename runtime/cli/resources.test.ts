import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readResources } from './resources.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-resources-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('reads the YAML files of a folder by name, and nothing else', async () => {
  await mkdir(join(folder, 'below'));
  await writeFile(join(folder, 'below', 'deep.yaml'), 'deep');
  await writeFile(join(folder, 'b.yml'), 'b');
  await writeFile(join(folder, 'a.yaml'), 'a');
  await writeFile(join(folder, 'notes.md'), 'notes');
  expect(await readResources(folder)).toEqual([
    { path: join(folder, 'a.yaml'), text: 'a' },
    { path: join(folder, 'b.yml'), text: 'b' },
  ]);
});

it('reads one file, whatever its name', async () => {
  const path = join(folder, 'component.conf');
  await writeFile(path, 'x');
  expect(await readResources(path)).toEqual([{ path, text: 'x' }]);
});

it('names a path that does not exist', async () => {
  await expect(readResources(join(folder, 'nope'))).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: `resources path "${join(folder, 'nope')}" does not exist; give a YAML file or a folder of them`,
  });
});

it('refuses a folder without YAML, which is most likely the wrong folder', async () => {
  await expect(readResources(folder)).rejects.toThrow(
    `resources path "${folder}" has no *.yaml or *.yml file`,
  );
});
