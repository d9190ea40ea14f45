/** What the README shows is what happens: its files are written, its commands typed, its answers compared. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { parseTranscript, playTranscript, ROOT } from './transcript.ts';

interface Fence {
  readonly info: string;
  readonly text: string;
}

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const fences: Fence[] = Array.from(
  readme.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm),
  ([, info = '', text = '']) => ({ info, text }),
);
const files = fences.filter(({ info }) => info.includes('file='));
const consoles = fences.filter(({ info }) => info === 'console');

describe('the README', () => {
  let cwd: string;
  beforeAll(() => {
    mkdirSync(join(ROOT, 'out'), { recursive: true });
    cwd = mkdtempSync(join(ROOT, 'out', 'readme-'));
    for (const { info, text } of files)
      writeFileSync(join(cwd, info.split('file=')[1] ?? ''), text);
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  it('shows code and sessions, each of a kind that is run here', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(consoles.length).toBeGreaterThan(0);
    expect(fences).toEqual(
      fences.filter((fence) => files.includes(fence) || consoles.includes(fence)),
    );
  });

  it.each(consoles)('answers as shown: $text', async ({ text }) => {
    const freePorts = '--dapr-http-port 0 --log-level warn';
    const played = await playTranscript(parseTranscript(text), { cwd, freePorts });
    expect(played.text).toBe(text);
    expect(played.exitCode ?? 0).toBe(0);
  });

  it('has code that type-checks', async () => {
    const config = { extends: '../../tsconfig.json', include: ['*.ts'] };
    writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify(config));
    const played = await playTranscript(parseTranscript('$ tsc --project tsconfig.json\n'), {
      cwd,
    });
    expect(played.text).toBe('$ tsc --project tsconfig.json\n');
  });

  it('begins with an actor of at most 15 lines of code', () => {
    const lines = (files[0]?.text ?? '').trim().split('\n');
    expect(lines[0]).toContain('troupe/actor');
    expect(lines.length).toBeLessThanOrEqual(15);
  });

  it('names only npm scripts that exist', () => {
    const named = Array.from(
      readme.matchAll(/\bnpm (?:run (?:-s )?)?([a-z][a-z:]*)/g),
      ([, name = '']) => name,
    );
    const scripts = [...Object.keys(packageJson.scripts), 'install'];
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['install', 'start', 'test']));
  });
});
