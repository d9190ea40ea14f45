import { describe, expect, it, vi } from 'vitest';
import { driver } from '../../components/state/drivers/memory.ts';
import { testOptions } from '../../components/test-clock.ts';
import { createJobStore } from './job-store.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { JobScheduler, type JobDelivery } from '../core/job-scheduler.ts';
import type { JobSpec } from '../core/jobs.ts';

const START = Date.UTC(2026, 0, 1);
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    let rounds = 0;
    const again = (): void => void (++rounds < 20 ? setImmediate(again) : resolve());
    again();
  });

async function open() {
  const { clock, handle } = createVirtualClock(START, settled);
  const state = await driver.create(
    { ...testOptions('state.in-memory', {}), now: () => clock.now() },
    { signal: new AbortController().signal },
  );
  const logger = { debug() {}, info() {}, warn() {}, error: vi.fn() };
  const store = createJobStore({ store: state, appId: 'shop' });
  const fired: string[] = [];
  let answer: (attempt: number) => unknown = () => undefined;
  const deliver: JobDelivery = async ({ name }) => {
    fired.push(`${name} ${(clock.now() - START) / 1000}`);
    await answer(fired.length);
  };
  return {
    clock: handle,
    scheduler: new JobScheduler({ store, clock, logger }),
    /** As after a crash: the same rows, nothing else. */
    another: () => new JobScheduler({ store, clock, logger }),
    store,
    fired,
    deliver,
    answers: (given: typeof answer) => (answer = given),
    add: (scheduler: JobScheduler, name: string, spec: JobSpec, overwrite = false) =>
      scheduler.schedule(name, spec, { overwrite }),
  };
}

describe('a job', () => {
  it('fires at its due time, not before, and is gone then', async () => {
    const { clock, scheduler, fired, deliver, add } = await open();
    scheduler.start(deliver);
    await add(scheduler, 'once', { dueTime: '10s' });
    await clock.advance('9999ms');
    expect(fired).toEqual([]);
    expect((await scheduler.get('once'))?.record.spec.dueTime).toBe('10s');
    await clock.advance('1ms');
    expect(fired).toEqual(['once 10']);
    expect(await scheduler.get('once')).toBeUndefined();
  });

  it('begins its schedule at the due time, and ends with repeats or ttl', async () => {
    const { clock, scheduler, fired, deliver, add } = await open();
    scheduler.start(deliver);
    await add(scheduler, 'a', { schedule: '@every 2s', repeats: 2 });
    await add(scheduler, 'b', { schedule: '@every 2s', dueTime: '1s', ttl: '4s' });
    await clock.advance('20s');
    expect(fired).toEqual(['b 1', 'a 2', 'b 3', 'a 4', 'b 5']);
    expect(await scheduler.list()).toEqual([]);
  });

  it('by cron fires at each of its times', async () => {
    const { clock, scheduler, fired, deliver, add } = await open();
    scheduler.start(deliver);
    await add(scheduler, 'nightly', { schedule: '0 30 1 * * *' });
    await clock.advance('3d');
    expect(fired).toEqual([1, 25, 49].map((hour) => `nightly ${hour * 3600 + 1800}`));
  });

  it('fires the ticks that were missed while nobody took them, one after another', async () => {
    const { clock, scheduler, fired, deliver, add } = await open();
    await add(scheduler, 'a', { schedule: '@every 10s' });
    await clock.advance('35s');
    expect(fired).toEqual([]);
    const stop = scheduler.start(deliver);
    await clock.advance('1s');
    expect(fired).toEqual(['a 35', 'a 35', 'a 35']);
    await stop();
    await clock.advance('60s');
    expect(fired).toHaveLength(3);
  });

  it('survives the end of its host, with the ticks it has had', async () => {
    const { clock, scheduler, another, fired, deliver, add } = await open();
    const stop = scheduler.start(deliver);
    await add(scheduler, 'a', { schedule: '@every 10s', repeats: 3 });
    await clock.advance('10s');
    await stop();
    another().start(deliver);
    await clock.advance('60s');
    expect(fired).toEqual(['a 10', 'a 20', 'a 30']);
  });

  it('whose host ends while the app works is delivered again', async () => {
    const { clock, scheduler, another, fired, deliver, add, answers } = await open();
    const working = Promise.withResolvers<void>();
    answers(() => working.promise);
    const stop = scheduler.start(deliver);
    await add(scheduler, 'a', { dueTime: '1s' });
    await clock.advance('1s');
    const stopped = stop();
    working.reject(new Error('the host ends'));
    await stopped;
    answers(() => undefined);
    another().start(deliver);
    await clock.advance('1s');
    expect(fired).toEqual(['a 1', 'a 1']);
    expect(await another().get('a')).toBeUndefined();
  });
});

