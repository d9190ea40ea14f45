/** Every numbered example does what its expected.txt says, typed as a user would. */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { absence } from './programs.ts';
import { parseTranscript, playTranscript, ROOT } from './transcript.ts';

const FREE_PORTS: Readonly<Record<string, string>> = {
  '01-hello': '--port 0 --api-port 0',
};

/** Programs that examples start; CI installs them. */
const NEEDS: Readonly<Record<string, string>> = { '04-edge-store': 'ffmpeg' };

const examples = globSync('examples/[0-9]*-*', { cwd: ROOT })
  .map((path) => path.slice(9))
  .toSorted();

describe('examples', () => {
  let cwd: string;
  beforeAll(() => {
    cwd = mkdtempSync(join(tmpdir(), 'troupe-examples-'));
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  it('are numbered without a gap up to the order day', () => {
    expect(examples.map((name) => name.slice(0, 2))).toEqual(['01', '02', '03', '04']);
  });

  it.for(examples)('%s prints what its expected.txt shows', async (name, { skip }) => {
    const program = NEEDS[name];
    const reason = program && absence(program);
    skip(reason !== undefined, reason);
    const expected = readFileSync(join(ROOT, 'examples', name, 'expected.txt'), 'utf8');
    const transcript = parseTranscript(expected);
    const freePorts = FREE_PORTS[name];
    const played = await playTranscript(transcript, { cwd, ...(freePorts ? { freePorts } : {}) });
    expect(played.text).toBe(expected);
    expect(played.exitCode ?? 0, 'Ctrl-C ends it without an error').toBe(0);
  });

  it.each(examples)('%s says in its README how to run it', (name) => {
    const readme = readFileSync(join(ROOT, 'examples', name, 'README.md'), 'utf8');
    expect(readme).toContain(`npx node examples/${name}/main.ts`);
  });
});

describe('an expected.txt', () => {
  it('that is wrong is noticed', async () => {
    const wrong = parseTranscript('$ echo one\ntwo\n');
    const played = await playTranscript(wrong, { cwd: tmpdir() });
    expect(played.text).toBe('$ echo one\none\n');
  });

  it('with a command that fails is noticed with what it said', async () => {
    const failing = parseTranscript('$ echo sorry >&2; exit 3\n');
    await expect(playTranscript(failing, { cwd: tmpdir() })).rejects.toThrow(
      /ended with 3:\nsorry/,
    );
  });

  it('with a server that dies at once is noticed', async () => {
    const dying = parseTranscript('$ npx node -e "throw new Error(42)"\nready\n^C\n');
    await expect(playTranscript(dying, { cwd: tmpdir() })).rejects.toThrow(/ended with 1/);
  });

  it('is played on Node 24', async () => {
    const played = await playTranscript(parseTranscript('$ npx node -v\n'), { cwd: tmpdir() });
    expect(played.text).toMatch(/^\$ npx node -v\nv24\./);
  });
});
