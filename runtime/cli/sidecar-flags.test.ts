import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSidecarFlags, SIDECAR_FLAGS } from './sidecar-flags.ts';
import { sidecarSettings } from './sidecar-settings.ts';
import { sidecar } from './sidecar.ts';

const base = ['--app-id', 'shop'];

async function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const write = (text: string): void => {
    output += text;
  };
  const code = await sidecar(args, {
    env: {},
    stdout: { write },
    stderr: { write },
    stop: AbortSignal.abort(),
    onHangup: () => () => {},
    exit: () => {},
  });
  return { code, output };
}

describe('flags of the sidecar', () => {
  it('come with one dash or two, and their values behind a space or an equals sign', () => {
    const { flags } = parseSidecarFlags(['-app-id', 'a', '--app-port=0', '--profile-port', '-1']);
    expect(flags).toMatchObject({ 'app-id': 'a', 'app-port': '0', 'profile-port': '-1' });
  });

  it('are true when they stand bare, and false when they say so', () => {
    const { flags } = parseSidecarFlags(['--enable-api-logging', '--enable-metrics=false']);
    expect(flags).toMatchObject({ 'enable-api-logging': true, 'enable-metrics': false });
  });

  it('gather what is given by comma and by repetition', () => {
    const { flags } = parseSidecarFlags(['--config=a,b', '--config', 'c']);
    expect(flags.config).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['4Mi', 4_194_304],
    ['512Ki', 524_288],
    ['10k', 10_000],
    ['1e3', 1000],
    ['-1', -1],
  ])('take the quantity %s', (text, bytes) => {
    expect(parseSidecarFlags([`--max-body-size=${text}`]).flags['max-body-size']).toBe(bytes);
  });

  it.each([
    ['180s', 180_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5s', 1500],
  ])('take the duration %s', (text, ms) => {
    const { flags } = parseSidecarFlags([`--dapr-block-shutdown-duration=${text}`]);
    expect(flags['dapr-block-shutdown-duration']).toBe(ms);
  });

  it('warn of what is not advised any more and still do it', () => {
    const { warnings, flags } = parseSidecarFlags(['--components-path', 'x']);
    expect(warnings).toEqual(['Flag --components-path has been deprecated, use --resources-path']);
    expect(sidecarSettings(parseSidecarFlags([...base, '--components-path=x']), {})).toMatchObject({
      resourcesPaths: ['x'],
    });
    expect(flags['components-path']).toBe('x');
  });

  it.each([
    [['--nosuch'], 2, 'unknown flag: --nosuch'],
    [['--app-idd=x'], 2, 'did you mean "app-id"?'],
    [['--app-id'], 2, 'flag needs an argument: --app-id'],
    [['--app-max-concurrency=many'], 2, 'invalid argument "many" for "--app-max-concurrency"'],
    [['--max-body-size=4Zi'], 2, "invalid value for 'max-body-size' option"],
    [[...base, '--app-port=banana'], 1, 'error parsing app-port flag'],
    [[...base, '--log-level=loud'], 1, 'invalid value for --log-level: loud'],
    [[...base, '--enable-mtls'], 1, '--enable-mtls and --sentry-address are not supported'],
    [[...base, '--mode', 'kubernetes'], 1, '--mode kubernetes'],
    [[], 1, 'parameter app-id cannot be empty'],
    [['--app-id=a.b'], 1, 'parameter app-id cannot contain dots'],
    [[...base, '--app-protocol=smtp'], 1, "invalid value for 'app-protocol': smtp"],
    [[...base, '--disable-init-endpoints=x'], 1, "invalid value for 'disable-init-endpoints': x"],
    [
      [...base, '--app-port=3500'],
      1,
      "'dapr-http-port' argument value 3500 conflicts with 'app-port'",
    ],
  ])('%j are refused', async (args, code, text) => {
    const outcome = await run(args);
    expect(outcome.code).toBe(code);
    expect(outcome.output.replaceAll('\\"', '"')).toContain(text);
  });

  it('name a control plane by its addresses, which quotes and blanks are not', () => {
    const joined = (...args: string[]): unknown =>
      sidecarSettings(parseSidecarFlags([...base, ...args]), {}).controlPlane;
    for (const none of ['', ' ', "''", '"  "']) {
      expect(
        joined(`--placement-host-address=${none}`, `--scheduler-host-address=${none}`),
      ).toBeUndefined();
    }
    expect(joined('--actors-service=placement:one:50005')).toMatchObject({
      placement: ['one:50005'],
      scheduler: [],
    });
    expect(
      joined(
        '--placement-host-address=one:50005,two:50005',
        '--scheduler-host-address=one:50006,"two:50006"',
        '--scheduler-job-streams=2',
        '--actors-disseminate-timeout=12s',
      ),
    ).toEqual({
      placement: ['one:50005', 'two:50005'],
      scheduler: ['one:50006', 'two:50006'],
      schedulerStreams: 2,
      disseminateTimeoutMs: 12_000,
    });
    expect(() => joined('--scheduler-host-address=one:1', '--scheduler-job-streams=0')).toThrow(
      /at least 1 scheduler stream/,
    );
  });

  it('tell the version of Dapr that is served, as daprd tells its own', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, output: '1.18.2\n' });
    const { code, output } = await run(['--build-info']);
    expect(code).toBe(0);
    expect(output).toMatch(/^Version: 1\.18\.2\nGit Commit: \S+\nGit Version: \S+\n$/);
  });

  it('stand in docs/reference/sidecar.md, one row each, with their defaults', () => {
    const page = readFileSync(new URL('../../docs/reference/sidecar.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `--([\w-]+)` \| (.*?) \|/gm)].map(([, name, fallback]) => [
      name,
      fallback,
    ]);
    const shown = (row: { kind: string; fallback: unknown }): string => {
      if (row.kind === 'list' || row.fallback === '') return '';
      if (row.kind === 'duration') return `\`${Number(row.fallback) / 1000}s\``;
      if (row.kind === 'quantity') {
        const bytes = Number(row.fallback);
        return bytes % 2 ** 20 === 0 ? `\`${bytes / 2 ** 20}Mi\`` : `\`${bytes / 1024}Ki\``;
      }
      return `\`${String(row.fallback)}\``;
    };
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(Object.entries(SIDECAR_FLAGS).map(([name, row]) => [name, shown(row)])),
    );
  });
});
