import { describe, expect, it } from 'vitest';
import { TroupeError } from '../../runtime/core/errors.ts';
import {
  Actor,
  ActorError,
  type Firing,
  type ReminderOptions,
  type TimerOptions,
} from '../../runtime/actor/index.ts';
import { codeOf, createStage, type Stage } from './stage.ts';
import { guarantee, type Running } from './table.ts';

interface Fired {
  name: string;
  at: number;
  due: number;
  data: unknown;
}

class Alarm extends Actor<Stage> {
  static readonly type = 'Alarm';
  readonly #fired = this.state('fired', { initial: (): Fired[] => [] });
  readonly #trouble = this.state('trouble', { initial: () => 0 });

  async remind({ name, ...options }: ReminderOptions & { name: string }): Promise<void> {
    await this.ctx.reminders.set(name, options);
  }
  async forget(name: string): Promise<void> {
    await this.ctx.reminders.delete(name);
  }
  async reminder(name: string): Promise<unknown> {
    return this.ctx.reminders.get(name);
  }
  async time({ name, ...options }: TimerOptions & { name: string }): Promise<void> {
    this.ctx.timers.set(name, options);
  }
  /** So many firings will fail. */
  async trouble(times: number): Promise<void> {
    this.#trouble.set(times);
  }
  async fired(): Promise<Fired[]> {
    return this.#fired.get();
  }
  async leave(): Promise<void> {
    this.ctx.delete();
  }

