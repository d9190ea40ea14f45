/** The official SDKs as clients and as apps of `troupe sidecar`: every scenario works, or is known to be lacking in the SDK. */
import { describe, expect, it } from 'vitest';
import { runProgram } from './sdks/harness.ts';
import { COMMANDS } from './sdks/programs.ts';
import { PROGRAMS, SCENARIOS, type Program } from './sdks/scenarios.ts';

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
