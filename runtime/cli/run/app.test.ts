import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSidecarFlags } from '../sidecar-flags.ts';
import { sidecarSettings } from '../sidecar-settings.ts';
import { appEnvironment, sidecarArguments } from './app.ts';
import { parseRunFlags, RUN_FLAGS, RUN_LETTERS } from './flags.ts';
import { runHelp } from './help.ts';
import type { Ports } from './ports.ts';
import { resolveRun, type RunRequest } from './resolve.ts';

const asked: RunRequest = {
  appId: 'shop',
  resourcesPaths: ['/resources'],
  command: ['node', 'app.ts'],
  cwd: '/app',
  env: {},
  daprdLog: 'console',
  appLog: 'console',
};

/** Gives what is asked for, and else ports from 40001. */
function ports(): Ports {
  let next = 40_000;
  return { take: async (_name, wanted = 0) => (wanted > 0 ? wanted : ++next) };
}

const resolve = (request: Partial<RunRequest> = {}, env: Record<string, string> = {}) =>
  resolveRun({ ...asked, ...request }, { ports: ports(), env, random: () => 0 });

describe('flags of troupe run', () => {
  it('are those of dapr run, letters included, and the command begins behind them', () => {
    const line = '-a shop -p 80 -P grpc -H 1 -G 2 -I 3 -M 4 -c c.yaml -u /s --resources-path a,b';
    const { flags, operands } = parseRunFlags([...line.split(' '), 'node', 'x.ts', '--app-id']);
    expect(flags).toMatchObject({
      'app-id': 'shop',
      'app-port': 80,
      'app-protocol': 'grpc',
      'dapr-http-port': 1,
      'dapr-grpc-port': 2,
      'dapr-internal-grpc-port': 3,
      'metrics-port': 4,
      config: 'c.yaml',
      'unix-domain-socket': '/s',
      'resources-path': ['a', 'b'],
    });
    expect(operands).toEqual(['node', 'x.ts', '--app-id']);
    expect(parseRunFlags(['-ashop', '--', '-x']).operands).toEqual(['-x']);
  });

  it('are in --help and in docs/reference/run.md, each once', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/run.md'), 'utf8');
    const rows = Array.from(
      page.matchAll(/^\| `(?:-(\w), )?--([a-z-]+)/gm),
      ([, letter, name]) => ({
        letter,
        name,
      }),
    );
    const own = rows.slice(0, rows.findLastIndex(({ name }) => name === 'runtime-path') + 1);
    const letters = Object.fromEntries(Object.entries(RUN_LETTERS).map(([a, b]) => [b, a]));
    expect(own.map(({ name }) => name)).toEqual(
      expect.arrayContaining(Object.keys(RUN_FLAGS).filter((name) => name !== 'help')),
    );
    expect(own).toHaveLength(Object.keys(RUN_FLAGS).length - 1);
    for (const { letter, name } of own) {
      expect({ name, letter }).toEqual({ name, letter: letters[name as never] });
      expect(runHelp()).toContain(`--${name}`);
    }
  });
});

describe('what an app and its sidecar are given', () => {
  it('is what Dapr gives them, on ports that were free', async () => {
    const run = await resolve({ appPort: 8080, health: undefined });
    expect(sidecarArguments(run).join(' ')).toBe(
      '--app-id shop --app-port 8080 --app-protocol http --app-max-concurrency -1 ' +
        '--dapr-http-port 40001 --dapr-grpc-port 40002 --dapr-internal-grpc-port 40003 ' +
        '--dapr-internal-grpc-listen-address 127.0.0.1 --dapr-listen-addresses 127.0.0.1 ' +
        '--metrics-port 40004 --metrics-listen-address 127.0.0.1 --profile-port -1 ' +
        '--resources-path /resources --log-level info --max-body-size 4Mi --read-buffer-size 4Ki',
    );
    expect(appEnvironment(run)).toEqual({
      APP_ID: 'shop',
      APP_CHANNEL_ADDRESS: '127.0.0.1',
      APP_PROTOCOL: 'http',
      APP_PORT: '8080',
      DAPR_HTTP_PORT: '40001',
      DAPR_GRPC_PORT: '40002',
      DAPR_METRICS_PORT: '40004',
      TROUPE_RUNTIME: 'dapr',
    });
  });

  it('is taken by the sidecar of Troupe, whatever was asked for', async () => {
    const run = await resolve({
      appPort: 8080,
      appProtocol: 'GRPC',
      appSsl: true,
      maxConcurrency: 3,
      profiling: true,
      apiLogging: true,
      logAsJson: true,
      maxBodySize: '-1',
      health: { path: '/live', intervalSeconds: 7, timeoutMs: 300, threshold: 2 },
      placement: 'there',
      scheduler: 'there:1',
    });
    const settings = sidecarSettings(parseSidecarFlags(sidecarArguments(run)), {});
    expect(settings).toMatchObject({
      appId: 'shop',
      app: {
        port: 8080,
        protocol: 'grpcs',
        maxConcurrency: 3,
        health: { path: '/live', intervalMs: 7000, timeoutMs: 300, threshold: 2 },
      },
      resourcesPaths: ['/resources'],
      actorsEnabled: true,
    });
    expect(sidecarArguments(run)).toEqual(expect.arrayContaining(['there:50005', 'there:1']));
    expect(appEnvironment(run)['APP_PROTOCOL']).toBe('grpcs');
  });

  it('has no ports with a socket, and no sidecar when embedded', async () => {
    const run = await resolve({ unixDomainSocket: '/s' });
    expect(run.ports).toMatchObject({ http: 0, grpc: 0 });
    expect(appEnvironment(run)).not.toHaveProperty('DAPR_HTTP_PORT');
    const env = { TROUPE_RUNTIME: 'dapr' };
    expect(appEnvironment(await resolve({ embedded: true, env }))).toMatchObject({
      TROUPE_RUNTIME: 'embedded',
      TROUPE_RESOURCES_PATH: '/resources',
    });
  });

  it("the user's own variables win", async () => {
    const run = await resolve({ env: { APP_ID: 'mine', MORE: 'x' } });
    expect(appEnvironment(run)).toMatchObject({ APP_ID: 'mine', MORE: 'x' });
  });

  it('a name is made up where none was given', async () => {
    expect((await resolve({ appId: '' })).appId).toBe('amber-actor-100');
  });

  it.each([
    [{ appId: 'a b' }, 'invalid app id "a b"'],
    [{ command: [' '] }, 'the command of app "shop" is empty'],
    [{ embedded: true, command: [] }, 'has no command'],
    [{ appProtocol: 'smoke' }, 'invalid app protocol "smoke"'],
    [{ runtimePath: '/nowhere' }, 'there is no daprd at /nowhere/.dapr/bin/daprd'],
  ])('%j is refused', async (request, message) => {
    await expect(resolve(request)).rejects.toThrow(message);
  });

  it('a daprd that DAPR_RUNTIME_PATH names must be there as well', async () => {
    await expect(resolve({}, { DAPR_RUNTIME_PATH: '/gone' })).rejects.toThrow(
      '/gone/.dapr/bin/daprd',
    );
  });
});
