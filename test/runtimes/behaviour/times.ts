/** Behaviours in time: reminders, timers, and leaving memory. */
import { expect } from 'vitest';
import type { Sleeper, Waker } from './actors.ts';
import type { Behaviour } from './behaviour.ts';
import { waitFor } from './stage.ts';

const count = (log: readonly string[], line: string): number =>
  log.filter((one) => one === line).length;

export const TIMES: readonly Behaviour[] = [
  {
    topic: 'reminders',
    says: 'one fires with its data, not before its time, once',
    async shows({ ref, services, id }) {
      const waker = ref<Waker>('Waker', id);
      const data = { sku: '85123A', n: [1, null] };
      await waker.remind({ name: 'kept', due: '1h', data });
      expect(await waker.reminder('kept')).toEqual({ name: 'kept', data });
      const from = Date.now();
      await waker.remind({ name: 'once', due: '1s', data });
      const line = `${id} once ${JSON.stringify(data)}`;
      await waitFor(() => services.log.includes(line), 'it fires');
      expect(Date.now() - from).toBeGreaterThanOrEqual(999);
      await waitFor(async () => (await waker.reminder('once')) === undefined, 'it is over');
      expect(await waker.fired()).toEqual({ once: 1 });
    },
  },
  {
    topic: 'reminders',
    says: 'a period with a number of repetitions fires so often; one that was deleted does not',
    async shows({ ref, id }) {
      const waker = ref<Waker>('Waker', id);
      await waker.remind({ name: 'gone', due: '3s' });
      await waker.remind({ name: 'twice', due: '0s', period: 'R2/PT1S' });
      await waker.unremind('gone');
      await waitFor(async () => (await waker.fired())['twice'] === 2, 'it fires twice');
      await waitFor(async () => (await waker.reminder('twice')) === undefined, 'it is over');
      await waker.remind({ name: 'last', due: '3s' });
      await waitFor(async () => (await waker.fired())['last'] === 1, 'a later one fires');
      expect(await waker.fired()).toEqual({ twice: 2, last: 1 });
    },
  },
  {
    topic: 'reminders',
    says: 'a firing whose handler fails comes again, and what it changed is undone',
    async shows({ ref, services, id }) {
      const waker = ref<Waker>('Waker', id);
      await waker.remind({ name: 'failing', due: '0s' });
      await waitFor(async () => (await waker.fired())['failing'] === 1, 'it went well');
      expect(count(services.log, `${id} fails`)).toBe(1);
    },
  },
  {
    topic: 'timers',
    says: 'one calls a method with its data, once or by its period, until it is deleted',
    async shows({ ref, id }) {
      const waker = ref<Waker>('Waker', id);
      await waker.time({ name: 'once', due: '50ms', data: { name: 'once' } });
      await waker.time({ name: 'often', due: '0s', period: '50ms', data: { name: 'often' } });
      await waitFor(async () => ((await waker.fired())['often'] ?? 0) >= 3, 'it fires again');
      await waker.untime('often');
      const { often } = await waker.fired();
      await waker.time({ name: 'last', due: '300ms', data: { name: 'last' } });
      await waitFor(async () => (await waker.fired())['last'] === 1, 'a later one fires');
      const fired = await waker.fired();
      expect(fired).toMatchObject({ once: 1, last: 1 });
      // A firing that was on its way when the timer was deleted may still come.
      expect(fired['often']! - often!).toBeLessThanOrEqual(1);
    },
  },
  {
    topic: 'passivation',
    says: 'an idle actor leaves memory after onDeactivate, and comes back with its state',
    async shows({ ref, services, id }) {
      const sleeper = ref<Sleeper>('Sleeper', id);
      expect(await sleeper.visit()).toEqual({ stored: 1, inMemory: 1 });
      await waitFor(() => services.log.includes(`${id} sleeps`), 'it was idle for long enough');
      expect(await sleeper.visit()).toEqual({ stored: 2, inMemory: 1 });
      expect(count(services.log, `${id} wakes`)).toBe(2);
    },
  },
];
