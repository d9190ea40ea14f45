/** What the guides show is what happens, and each is read in a sitting. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkTypes, testPage } from './page.ts';
import { ROOT } from './transcript.ts';

/** Two screens of 70 lines. */
const LONGEST_GUIDE = 140;
const guides = [
  'actors',
  'client',
  'dapr-actors',
  'durable-sends',
  'inference',
  'logistics',
  'testing',
];

/** Without what differs from run to run in the output of vitest: its version, where it ran, when and for how long. */
function withoutTimes(output: string, cwd: string): string {
  return output
    .replaceAll(cwd, '~/invitations')
    .replace(/RUN {2}v[\d.]+/g, 'RUN')
    .replace(/Start at {2}\d\d:\d\d:\d\d/g, 'Start at')
    .replace(/\b\d+(?:\.\d+)?(?:ms|s)\b/g, 'some ms');
}

describe.each(guides)('the guide %s', (name) => {
  const { text } = testPage(`docs/guides/${name}.md`, { normalise: withoutTimes });

  it('is two screens long at most', () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(LONGEST_GUIDE);
  });
});

it('the code of the guides and of the README type-checks', () =>
  checkTypes(['README.md', ...guides.map((name) => `docs/guides/${name}.md`)]));

it('every guide is in the index of the documentation', () => {
  const index = readFileSync(join(ROOT, 'docs/README.md'), 'utf8');
  const names = globSync('docs/guides/*.md', { cwd: ROOT }).map((path) => basename(path));
  expect(names.filter((name) => !index.includes(`(guides/${name})`))).toEqual([]);
});
