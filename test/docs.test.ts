/** The documentation is whole: links resolve, decisions have their shape, errors and dependencies their rows. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { ERROR_CODES } from '../runtime/core/errors.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = globSync(
  ['*.md', '{docs,examples,actors,components,runtime,dapr,bench,workers}/**/*.md'],
  {
    cwd: root,
    exclude: ['**/node_modules/**', '**/out/**'],
  },
).toSorted();

/** Headings as the anchors that a Markdown page gives them. */
function anchorsOf(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^#{1,6} (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** Links of a page that lead nowhere, as they are written. */
function brokenLinks(page: string, markdown: string): string[] {
  const prose = markdown.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
  const links = Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(root, target))) return true;
    return (
      anchor !== undefined && target.endsWith('.md') && !anchorsOf(read(target)).includes(anchor)
    );
  });
}

describe('links', () => {
  it('are looked for in every page', () => {
    expect(pages).toContain('README.md');
    expect(pages).toContain('docs/decisions/README.md');
  });

  it.each(pages)('of %s resolve', (page) => {
    expect(brokenLinks(page, read(page))).toEqual([]);
  });

  it('that lead nowhere are noticed', () => {
    const markdown =
      '# Here\n[a](gone.md) [b](README.md) [c](#here) [d](#there) [e](https://example.org)';
    expect(brokenLinks('docs/x.md', markdown.replaceAll('](#', '](README.md#'))).toEqual([
      'gone.md',
      'README.md#here',
      'README.md#there',
    ]);
  });
});

describe('decisions', () => {
  const decisions = globSync('docs/decisions/[0-9]*.md', { cwd: root }).toSorted();

  it.each(decisions)('%s says context, decision and consequence on one screen', (page) => {
    const markdown = read(page);
    const headings = Array.from(markdown.matchAll(/^## (.+)$/gm), ([, heading]) => heading);
    expect(headings).toEqual(['Context', 'Decision', 'Consequence']);
    expect(markdown.split('\n').length).toBeLessThanOrEqual(70);
    expect(markdown).toMatch(new RegExp(`^# ${page.slice(15, 19)}: `));
  });

  it('are all in the index, under numbers of their own', () => {
    const index = read('docs/decisions/README.md');
    for (const page of decisions) expect(index).toContain(`(${page.slice(15)})`);
    const numbers = decisions.map((page) => page.slice(15, 19));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('have a row for every dependency', () => {
    const rows = read('docs/decisions/0005-libraries.md');
    const names = Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies });
    const missing = names.filter(
      (name) =>
        !name.startsWith('@types/') &&
        !new RegExp(`^\\|[^|]*(?<![\\w@/-])${name}\\b`, 'm').test(rows),
    );
    expect(missing).toEqual([]);
  });
});

describe('the reference', () => {
  it('has every page in its index', () => {
    const index = read('docs/reference/README.md');
    const names = globSync('docs/reference/*.md', { cwd: root }).map((page) => basename(page));
    const missing = names.filter((name) => name !== 'README.md' && !index.includes(`(${name})`));
    expect(missing).toEqual([]);
  });
});

describe('docs/reference/errors.md', () => {
  it('has a row for every code, with whether it may be retried', () => {
    const rows = Array.from(
      read('docs/reference/errors.md').matchAll(/^\| `([A-Z_]+)` \| (yes|no) \|/gm),
      ([, code, retryable]) => [code, { retryable: retryable === 'yes' }],
    );
    expect(Object.fromEntries(rows)).toEqual(ERROR_CODES);
  });
});

describe('docs/reference/limits.md', () => {
  const rows = Array.from(
    read('docs/reference/limits.md').matchAll(/\[([A-Z_]+)\]\(([^)]+)\) \|$/gm),
    ([, name = '', path = '']) => [name, join('docs/reference', path)] as const,
  );

  it.each(rows)('names %s of %s, which is there', (name, path) => {
    expect(read(path)).toMatch(new RegExp(`const ${name}\\b`));
  });
});
