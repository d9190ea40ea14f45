/** `troupe run` with the official daprd in place of Troupe's sidecar, found as Dapr's command line finds it. */
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startCommand, troupe } from '../../runtime/cli/run/run.fixture.ts';
import { INSTALLED } from '../servers/process.ts';

const DAPRD = join(INSTALLED, 'bin/daprd');

it('runs the daprd of a runtime path, lists it, and leaves nothing behind', async () => {
  expect(existsSync(DAPRD), 'daprd is not installed; run: npm run servers').toBe(true);
  const args = ['--app-id', 'official', '--placement-host-address', '', '--scheduler-host-address'];
  const app =
    'curl -s 127.0.0.1:$DAPR_HTTP_PORT/v1.0/metadata; echo; trap "exit 0" TERM; while :; do sleep 0.1; done';
  await using run = await startCommand(
    ['run', '--runtime-path', '.', ...args, '', '--', 'sh', '-c', app],
    {
      async prepare(folder) {
        await mkdir(join(folder, '.dapr/bin'), { recursive: true });
        await symlink(DAPRD, join(folder, '.dapr/bin/daprd'));
      },
    },
  );
  await run.said('== APP == {"id":"official"');
  expect(run.output()).toMatch(/Component loaded: statestore \(state\.in-memory\/v1\)/);
  await expect
    .poll(async () => (await troupe(['list'])).output, { timeout: 20_000 })
    .toMatch(/^official .* sh -c curl/m);
  run.signal('SIGINT');
  expect(await run.exited).toBe(0);
  await run.gone();
});
