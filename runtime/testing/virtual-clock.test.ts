import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createVirtualClock } from './virtual-clock.ts';

it('fires what is due in order of time, then of setting, each at its moment, and lets each come to rest', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 20 }), fc.nat(60), async (delays, by) => {
      const events: string[] = [];
      const { clock, handle } = createVirtualClock(1000, async () => void events.push('rest'));
      delays.forEach((delay, i) =>
        clock.timer(1000 + delay, () => events.push(`${i} at ${clock.now() - 1000}`)),
      );
      await handle.advance(by);
      const due = delays.map((delay, i) => ({ delay, i })).filter(({ delay }) => delay <= by);
      due.sort((a, b) => a.delay - b.delay || a.i - b.i);
      expect(events).toEqual([
        'rest',
        ...due.flatMap(({ delay, i }) => [`${i} at ${delay}`, 'rest']),
      ]);
      expect(handle.now()).toBe(1000 + by);
    }),
  );
});

it('fires what is set on the way, and not what is cancelled on the way', async () => {
  const { clock, handle } = createVirtualClock(0, async () => {});
  const fired: number[] = [];
  const cancelled = clock.timer(30, () => fired.push(-1));
  clock.timer(10, () => {
    cancelled.cancel();
    clock.timer(clock.now() + 10, () => fired.push(clock.now()));
    clock.timer(5, () => fired.push(clock.now()));
  });
  await handle.advance(100);
  expect(fired).toEqual([10, 20]);
});

it('can be moved without waiting for rest', () => {
  const { clock, expire } = createVirtualClock(0, () => new Promise(() => {}));
  const fired: number[] = [];
  for (const at of [20, 10, 99]) clock.timer(at, () => fired.push(at));
  expire(50);
  expect(fired).toEqual([10, 20]);
  expect(clock.now()).toBe(50);
});
