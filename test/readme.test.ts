/** What the README shows is what happens: its files are written, its commands typed, its answers compared. */
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { testPage } from './page.ts';

describe('the README', () => {
  const { text, files } = testPage('README.md');

  it('begins with an actor of at most 15 lines of code', () => {
    const lines = (files[0]?.text ?? '').trim().split('\n');
    expect(lines[0]).toContain('troupe/actor');
    expect(lines.length).toBeLessThanOrEqual(15);
  });

  it('names only npm scripts that exist', () => {
    const named = Array.from(
      text.matchAll(/\bnpm (?:run (?:-s )?)?([a-z][a-z:]*)/g),
      ([, name = '']) => name,
    );
    const scripts = [...Object.keys(packageJson.scripts), 'install'];
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['install', 'start', 'test']));
  });
});
