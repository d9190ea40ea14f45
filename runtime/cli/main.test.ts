import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { run } from './main.ts';

async function troupe(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(args, {
    cwd: import.meta.dirname,
    env: {},
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    stop: new AbortController().signal,
  });
  return { code, out: out.join(''), err: err.join('') };
}

describe('troupe', () => {
  it('--help lists the commands', async () => {
    const { code, out, err } = await troupe('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Usage: troupe .*\bserve \[options\] <module>/s);
  });

  it('--version prints the version of the package', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    expect(await troupe('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it('without a command shows its help as an error', async () => {
    const { code, err } = await troupe();
    expect(code).toBe(2);
    expect(err).toContain('Usage: troupe');
  });

  it('an unknown command ends with 2, names what was meant and points to --help', async () => {
    expect(await troupe('serv')).toEqual({
      code: 2,
      out: '',
      err: 'troupe: unknown command \'serv\'\n(Did you mean serve?)\nRun "troupe --help" for the commands.\n',
    });
  });
});

describe('troupe serve', () => {
  it('--help and docs/reference/cli.md describe the same flags', async () => {
    const { code, out } = await troupe('serve', '--help');
    expect(code).toBe(0);
    const page = await readFile(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8');
    const helped = Array.from(out.matchAll(/^ {2}(--[^ ]+ <[^>]+>)/gm), ([, flag]) => flag);
    const documented = Array.from(page.matchAll(/^\| `(--[^`]+)`/gm), ([, flag]) => flag);
    expect(helped.length).toBeGreaterThan(5);
    expect(documented).toEqual(helped);
  });

  it.each([
    [['--ap-id', 'x'], "unknown option '--ap-id'\n(Did you mean --app-id?)"],
    [[], "missing required argument 'module'"],
    [['a.ts', 'b.ts'], "too many arguments for 'serve'. Expected 1 argument but got 2."],
    [
      ['a.ts', '--dapr-http-port', '70000'],
      "option '--dapr-http-port <port>' argument '70000' is invalid. Give a whole number from 0 to 65535; 0 takes a free port.",
    ],
    [
      ['a.ts', '--app-port', '0'],
      "option '--app-port <port>' argument '0' is invalid. Give the port that the app listens on, from 1 to 65535.",
    ],
    [
      ['a.ts', '--app-id', 'a b'],
      "option '--app-id <id>' argument 'a b' is invalid. An app id is not empty and has no space, dot, slash or bar.",
    ],
    [
      ['a.ts', '--log-level', 'inf'],
      "option '--log-level <level>' argument 'inf' is invalid. No such level, did you mean \"info\"?",
    ],
    [
      ['a.ts', '--dapr-listen-addresses', '127.0.0.1,::1'],
      "option '--dapr-listen-addresses <address>' argument '127.0.0.1,::1' is invalid. Only one address is supported yet.",
    ],
    [['a.ts', '--resources-path'], "option '--resources-path <path>' argument missing"],
  ])('%j is a usage error', async (args, message) => {
    expect(await troupe('serve', ...args)).toEqual({
      code: 2,
      out: '',
      err: `troupe: ${message}\nRun "troupe serve --help" for its flags.\n`,
    });
  });
});
