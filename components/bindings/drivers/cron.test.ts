import { describe, expect, it } from 'vitest';
import { createTestClock, testOptions, type TestClock } from '../../test-clock.ts';
import { bindingConformance } from '../conformance/suite.ts';
import type { Binding, BindingEvent } from '../contract.ts';
import { driver } from './cron.ts';

const clocks = new WeakMap<Binding, TestClock>();

async function create(schedule = '@every 10s'): Promise<Binding> {
  const clock = createTestClock();
  const binding = await driver.create(testOptions('bindings.cron', { schedule }, clock), {
    signal: new AbortController().signal,
  });
  clocks.set(binding, clock);
  return binding;
}

bindingConformance({
  name: 'bindings.cron',
  create: () => create(),
  features: ['INPUT_BINDING'],
  trigger: async (binding) => clocks.get(binding)!.advance(10_000),
});

describe('bindings.cron', () => {
  it.each([
    ['@every 1m', 3],
    ['*/30 * * * * *', 6],
    ['*/3 * * * *', 1],
    ['CRON_TZ=UTC 1 12 * * *', 1],
    ['@hourly', 0],
  ])('%s comes %i times in the three minutes after noon', async (schedule, times) => {
    await using binding = await create(schedule);
    const events: BindingEvent[] = [];
    await binding.read(async (event) => {
      events.push(event);
      return undefined;
    });
    clocks.get(binding)!.advance(180_000);
    expect(events).toHaveLength(times);
  });

  it('says when, and carries no data', async () => {
    await using binding = await create('@every 90s');
    const events: BindingEvent[] = [];
    await binding.read(async (event) => {
      events.push(event);
      return undefined;
    });
    clocks.get(binding)!.advance(90_000);
    expect(events).toEqual([
      {
        data: new Uint8Array(),
        metadata: { timeZone: 'Local', readTimeUTC: '2026-03-01 12:01:30.000 +0000 UTC' },
      },
    ]);
  });

  it.each(['', 'soon', '* * *', '@every 0s'])('refuses the schedule %j', async (schedule) => {
    await expect(create(schedule)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('metadata field "schedule"') as string,
    });
  });
});
