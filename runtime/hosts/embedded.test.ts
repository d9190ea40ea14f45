import { describe, expect, it } from 'vitest';
import { Actor } from '../actor/index.ts';
import { component } from '../config/component.ts';
import { createEmbedded } from './embedded.ts';
import type { SystemOptions } from './system.ts';

class Counter extends Actor {
  static readonly type = 'Counter';
  readonly #count = this.state('count', { initial: () => 0 });
  async add(by: number): Promise<number> {
    const count = (await this.#count.get()) + by;
    this.#count.set(count);
    return count;
  }
  async remind(): Promise<void> {
    await this.ctx.reminders.set('r', { due: 5 });
  }
  override async onReminder(): Promise<void> {
    await this.add(100);
  }
}

class Twin extends Actor {
  static readonly type = 'Counter';
}
class Nameless extends Actor {}
class WrongOption extends Actor {
  static readonly type = 'W';
  static readonly options = { idleTimout: '1m' };
}
class WrongReadOnly extends Actor {
  static readonly type = 'W';
  static readonly options = { readOnly: ['look'] };
}
class WrongIdle extends Actor {
  static readonly type = 'W';
  static readonly options = { idleTimeout: 'long' };
}
class Barred extends Actor {
  static readonly type = 'a||b';
}
class NoActor {
  static readonly type = 'N';
}

const stateless = [component('statestore', 'state.in-memory')];

describe('a system that cannot be right is refused before anything runs', () => {
  it.each<[string, unknown, RegExp]>([
    ['two classes of one type', { actors: [Counter, Twin] }, /two actor classes.*"Counter"/],
    ['a class without a type', { actors: [Nameless] }, /Nameless.*static readonly type/],
    ['a type with bars', { actors: [Barred] }, /"a\|\|b"/],
    ['an unknown option', { actors: [WrongOption] }, /"idleTimout"; known: idleTimeout/],
    ['a read-only method that is not there', { actors: [WrongReadOnly] }, /"look"/],
    ['an idle time that is none', { actors: [WrongIdle] }, /idleTimeout of .*WrongIdle.*"long"/],
    ['a class that is no actor', { actors: [NoActor] }, /NoActor does not extend Actor/],
    ['no store marked for actors', { actors: [Counter], components: stateless }, /actorStateStore/],
    [
      'a default timeout that is none',
      { actors: [], defaultTimeout: 'soon' },
      /defaultTimeout "soon"/,
    ],
    ['an app id with bars', { actors: [], appId: 'a||b' }, /app id/],
  ])('%s', async (_what, options, message) => {
    const opened = createEmbedded(options as SystemOptions);
    await expect(opened).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(opened).rejects.toThrow(message);
  });
});

it('runs by the real clock: a reminder fires by itself', async () => {
  await using system = await createEmbedded({ actors: [Counter] });
  const counter = system.ref(Counter, 'c');
  expect(await counter.add(1)).toBe(1);
  await counter.remind();
  await expect.poll(() => counter.add(0)).toBe(101);
  expect(system.stats()).toMatchObject({ remindersFired: 1, activeActors: 1, pendingOutbox: 0 });
});

it('closes once, however often it is asked to, and refuses calls from then on', async () => {
  const system = await createEmbedded({ actors: [Counter] });
  await system.ref(Counter, 'c').add(1);
  await Promise.all([system.close(), system.close()]);
  await system[Symbol.asyncDispose]();
  await expect(system.ref(Counter, 'c').add(1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
