import { describe, expect, it } from 'vitest';
import type { FailurePolicy, ReminderRecord } from './ports.ts';
import { afterFailure, planReminder } from './reminders.ts';

const planned = (failurePolicy?: FailurePolicy): ReminderRecord =>
  planReminder('r', { due: 1000, period: '10s', failurePolicy }, 0);

describe('a reminder that fails', () => {
  it('is tried again with growing pauses when it says nothing of failures', () => {
    const once = afterFailure(planned(), 2000)!;
    expect(once).toMatchObject({ due: 1000, failures: 1, retryAt: 3000 });
    expect(afterFailure(once, 3000)).toMatchObject({ due: 1000, failures: 2, retryAt: 5000 });
  });

  it('waits for its next time when failures are to be dropped', () => {
    const next = afterFailure(planned({ kind: 'drop' }), 2000)!;
    expect(next).toMatchObject({ due: 11_000, failures: 0 });
    expect(next.retryAt).toBeUndefined();
  });

  it('ends by a failure when it had no other time', () => {
    const record = planReminder('r', { due: 1000, failurePolicy: { kind: 'drop' } }, 0);
    expect(afterFailure(record, 2000)).toBeNull();
  });

  it('is tried as often as it says, at equal pauses', () => {
    const policy = { kind: 'constant', intervalMs: 250, maxRetries: 2 } as const;
    let record = afterFailure(planned(policy), 2000)!;
    expect(record).toMatchObject({ failures: 1, retryAt: 2250 });
    record = afterFailure(record, 2250)!;
    expect(record).toMatchObject({ failures: 2, retryAt: 2500 });
    expect(afterFailure(record, 2500)).toMatchObject({ due: 11_000, failures: 0 });
  });
});
