/** docs/reference/component-yaml.md is true: its samples load and do what it says. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseResources } from '../config/resources.ts';
import { createLoader } from './component-probe.ts';

const page = await readFile(
  new URL('../../docs/reference/component-yaml.md', import.meta.url),
  'utf8',
);
const samples = Array.from(page.matchAll(/```yaml\n(.*?)```/gs), ([, text = '']) => text);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-docs-'));
});
afterEach(async () => {
  delete process.env['ARCHIVE_FILE'];
  await rm(folder, { recursive: true });
});

it('all samples load, as one set', async () => {
  process.env['ARCHIVE_FILE'] = join(folder, 'archive.db');
  const files = samples.map((text, i) => ({
    path: `sample-${i}.yaml`,
    text: text.replace('./orders.db', join(folder, 'orders.db')),
  }));
  const { components, warnings } = parseResources(files, { appId: 'shop' });
  expect(warnings).toEqual([]);
  await using loaded = await createLoader().load(components, {
    env: { ARCHIVE_TABLE: 'archived' },
  });
  expect(loaded.list.map(({ name }) => name)).toEqual(['vault', 'statestore', 'archive', 'pubsub']);
  expect(loaded.actorStore?.name).toBe('statestore');
  expect(loaded.stateStores.get('archive')?.keyPrefix).toBe('shop-archive||');
  expect(loaded.pubsubs.get('pubsub')?.topics.mayPublish('orders')).toBe(true);
  expect(loaded.pubsubs.get('pubsub')?.topics.mayPublish('returns')).toBe(false);
});
