/** The samples of the reference pages about resources say what they should. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseConfiguration } from './configuration-yaml.ts';
import { ALL_KINDS, parseResources } from './resources.ts';

function sample(page: string): string {
  const path = new URL(`../../docs/reference/${page}.md`, import.meta.url);
  return /```yaml\n(.*?)```/s.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
}

it.each([
  ['resiliency', 'resiliencies'],
  ['subscriptions', 'subscriptions'],
] as const)('the sample of %s.md is read without a complaint', (page, kind) => {
  const parsed = parseResources([{ path: page, text: sample(page) }], {
    kinds: ALL_KINDS,
    appId: 'shop',
  });
  expect(parsed[kind]).toHaveLength(1);
  expect(parsed.warnings).toEqual([]);
});

it('the sample of configuration.md is read without a complaint', () => {
  const text = sample('configuration');
  const { configuration, warnings } = parseConfiguration([{ path: 'c', text }]);
  expect(warnings).toEqual([]);
  expect(configuration).toMatchObject({ name: 'shop', accessControl: { defaultAction: 'deny' } });
});
