/** `troupe run -f` as a process: order, prefixes, log files, one app that fails, an end without a trace. */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePorts } from './ports.fixture.ts';
import { APP, startCommand, troupe } from './run.fixture.ts';

/** Several processes start in each, on a machine that may be busy. */
const SECONDS = { timeout: 60_000 };
const WAITING = 'trap "echo ending; exit 0" TERM; echo ready; while :; do sleep 0.1; done';

function runFile(appPort: number): string {
  return `version: 1
name: trio
common:
  env: { LEVEL: common, WHO: common }
  appLogDestination: fileAndConsole
apps:
  - appID: web
    appDirPath: .
    appPort: ${appPort}
    command: [${process.execPath}, app.mjs]
  - appID: broken
    appDirPath: .
    daprdLogDestination: console
    env: { WHO: own }
    command: [sh, -c, 'echo $LEVEL $WHO; echo the reason >&2; exit 4']
  - appDirPath: quiet
    appLogDestination: file
    command: [sh, -c, '${WAITING}']
`;
}

describe('troupe run -f', SECONDS, () => {
  it('runs every app, tells one that fails with its last lines, and ends in order', async () => {
    const [appPort] = (await freePorts(1)) as [number];
    await using run = await startCommand(['run', '-f', '.'], {
      files: { 'app.mjs': APP, 'dapr.yaml': runFile(appPort) },
      folders: ['quiet'],
    });
    await run.said('The App process of "broken" exited with code 4; the other apps go on');
    await run.said('Started Dapr with app id "quiet"');
    expect(run.output()).toContain('== APP - broken == common own\n');
    expect(run.output()).toMatch(/its last lines:\n( {4}(common own|the reason)\n){2}/);
    expect(run.output()).toContain('== APP - web == APP_ID=web\n');
    expect(run.output()).toMatch(/level=info .*app_id=broken/);
    expect(run.output()).not.toMatch(/level=info .*app_id=web/);
    expect(run.output()).not.toContain('== APP - quiet ==');

    const path = join(await realpath(run.folder), 'dapr.yaml');
    const rows = async () => {
      const { output } = await troupe(['list', '-o', 'json']);
      const all = JSON.parse(output) as {
        appId: string;
        runTemplatePath: string;
        cliPid: number;
      }[];
      return all.filter((row) => row.runTemplatePath === path);
    };
    await expect.poll(async () => (await rows()).length, { timeout: 20_000 }).toBe(3);
    expect(await rows()).toMatchObject([
      { appId: 'web', runTemplateName: 'trio', cliPid: run.pid },
      { appId: 'broken' },
      { appId: 'quiet', appLogPath: expect.stringContaining('/quiet/.dapr/logs/quiet_app_') },
    ]);

    expect((await troupe(['stop', '-f', path])).code).toBe(0);
    expect(await run.exited).toBe(1);
    expect(run.output()).toMatch(/Exited "web"\n[^]*Exited "broken"\n[^]*Exited "quiet"\n/);
    await run.gone();
    const logs = join(run.folder, 'quiet/.dapr/logs');
    const [app = '', daprd = ''] = (await readdir(logs)).toSorted();
    // The shell may say of its own that what it waited for was ended.
    expect(await readFile(join(logs, app), 'utf8')).toMatch(
      /^== APP - quiet == ready\n[^]*== APP - quiet == ending\n$/,
    );
    expect(await readFile(join(logs, daprd), 'utf8')).toContain('app_id=quiet');
  });

  it('ends by itself when every app has ended', async () => {
    const text = `version: 1
apps:
  - { appID: a, appDirPath: ., command: [echo, from a] }
  - { appID: b, appDirPath: ., command: [echo, from b] }
`;
    await using run = await startCommand(['run', '-f', 'dapr.yaml'], {
      files: { 'dapr.yaml': text },
    });
    expect(await run.exited).toBe(0);
    expect(run.output()).toContain('== APP - a == from a\n');
    expect(run.output()).toContain('== APP - b == from b\n');
    expect(run.output()).toContain('Every app has ended.');
    await run.gone();
  });

  it('ends everything when an app cannot be started', async () => {
    const text = `version: 1
apps:
  - { appID: a, appDirPath: ., command: [sleep, 300] }
  - { appID: b, appDirPath: ., command: [no-such-program] }
`;
    await using run = await startCommand(['run', '-f', '.'], { files: { 'dapr.yaml': text } });
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain(
      'Error starting Dapr and app ("b"): cannot start "no-such-program"',
    );
    await run.gone();
  });
});

describe('what counts in a run file', SECONDS, () => {
  it('resources: the app, then its .dapr folder, then what is common', async () => {
    const component = (name: string): string =>
      `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: ${name} }\nspec: { type: state.in-memory, version: v1, metadata: [] }\n`;
    const text = `version: 1
common: { resourcesPath: common, daprdLogDestination: console }
apps:
  - { appID: own, appDirPath: one, resourcesPaths: [res], command: ['true'] }
  - { appID: folder, appDirPath: two, command: ['true'] }
  - { appID: common, appDirPath: three, command: ['true'] }
`;
    await using run = await startCommand(['run', '-f', '-'], {
      folders: ['one/res', 'two/.dapr/resources', 'three', 'common'],
      files: {
        'one/res/x.yaml': component('from-app'),
        'two/.dapr/resources/x.yaml': component('from-folder'),
        'common/x.yaml': component('from-common'),
      },
      input: text,
    });
    expect(await run.exited).toBe(0);
    for (const [app, name] of [
      ['own', 'from-app'],
      ['folder', 'from-folder'],
      ['common', 'from-common'],
    ]) {
      expect(run.output()).toMatch(new RegExp(`Component loaded: ${name} .*app_id=${app} `));
    }
  });

  it('a path that is not there is told with its line', async () => {
    const text = 'version: 1\napps:\n  - appDirPath: ./gone\n';
    const { code, output } = await troupe(['run', '-f', '.'], { files: { 'dapr.yaml': text } });
    expect(output).toMatch(
      /dapr\.yaml:3:17: apps\[0\]\.appDirPath: there is nothing at .*\/gone\n/,
    );
    expect(code).toBe(1);
  });
});