describe('a job that the app fails', () => {
  const refuse = (): never => {
    throw new Error('refused');
  };

  it('is tried three times more, a second apart, and then its schedule goes on', async () => {
    const { clock, scheduler, fired, deliver, add, answers } = await open();
    answers(refuse);
    scheduler.start(deliver);
    await add(scheduler, 'a', { schedule: '@every 10s' });
    await clock.advance('20s');
    expect(fired).toEqual(['a 10', 'a 11', 'a 12', 'a 13', 'a 20']);
  });

  it('is dropped, or tried without end, as its policy says', async () => {
    const { clock, scheduler, fired, deliver, add, answers } = await open();
    answers(refuse);
    scheduler.start(deliver);
    await add(scheduler, 'drop', { dueTime: '1s', failurePolicy: { kind: 'drop' } });
    await add(scheduler, 'keep', {
      dueTime: '1s',
      failurePolicy: { kind: 'constant', intervalMs: 30_000 },
    });
    await clock.advance('2m');
    expect(fired).toEqual(['drop 1', 'keep 1', 'keep 31', 'keep 61', 'keep 91']);
    answers(() => undefined);
    await clock.advance('1m');
    expect(fired.slice(5)).toEqual(['keep 121']);
    expect(await scheduler.list()).toEqual([]);
  });

  it('has forgotten its failures at the next tick', async () => {
    const { clock, scheduler, fired, deliver, add, answers } = await open();
    answers((attempt) => (attempt === 2 ? undefined : refuse()));
    scheduler.start(deliver);
    const failurePolicy = { kind: 'constant', intervalMs: 1000, maxRetries: 1 } as const;
    await add(scheduler, 'a', { schedule: '@every 10s', failurePolicy });
    await clock.advance('25s');
    expect(fired).toEqual(['a 10', 'a 11', 'a 20', 'a 21']);
  });
});

describe('jobs by name', () => {
  it('exist once, unless they are overwritten', async () => {
    const { clock, scheduler, fired, deliver, add } = await open();
    scheduler.start(deliver);
    await add(scheduler, 'a', { dueTime: '1s' });
    await expect(add(scheduler, 'a', { dueTime: '5s' })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: "job already exists: 'a'",
    });
    await add(scheduler, 'a', { dueTime: '5s' }, true);
    await clock.advance('10s');
    expect(fired).toEqual(['a 5']);
  });

  it('that are overwritten while the app works go on as the new ones say', async () => {
    const { clock, scheduler, fired, deliver, add, answers } = await open();
    const working = Promise.withResolvers<void>();
    answers((attempt) => (attempt === 1 ? working.promise : undefined));
    scheduler.start(deliver);
    await add(scheduler, 'a', { schedule: '@every 1s' });
    await clock.advance('1s');
    await add(scheduler, 'a', { schedule: '@every 10s', repeats: 1 }, true);
    working.resolve();
    await clock.advance('30s');
    expect(fired).toEqual(['a 1', 'a 11']);
  });

  it('are listed and deleted, alone or by prefix', async () => {
    const { clock, scheduler, fired, deliver, add } = await open();
    scheduler.start(deliver);
    for (const name of ['b-1', 'a-2', 'a-1', 'a||x@y', 'a']) {
      await add(scheduler, name, { dueTime: '1h' });
    }
    const names = async (): Promise<string[]> => (await scheduler.list()).map(({ name }) => name);
    expect(await names()).toEqual(['a', 'a-1', 'a-2', 'a||x@y', 'b-1']);
    await scheduler.deleteByPrefix('a-');
    await scheduler.delete('a||x@y');
    await scheduler.delete('never there');
    expect(await names()).toEqual(['a', 'b-1']);
    await scheduler.deleteByPrefix('');
    await clock.advance('2h');
    expect(fired).toEqual([]);
  });

  it('fire all, however many are due at once', async () => {
    const { clock, scheduler, fired, deliver, add } = await open();
    const names = Array.from({ length: 1500 }, (_, i) => `job-${i}`);
    for (const name of names) await add(scheduler, name, { dueTime: '1s' });
    scheduler.start(deliver);
    await clock.advance('2s');
    await vi.waitFor(() => expect(fired).toHaveLength(1500));
    expect(new Set(fired).size).toBe(1500);
  });

  it.each([
    [{}, /either a due time or a schedule/],
    [{ dueTime: '1s', repeats: 2 }, /must have a schedule to repeat/],
    [{ schedule: '@daily', repeats: 0 }, /repeats must be greater than 0/],
    [{ dueTime: '1s', ttl: '1s' }, /must have a schedule to have a ttl/],
    [{ schedule: '@daily', dueTime: '2026-01-02T00:00:00Z', ttl: '2026-01-01T00:00:00Z' }, /ttl/],
    [{ schedule: 'daily' }, /6 fields/],
    [{ dueTime: 'soon' }, /due time "soon"/],
    [{ dueTime: '' }, /due time/],
  ])('are refused as %j', async (spec, why) => {
    const { scheduler, add } = await open();
    await expect(add(scheduler, 'a', spec)).rejects.toThrow(why);
    expect(await scheduler.list()).toEqual([]);
  });

  it.each([
    'bad/name',
    'bad\\name',
    'bad#name',
    'bad?name',
    'bad\0name',
    'bad\nname',
    'a'.repeat(600),
  ])('may not be %j', async (name) => {
    const { scheduler, add } = await open();
    await expect(add(scheduler, name, { dueTime: '1s' })).rejects.toThrow(/job name is invalid/);
  });
});
