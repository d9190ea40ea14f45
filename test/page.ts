/**
 * What a page shows is what happens: its files (```ts file=NAME) are written
 * into a folder of the page's own, its sessions (```console) are typed there
 * and their answers compared. The files of all pages are type-checked together.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseTranscript, playTranscript, ROOT } from './transcript.ts';

interface Fence {
  readonly info: string;
  readonly text: string;
}

export interface Page {
  readonly text: string;
  readonly fences: readonly Fence[];
  readonly files: readonly Fence[];
  readonly consoles: readonly Fence[];
}

export interface PageOptions {
  /** Makes what differs from run to run (durations, folders) the same on both sides. */
  readonly normalise?: (output: string, cwd: string) => string;
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const fences: Fence[] = Array.from(
    text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm),
    ([, info = '', body = '']) => ({ info, text: body }),
  );
  return {
    text,
    fences,
    files: fences.filter(({ info }) => info.includes('file=')),
    consoles: fences.filter(({ info }) => info === 'console'),
  };
}

/** Declares the tests of a page; call it inside a `describe`. */
export function testPage(path: string, { normalise = (output) => output }: PageOptions = {}): Page {
  const page = readPage(path);
  const { fences, files, consoles } = page;
  let cwd: string;

  beforeAll(() => {
    cwd = makeFolder(path, files);
    // A test file of the page runs as a user's would, not under this repository's configuration,
    // and a busy machine must not add lines for slow tests to what is shown.
    const vitest = 'export default { test: { slowTestThreshold: 600_000 } };\n';
    writeFileSync(join(cwd, 'vitest.config.mjs'), vitest);
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
    expect(normalise(played.text, cwd)).toBe(normalise(text, cwd));
    expect(played.exitCode ?? 0).toBe(0);
  });
  return page;
}

/** A folder of the page's own with its files. */
function makeFolder(path: string, files: readonly Fence[]): string {
  mkdirSync(join(ROOT, 'out'), { recursive: true });
  const cwd = mkdtempSync(join(ROOT, 'out', `${basename(path, '.md').toLowerCase()}-`));
  for (const { info, text } of files) writeFileSync(join(cwd, info.split('file=')[1] ?? ''), text);
  return cwd;
}

/** Type-checks the files of all pages at once, which takes hardly longer than those of one. */
export async function checkTypes(paths: readonly string[]): Promise<void> {
  const folders = paths.map((path) => makeFolder(path, readPage(path).files));
  const cwd = makeFolder('types', []);
  try {
    const include = folders.map((folder) => `../${basename(folder)}/*.ts`);
    const config = { extends: '../../tsconfig.json', include };
    writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify(config));
    const command = '$ tsc --project tsconfig.json\n';
    expect((await playTranscript(parseTranscript(command), { cwd })).text).toBe(command);
  } finally {
    for (const one of [cwd, ...folders]) rmSync(one, { recursive: true, force: true });
  }
}
