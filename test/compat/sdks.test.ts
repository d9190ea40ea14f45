/** The official SDKs as clients and as apps of `troupe sidecar`: every scenario works, or is known to be lacking in the SDK. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pythonWith } from '../../bench/harness/python.ts';
import { PROGRAMS, SCENARIOS, type Program } from './sdks/scenarios.ts';
import { runProgram } from './sdks/harness.ts';

const folder = join(import.meta.dirname, 'sdks');

/** How each is started; what it needs is installed first. */
const COMMANDS: Readonly<Record<Program, () => Promise<string[]>>> = {
  'javascript-http': async () => [process.execPath, join(folder, 'javascript/main.ts'), 'http'],
  python: async () => [
    await pythonWith(join(folder, 'python/requirements.txt')),
    join(folder, 'python/main.py'),
  ],
  'javascript-grpc': async () => [process.execPath, join(folder, 'javascript/main.ts'), 'grpc'],
};

describe.each(Object.keys(PROGRAMS) as Program[])('%s', (name) => {
  it('does every scenario that it can', async () => {
    const { outcomes, log } = await runProgram(name, await COMMANDS[name]());
    if (outcomes.length < SCENARIOS.length) throw new Error(log);
    const found = outcomes.map(({ scenario, ok, error }) => [scenario, ok ? 'works' : error]);
    const wanted = SCENARIOS.map(({ name: scenario, lacking = {} }) => [
      scenario,
      name in lacking ? expect.not.stringMatching(/^works$/) : 'works',
    ]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
  });
});
