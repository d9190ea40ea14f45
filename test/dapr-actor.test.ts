/** What a class of Dapr's JavaScript SDK gains on Troupe: clean turns, typed errors, a clock of the test's. */
import { AbstractActor } from '@dapr/dapr';
import { expect, it } from 'vitest';
import { ActorError, daprActor } from '../runtime/actor/index.ts';
import { createTestHost } from '../runtime/testing/index.ts';
import { CounterActor, ReminderActor, TimerActor } from './compat/sdk-actors.ts';

const actors = [CounterActor, ReminderActor, TimerActor].map((one) => daprActor(one));

it('a method that throws leaves no dirty state behind', async () => {
  await using host = await createTestHost({ actors });
  const counter = host.ref<CounterActor>('CounterActor', 'a');
  expect(await counter.add(1)).toBe(1);
  await expect(counter.addAndFail(1000)).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await counter.count()).toBe(1);
});

it('a typed error keeps its identity, and the turn is undone although the instance stays', async () => {
  class Shelf extends CounterActor {
    async take(): Promise<never> {
      await this.add(1000);
      throw new ActorError('SOLD_OUT', 'none left', { details: { left: 0 } });
    }
  }
  await using host = await createTestHost({ actors: [daprActor(Shelf, { type: 'Shelf' })] });
  const shelf = host.ref<Shelf>('Shelf', 's');
  await expect(shelf.take()).rejects.toMatchObject({ code: 'SOLD_OUT', details: { left: 0 } });
  expect(await shelf.count()).toBe(0);
});

it('arguments in an array are spread, and state survives a crash', async () => {
  await using host = await createTestHost({ actors });
  const counter = host.ref<{ addBoth(both: number[]): Promise<number> }>('CounterActor', 'b');
  expect(await counter.addBoth([40, 2])).toBe(42);
  await host.restart();
  expect(await counter.addBoth([1, 0])).toBe(43);
});

it('reminders and timers follow the clock of the test', async () => {
  await using host = await createTestHost({ actors });
  const reminder = host.ref<ReminderActor>('ReminderActor', 'r');
  const timer = host.ref<TimerActor>('TimerActor', 't');
  await reminder.arm(3600);
  await timer.arm(5);
  await host.clock.advance('1s');
  expect(await timer.ticks()).toEqual([25, 1]);
  expect(await reminder.woken()).toBe(10);
  await timer.disarm();
  await host.clock.advance('3h');
  expect(await reminder.woken()).toBe(40);
  await reminder.disarm();
  await host.clock.advance('1d');
  expect(await reminder.woken()).toBe(40);
});

it('what is no actor of the SDK is refused, and so is a client that nobody gave', async () => {
  expect(() => daprActor(class Plain {})).toThrow(/AbstractActor/);
  class Publisher extends AbstractActor {
    async tell(): Promise<void> {
      await this.getDaprClient().pubsub.publish('pubsub', 'news', {});
    }
  }
  await using host = await createTestHost({ actors: [daprActor(Publisher)] });
  const publisher = host.ref<Publisher>('Publisher', 'p');
  await expect(publisher.tell()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});
