/** A pool's order, deadlines, memory and threads, with tasks that misbehave. */
import { describe, expect, it } from 'vitest';
import type { OddTasks } from './odd-tasks.fixture.ts';
import { createPool, type PoolOptions } from './pool.ts';

const module = new URL('./odd-tasks.fixture.ts', import.meta.url);
const open = (options: Partial<PoolOptions> = {}) =>
  createPool<OddTasks>({ workers: 1, name: 'odd', module, ...options });

/** A call that holds its thread until it is released. */
async function hold(pool: ReturnType<typeof open>) {
  const finish = new AbortController();
  const started = Promise.withResolvers<void>();
  const call = pool.run('wait', null, {
    finish: finish.signal,
    onProgress: () => started.resolve(),
  });
  await started.promise;
  return { release: () => finish.abort(), call };
}

describe('the queue of a pool', () => {
  it('takes the lowest priority first and keeps the order within one', async () => {
    await using pool = open();
    const held = await hold(pool);
    const order: unknown[] = [];
    const calls = [
      { value: 'late', priority: 5 },
      { value: 'first', priority: -1 },
      { value: 'second' },
      { value: 'third' },
    ].map(async ({ value, ...options }) => {
      order.push(await pool.run('echo', { value }, options));
    });
    held.release();
    await Promise.all(calls);
    expect(order).toEqual(['first', 'second', 'third', 'late']);
  });

  it('never starts a call whose deadline passed while it waited', async () => {
    await using pool = open();
    const held = await hold(pool);
    const memory = new SharedArrayBuffer(4);
    const late = pool.run('increment', memory, { deadline: Date.now() + 5 });
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
    held.release();
    await held.call;
    await pool.run('echo', { value: 1 });
    expect(new Int32Array(memory)[0]).toBe(0);
    expect(pool.metrics()).toMatchObject({ expired: 1, completed: 2, queued: 0 });
  });

  it('refuses a deadline that is over already', async () => {
    await using pool = open();
    const over = pool.run('echo', { value: 1 }, { deadline: Date.now() - 1 });
    await expect(over).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('stops a running call at its deadline, and its thread takes the next one', async () => {
    await using pool = open();
    await pool.ready();
    const call = pool.run('wait', null, { deadline: Date.now() + 20 });
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(await pool.run('echo', { value: 2 })).toBe(2);
  });

  it('says when to come back to a full queue', async () => {
    await using pool = open({ queue: 1 });
    const held = await hold(pool);
    const waits = pool.run('echo', { value: 1 });
    await expect(pool.run('echo', { value: 2 })).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
      message: expect.stringContaining('pool odd'),
      details: { retryAfterMs: expect.any(Number) },
    });
    held.release();
    expect(await waits).toBe(1);
    expect(pool.metrics()).toMatchObject({ refused: 1 });
  });
});

describe('the threads of a pool', () => {
  it('are warm before they are ready', async () => {
    await using pool = open({ workers: 2, setup: 'warmed' });
    await pool.ready();
    const held = await hold(pool);
    const seen = await pool.run('thread', undefined);
    expect(seen.warmth).toBe('warmed');
    held.release();
    await held.call;
  });

  it('say why they cannot warm, to ready and to every call', async () => {
    await using pool = open({ setup: 'broken' });
    const why = { code: 'UNAVAILABLE', message: expect.stringContaining('cannot warm') };
    await expect(pool.ready()).rejects.toMatchObject(why);
    await expect(pool.run('echo', { value: 1 })).rejects.toMatchObject(why);
    await expect(pool.run('echo', { value: 2 })).rejects.toMatchObject(why);
  });

  it.each(['throw', 'exit'] as const)(
    'are replaced, warm, when a task ends its thread by %s',
    async (how) => {
      await using pool = open({ setup: 'warmed' });
      const before = await pool.run('thread', undefined);
      const dying = pool.run('die', how);
      const waiting = pool.run('thread', undefined);
      await expect(dying).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('a worker thread of the pool odd ended'),
      });
      const after = await waiting;
      expect(after.thread).not.toBe(before.thread);
      expect(after.warmth).toBe('warmed');
      expect(pool.metrics()).toMatchObject({ deaths: 1, failed: 1 });
    },
  );

  it('refuse an input that cannot be cloned without ending', async () => {
    await using pool = open();
    const bad = pool.run('echo', { value: () => 1 });
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await pool.run('echo', { value: 1 })).toBe(1);
    expect(pool.metrics()).toMatchObject({ deaths: 0 });
  });

  it('name the tasks there are when one is not known', async () => {
    await using pool = open();
    await expect(pool.run('wiat' as 'wait', null)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('has no task "wiat"; it has echo, wait'),
    });
  });
});

describe('the memory of a call', () => {
  it('moves there and back when it is transferred', async () => {
    await using pool = open();
    const buffer = new ArrayBuffer(1024);
    const filled = await pool.run('fill', buffer, { transfer: [buffer] });
    expect(buffer.byteLength).toBe(0);
    expect(new Uint8Array(filled)[1023]).toBe(7);
  });

  it('is shared when it is shared memory', async () => {
    await using pool = open({ workers: 2 });
    const memory = new SharedArrayBuffer(4);
    await Promise.all(Array.from({ length: 20 }, () => pool.run('increment', memory)));
    expect(new Int32Array(memory)[0]).toBe(20);
  });
});

describe('the metrics of a pool', () => {
  it('tell how long calls waited and ran, and how busy the threads are', async () => {
    await using pool = open();
    await pool.ready();
    await Promise.all([1, 2].map((value) => pool.run('echo', { value, ms: 30 })));
    const { wait, run, utilisation, completed } = pool.metrics();
    expect(completed).toBe(2);
    expect(run.p50).toBeGreaterThanOrEqual(25);
    // The second waited for the first.
    expect(wait.max).toBeGreaterThanOrEqual(25);
    expect(utilisation).toBeGreaterThan(0);
    expect(utilisation).toBeLessThanOrEqual(1);
  });
});