  override async onReminder(firing: Firing): Promise<void> {
    const { log } = this.ctx.services;
    log.push(`${firing.name} at ${this.ctx.now()}`);
    if (firing.name === 'refuse' && log.length <= (await this.#trouble.get()))
      throw new ActorError('REFUSED', 'not now');
    if (firing.name === 'bug' && log.length <= (await this.#trouble.get()))
      throw new TypeError('a bug');
    if (firing.name === 'unstorable' && log.length <= (await this.#trouble.get()))
      this.#trouble.set(new Map() as never);
    if (firing.name === 'again' && (await this.#fired.get()).length < 3)
      await this.ctx.reminders.set('again', { due: '5s' });
    if (firing.name === 'at once' && (await this.#fired.get()).length < 3)
      await this.ctx.reminders.set('at once', {});
    await this.#note(firing);
  }

  async #note({ name, data, due }: Firing): Promise<void> {
    (await this.#fired.get()).push({ name, at: this.ctx.now(), due, data });
  }
}

/** Has reminders but nothing that takes them. */
class Deaf extends Actor {
  static readonly type = 'Deaf';
  async remind(): Promise<void> {
    await this.ctx.reminders.set('r', { due: '1s' });
  }
}

class Stubborn extends Actor<Stage> {
  static readonly type = 'Stubborn';
  async remind(): Promise<void> {
    await this.ctx.reminders.set('r', { due: '1s' });
  }
  override onActivate(): void {
    const { log } = this.ctx.services;
    log.push('activate');
    if (log.length > 1 && log.length < 5) throw new TypeError('cannot start');
  }
  override onReminder(): void {
    this.ctx.services.log.push('fired');
  }
}

const actors = [Alarm, Deaf, Stubborn];
const alarm = (host: Running) => host.ref<Alarm>('Alarm', 'a');

/** Seconds after `start` at which each firing happened. */
async function seconds(host: Running, start: number): Promise<number[]> {
  return (await alarm(host).fired()).map(({ at }) => (at - start) / 1000);
}

guarantee(5, 'reminders never early, at least once, over crashes', (open) => {
  it.each<[string, ReminderOptions, number[]]>([
    ['no time at all is now', {}, [0]],
    ['a duration of Go', { due: '1m30s' }, [90]],
    ['a duration of ISO 8601', { due: 'PT2M' }, [120]],
    ['milliseconds', { due: 1500 }, [1.5]],
    ['three firings in all', { due: '10s', period: 'R3/PT10S' }, [10, 20, 30]],
    ['a period until its ttl', { due: '10s', period: '20s', ttl: '50s' }, [10, 30, 50]],
    ['hours', { due: '1s', period: 'R3/PT1H' }, [1, 3601, 7201]],
    ['a time that is over', { due: new Date(0) }, [0]],
  ])('fires on time: %s', async (_what, options, expected) => {
    await using host = await open({ actors, services: createStage() });
    const start = host.clock.now();
    await alarm(host).remind({ name: 'r', ...options });
    await host.clock.advance('3h');
    expect(await seconds(host, start)).toEqual(expected);
    expect(await alarm(host).reminder('r'), 'and is gone after the last firing').toBe(undefined);
  });

  it('is not early by a millisecond', async () => {
    await using host = await open({ actors, services: createStage() });
    await alarm(host).remind({ name: 'r', due: '1h', data: { a: [1] } });
    await host.clock.advance(3_599_999);
    expect(await alarm(host).fired()).toEqual([]);
    await host.clock.advance(1);
    const now = host.clock.now();
    expect(await alarm(host).fired()).toEqual([{ name: 'r', at: now, due: now, data: { a: [1] } }]);
  });

  it('survives a crash; timers do not', async () => {
    await using host = await open({ actors, services: createStage() });
    await alarm(host).remind({ name: 'r', due: '1h' });
    await alarm(host).time({ name: 't', due: '1h' });
    await host.crash();
    await host.restart();
    await host.clock.advance('2h');
    expect((await alarm(host).fired()).map(({ name }) => name)).toEqual(['r']);
  });

  it('negative control: the check sees what does not survive, which a timer is', async () => {
    await using host = await open({ actors, services: createStage() });
    await alarm(host).time({ name: 't', due: '1h' });
    await host.clock.advance('30m');
    await host.restart();
    await host.clock.advance('2h');
    expect(await alarm(host).fired()).toEqual([]);
  });

  it('firings missed while no host ran are made up by one, and the grid stays', async () => {
    await using host = await open({ actors, services: createStage() });
    const start = host.clock.now();
    await alarm(host).remind({ name: 'r', due: '10s', period: '10s' });
    await host.clock.advance('25s');
    await host.crash();
    await host.clock.advance('40s');
    await host.restart();
    await host.settled();
    await host.clock.advance('16s');
    expect(await seconds(host, start)).toEqual([10, 20, 65, 70, 80]);
  });

  it('a long period is made up by one as well, when the host comes back on the dot', async () => {
    await using host = await open({ actors, services: createStage() });
    const start = host.clock.now();
    await alarm(host).remind({ name: 'r', due: '1h', period: '400h' });
    await host.clock.advance('2h');
    await host.crash();
    await host.clock.advance('799h');
    await host.restart();
    await host.clock.advance('1h');
    expect(await seconds(host, start)).toEqual([3600, 801 * 3600]);
  });

  it('a firing whose commit is lost in a crash comes again', async () => {
    let ending: Promise<void> | undefined;
    const tap = {
      before(keys: readonly string[]) {
        if (ending || !keys.some((key) => key.endsWith('||fired'))) return;
        ending = host.crash();
        throw new TroupeError('UNAVAILABLE', 'the host has crashed');
      },
    };
    await using host: Running = await open({ actors, services: createStage(), tap });
    await alarm(host).remind({ name: 'r', due: '10s' });
    await host.clock.advance('10s');
    await ending;
    expect(ending).toBeDefined();
    await host.restart();
    await host.settled();
    expect(await alarm(host).fired()).toHaveLength(1);
  });

  describe('a handler that fails', () => {
    it.each(['refuse', 'bug', 'unstorable'])(
      'is tried again with growing pauses and keeps its due time (%s)',
      async (name) => {
        const stage = createStage();
        await using host = await open({ actors, services: stage });
        const start = host.clock.now();
        await alarm(host).trouble(4);
        await alarm(host).remind({ name, due: '10s', period: '1h', data: 7 });
        await host.clock.advance('12s');
        expect(await alarm(host).reminder(name)).toMatchObject({ failures: 2, data: 7 });
        await host.clock.advance('1h');
        const at = stage.log.map((line) => (Number(line.split(' ').at(-1)) - start) / 1000);
        expect(at).toEqual([10, 11, 13, 17, 25, 3610]);
        expect((await alarm(host).fired()).map(({ due }) => (due - start) / 1000)).toEqual([
          10, 3610,
        ]);
        expect(host.system.stats()).toMatchObject({ reminderFailures: 4, remindersFired: 2 });
      },
    );

    it('pauses five minutes at most, and is kept over a crash', async () => {
      const stage = createStage();
      await using host = await open({ actors, services: stage });
      await alarm(host).trouble(1000);
      await alarm(host).remind({ name: 'refuse', due: '1s' });
      await host.clock.advance('1h');
      await host.restart();
      const before = stage.log.length;
      await host.clock.advance('1h');
      expect(stage.log.length - before).toBe(12);
      await alarm(host).trouble(0);
      await host.clock.advance('5m');
      expect(await alarm(host).fired()).toHaveLength(1);
      expect(await alarm(host).reminder('refuse')).toBe(undefined);
    });

    it('backs off too when there is no handler, and says so', async () => {
      await using host = await open({ actors, services: createStage() });
      await host.ref<Deaf>('Deaf', 'd').remind();
      await host.clock.advance('1m');
      expect(host.system.stats().reminderFailures).toBe(6);
      expect(JSON.stringify(host.logs.map(({ message }) => message))).toContain(
        'will be tried again',
      );
    });

    it('backs off too when the actor cannot even be activated', async () => {
      const stage = createStage();
      await using host = await open({ actors, services: stage });
      await host.ref<Stubborn>('Stubborn', 's').remind();
      await host.hibernate('Stubborn', 's');
      await host.clock.advance('1m');
      expect(stage.log).toEqual([...Array.from({ length: 5 }, () => 'activate'), 'fired']);
      expect(host.system.stats().reminderFailures).toBe(3);
    });

    it('is tried again when the store was away, beside other reminders', async () => {
      let away = false;
      const tap = {
        before(keys: readonly string[]) {
          if (away && keys.some((key) => key.includes('||a||')))
            throw new TroupeError('UNAVAILABLE', 'the store is away');
        },
      };
      await using host = await open({ actors, services: createStage(), tap });
      await alarm(host).remind({ name: 'r', due: '10s' });
      await host.ref<Alarm>('Alarm', 'b').remind({ name: 'other', due: '10500ms' });
      await host.ref<Alarm>('Alarm', 'b').remind({ name: 'later', due: '10h' });
      away = true;
      await host.clock.advance('10700ms');
      away = false;
      await host.clock.advance('10s');
      expect(await alarm(host).fired()).toHaveLength(1);
      expect(await host.ref<Alarm>('Alarm', 'b').fired()).toHaveLength(1);
    });
  });

  it('a handler may set its own reminder anew, also for now', async () => {
    await using host = await open({ actors, services: createStage() });
    const start = host.clock.now();
    await alarm(host).remind({ name: 'again', due: '5s', period: '1h' });
    await host.clock.advance('1m');
    expect(await seconds(host, start)).toEqual([5, 10, 15, 20]);
    expect(await alarm(host).reminder('again')).toBe(undefined);
    await host.ref<Alarm>('Alarm', 'b').remind({ name: 'at once' });
    await host.settled();
    expect(await host.ref<Alarm>('Alarm', 'b').fired()).toHaveLength(4);
  });

  it('the last one set counts, unless told not to overwrite', async () => {
    await using host = await open({ actors, services: createStage() });
    const start = host.clock.now();
    await alarm(host).remind({ name: 'r', due: '10s', data: 'first' });
    await alarm(host).remind({ name: 'r', due: '30s', data: 'second' });
    expect(await codeOf(alarm(host).remind({ name: 'r', due: '1s', overwrite: false }))).toBe(
      'CONFLICT',
    );
    await host.clock.advance('1m');
    expect(await alarm(host).fired()).toMatchObject([{ data: 'second', at: start + 30_000 }]);
    await alarm(host).remind({ name: 'r', due: '1s', overwrite: false });
  });

  it('is gone when deleted, also with its actor', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    await alarm(host).remind({ name: 'r', due: '10s' });
    await alarm(host).forget('r');
    await alarm(host).forget('never set');
    await host.ref<Alarm>('Alarm', 'b').remind({ name: 'r', due: '10s' });
    await host.ref<Alarm>('Alarm', 'b').leave();
    await host.clock.advance('1h');
    expect(stage.log).toEqual([]);
  });

  it.each<[string, ReminderOptions]>([
    ['a due time', { due: 'soon' }],
    ['a period', { period: 'often' }],
    ['no repetition at all', { period: 'R0/PT1S' }],
    ['a period of days, which Dapr refuses', { period: 'P1D' }],
    ['a ttl that ends before it is due', { due: '1h', ttl: '2020-01-01T00:00:00Z' }],
    ['a ttl between now and its due time', { due: '1h', ttl: '2026-01-01T00:30:00Z' }],
    ['data that is no JSON', { data: 1n }],
  ])('refuses %s', async (_what, options) => {
    class Setter extends Actor {
      static readonly type = 'Setter';
      async set(): Promise<void> {
        await this.ctx.reminders.set('r', options);
      }
    }
    await using host = await open({ actors: [Setter] });
    expect(await codeOf(host.ref<Setter>('Setter', 's').set())).toBe('INVALID_ARGUMENT');
  });

  it('fires many that are due at once, each once', async () => {
    await using host = await open({ actors, services: createStage() });
    const ids = Array.from({ length: 700 }, (_, i) => `n${i}`);
    await Promise.all(
      ids.map((id) => host.ref<Alarm>('Alarm', id).remind({ name: 'r', due: '10s' })),
    );
    await host.clock.advance('11s');
    const fired = await Promise.all(ids.map((id) => host.ref<Alarm>('Alarm', id).fired()));
    expect(new Set(fired.map(({ length }) => length))).toEqual(new Set([1]));
    expect(host.system.stats().remindersFired).toBe(ids.length);
  });
});
