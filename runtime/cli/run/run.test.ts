/** `troupe run` and the commands beside it, as processes: one app and its sidecar. */
import { describe, expect, it } from 'vitest';
import { freePorts } from './ports.fixture.ts';
import { APP, startCommand, troupe } from './run.fixture.ts';

/** Several processes start in each, on a machine that may be busy. */
const SECONDS = { timeout: 60_000 };
const files = { 'app.mjs': APP };
const node = process.execPath;
const up = "You're up and running!";

describe('troupe run', SECONDS, () => {
  it('runs an app beside a sidecar: list, invoke and publish find it, Ctrl-C ends both', async () => {
    const [appPort, httpPort] = (await freePorts(2)) as [number, number];
    const id = `shop-${appPort}`;
    const ports = ['-p', String(appPort), '--dapr-http-port', String(httpPort)];
    await using run = await startCommand(['run', '-a', id, ...ports, '--', node, 'app.mjs'], {
      files,
    });
    await run.said(`== APP == TROUPE_RUNTIME=dapr`);
    await run.said(up);
    await run.said('dapr initialized');
    expect(run.output()).toContain(`== APP == APP_ID=${id}\n`);
    expect(run.output()).toContain(`== APP == APP_PORT=${appPort}\n`);
    expect(run.output()).toContain(`== APP == DAPR_HTTP_PORT=${httpPort}\n`);
    expect(run.output()).toMatch(/== APP == DAPR_GRPC_PORT=\d+\n/);
    expect(run.output()).toMatch(/== APP == DAPR_METRICS_PORT=\d+\n/);

    const listed = await troupe(['list', '-o', 'json']);
    const rows = JSON.parse(listed.output) as { appId: string }[];
    expect(rows.find(({ appId }) => appId === id)).toMatchObject({
      appPort,
      httpPort,
      cliPid: run.pid,
      appPid: expect.any(Number),
      command:
        `${node} app.mjs`.length > 20 ? expect.stringMatching(/\.\.\.$/) : expect.any(String),
    });
    const called = await troupe(['invoke', '-a', id, '-m', 'pay/now', '-d', '{"n":1}']);
    expect(called.output).toBe('POST /pay/now {"n":1}\n✅  App invoked successfully\n');
    const sent = await troupe(['publish', '-i', id, '-p', 'pubsub', '-t', 'news', '-d', '{"a":7}']);
    expect(sent).toEqual({ code: 0, output: '✅  Event published successfully\n' });
    await run.said('== APP == POST /news ');
    expect(run.output()).toMatch(/POST \/news .*"data":\{"a":7\}/);

    run.signal('SIGINT');
    expect(await run.exited).toBe(0);
    expect(run.output()).toContain('== APP == asked to end');
    expect(run.output()).toMatch(/Exited App successfully\n.*Exited Dapr successfully\n$/);
    await run.gone();
  });

  it('starts an app without a port once the sidecar takes connections', async () => {
    const script =
      'echo "asked $(curl -s -o /dev/null -w %{http_code} 127.0.0.1:$DAPR_HTTP_PORT/v1.0/metadata)"';
    const { code, output } = await troupe(['run', '--app-id', 'tool', '--', 'sh', '-c', script]);
    expect(output).toContain('Dapr sidecar is up and running.');
    expect(output).toContain('== APP == asked 200');
    expect(code).toBe(0);
  });

  it('ends with 1 and the last lines of an app that failed, and leaves nothing behind', async () => {
    const app = ['sh', '-c', 'sleep 300 & echo one; echo two >&2; exit 3'];
    await using run = await startCommand(['run', '--app-id', 'broken', '--', ...app]);
    expect(await run.exited).toBe(1);
    expect(run.output()).toMatch(/❌ {2}The App process exited with code 3; its last lines:\n/);
    expect(run.output()).toMatch(/its last lines:\n( {4}(one|two)\n){2}/);
    await run.gone();
  });

  it('stops the app when its sidecar fails, and says so', async () => {
    await using run = await startCommand(['run', '-a', 'headless', '--', 'sleep', '300']);
    await run.said(up);
    const { output } = await troupe(['list', '-o', 'yaml']);
    const pid = /appId: headless\n[^]*?daprdPid: (\d+)/.exec(output)?.[1];
    process.kill(Number(pid), 'SIGKILL');
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain('The daprd process was ended by SIGKILL');
    await run.gone();
  });

  it('troupe stop ends the command that runs the app', async () => {
    await using run = await startCommand(['run', '-a', 'stopped', '--', 'sleep', '300']);
    await run.said(up);
    await run.said('Dapr sidecar is up and running.');
    await expect.poll(async () => (await troupe(['list'])).output).toMatch(/stopped .*sleep 300/);
    expect(await troupe(['stop', '--app-id', 'stopped'])).toEqual({
      code: 0,
      output: '✅  app stopped successfully: stopped\n',
    });
    expect(await run.exited).toBe(0);
    await run.gone();
  });

  it('with --embedded runs the app alone and tells it so', async () => {
    const [appPort] = (await freePorts(1)) as [number];
    const args = ['run', '--embedded', '-a', 'alone', '-p', String(appPort), '--', node, 'app.mjs'];
    await using run = await startCommand(args, { files });
    await run.said('== APP == TROUPE_RUNTIME=embedded');
    run.signal('SIGINT');
    expect(await run.exited).toBe(0);
    expect(run.output()).not.toContain('level=info');
    await run.gone();
  });
});

// They wait out the time that an app is given to end, so they do it side by side, and with those below.
describe.concurrent('troupe run with an app that does not end', SECONDS, () => {
  it('kills it when its time is over', async () => {
    const app = ['sh', '-c', 'trap "" TERM INT; echo stubborn; while :; do sleep 1; done'];
    await using run = await startCommand(['run', '--app-id', 'stubborn', '--', ...app]);
    await run.said('== APP == stubborn');
    run.signal('SIGTERM');
    expect(await run.exited).toBe(0);
    await run.gone();
  });

  it('leaves nothing behind when the command itself is killed', async () => {
    const app = ['sh', '-c', 'trap "" TERM; echo here; while :; do sleep 1; done'];
    await using run = await startCommand(['run', '--app-id', 'orphan', '--', ...app]);
    await run.said('== APP == here');
    run.signal('SIGKILL');
    await run.gone();
  });
});

describe.concurrent('troupe run refuses before anything starts', SECONDS, () => {
  it.each([
    [['run', '--app-idd', 'x'], 2, 'unknown flag: --app-idd, did you mean "app-id"?'],
    [['run', '-k', '--', 'x'], 1, '--kubernetes is not supported'],
    [['run', '--log-level', 'loud'], 1, 'invalid log level "loud"'],
    [['run', '--max-body-size', 'big'], 1, 'invalid max body size "big"'],
    [['run', '--runtime-path', '/nowhere'], 1, 'there is no daprd at /nowhere/.dapr/bin/daprd'],
    [['run', '--resources-path', '/nowhere'], 1, 'failed to load resources from disk'],
    [['run', '-f', '/nowhere'], 1, 'there is no run file or folder /nowhere'],
  ])('%j', async (args, code, text) => {
    const ended = await troupe(args);
    expect(ended.output).toContain(text);
    expect(ended.code).toBe(code);
  });

  it('a resource that is no YAML of Dapr, with file and line', async () => {
    const broken = 'apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: x\nspec: 7\n';
    const { code, output } = await troupe(['run', '--resources-path', '.', '--', 'true'], {
      files: { 'broken.yaml': broken },
    });
    expect(output).toMatch(/broken\.yaml:5:\d+: spec: must be a mapping/);
    expect(code).toBe(1);
  });

  it('a program that is not there, and ends the sidecar again', async () => {
    await using run = await startCommand(['run', '-a', 'typo', '--', 'no-such-program']);
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain('cannot start "no-such-program": no such program');
    await run.gone();
  });
});
