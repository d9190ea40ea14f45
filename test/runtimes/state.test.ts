import { describe, expect, it } from 'vitest';
import { Actor } from '../../runtime/actor/index.ts';
import { codeOf, createStage, errorOf, rounds, until, type Stage } from './stage.ts';
import { everyRuntime, type Running } from './table.ts';

class Box extends Actor<Stage> {
  static readonly type = 'Box';
  static readonly options = {
    readOnly: ['look', 'cheat', 'cheatInPlace', 'cheatOutbox', 'cheatTimer'],
  };
  readonly #items = this.state('items', { initial: (): unknown[] => [] });
  readonly #maybe = this.state<string | undefined>('maybe', { initial: () => undefined });
  readonly #short = this.state('short', { initial: () => 'fresh', ttl: '10s' });
  #kept: unknown[] = [];

  async push(item: unknown): Promise<void> {
    (await this.#items.get()).push(item);
  }
  async look(): Promise<unknown[]> {
    return this.#items.get();
  }
  async keepDraft(): Promise<void> {
    this.#kept = await this.#items.get();
    this.#kept.push('in the turn');
  }
  async changeKeptDraft(): Promise<void> {
    this.#kept.push('after the turn');
  }
  async useLater(): Promise<void> {
    const { log, gate } = this.ctx.services;
    void gate('later').then(async () => {
      for (const use of [
        () => this.#items.get(),
        () => this.#items.set([]),
        () => this.#items.delete(),
        () => this.ctx.timers.set('t', {}),
        () => this.ctx.outbox.publish('t', 1),
        () => this.ctx.signal,
        () => this.ctx.reminders.set('r', {}),
      ]) {
        log.push(await codeOf(Promise.resolve().then(use)));
      }
    });
  }
  async replace(items: unknown[]): Promise<void> {
    this.#items.set(items);
  }
  async setUndefined(): Promise<void> {
    this.#items.set(undefined as never);
  }
  async clear(): Promise<unknown[]> {
    this.#items.delete();
    return this.#items.get();
  }
  async clearAndPush(item: unknown): Promise<void> {
    this.#items.delete();
    (await this.#items.get()).push(item);
  }
  async maybe(): Promise<string | undefined> {
    return this.#maybe.get();
  }
  async setMaybe(text: string | null): Promise<void> {
    if (text === null) this.#maybe.delete();
    else this.#maybe.set(text);
  }
  async short(text?: string): Promise<string> {
    if (text !== undefined) this.#short.set(text);
    return this.#short.get();
  }
  async cheat(): Promise<void> {
    this.#items.set(['cheated']);
  }
  async cheatInPlace(): Promise<void> {
    (await this.#items.get()).push('cheated');
  }
  async cheatOutbox(): Promise<void> {
    this.ctx.outbox.ref<Box>('Box', 'other').push('cheated');
  }
  async cheatTimer(): Promise<void> {
    this.ctx.timers.set('t', { due: '1s' });
  }
  async leave(): Promise<void> {
    this.ctx.delete();
  }
  async together(): Promise<boolean> {
    const [a, b] = await Promise.all([this.#items.get(), this.#items.get()]);
    a.push('one draft');
    return a === b;
  }
}

const actors = [Box];
const box = (host: Running, id = 'b') => host.ref<Box>('Box', id);

everyRuntime('state', (open) => {
  it('is changed in place, and is there after hibernation and a crash', async () => {
    await using host = await open({ actors, services: createStage() });
    await box(host).push('a');
    expect(await box(host).look()).toEqual(['a']);
    await host.hibernate('Box', 'b');
    await box(host).push('b');
    await host.restart();
    expect(await box(host).look()).toEqual(['a', 'b']);
  });

  it('is one draft a turn, however often it is asked for', async () => {
    await using host = await open({ actors, services: createStage() });
    expect(await box(host).together()).toBe(true);
    expect(await box(host).look()).toEqual(['one draft']);
  });

  it('a draft kept beyond its turn changes nothing', async () => {
    await using host = await open({ actors, services: createStage() });
    await box(host).keepDraft();
    await box(host).changeKeptDraft();
    expect(await box(host).look()).toEqual(['in the turn']);
    await host.restart();
    expect(await box(host).look()).toEqual(['in the turn']);
  });

  it('cannot be used after the turn has ended, nor can the rest of the context', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    await box(host).useLater();
    stage.open('later');
    await until(() => stage.log.length === 7, 'all were tried');
    expect(new Set(stage.log)).toEqual(new Set(['INVALID_ARGUMENT']));
    await rounds();
    expect(await box(host).look()).toEqual([]);
  });

  it('may be replaced, deleted, and changed after it was deleted', async () => {
    await using host = await open({ actors, services: createStage() });
    await box(host).replace(['x']);
    await box(host).clearAndPush('y');
    await host.hibernate('Box', 'b');
    expect(await box(host).look()).toEqual(['y']);
    expect(await box(host).clear()).toEqual([]);
    await host.hibernate('Box', 'b');
    expect(await box(host).look()).toEqual([]);
    expect(await codeOf(box(host).setUndefined())).toBe('INVALID_ARGUMENT');
  });

  it('may begin as undefined', async () => {
    await using host = await open({ actors, services: createStage() });
    expect(await box(host).maybe()).toBe(undefined);
    await box(host).setMaybe('text');
    await host.hibernate('Box', 'b');
    expect(await box(host).maybe()).toBe('text');
    await box(host).setMaybe(null);
    await host.hibernate('Box', 'b');
    expect(await box(host).maybe()).toBe(undefined);
  });

  it('with a ttl goes back to its initial value that long after its last write', async () => {
    await using host = await open({ actors, services: createStage() });
    await box(host).short('written');
    await host.clock.advance('6s');
    await box(host).short('again');
    await host.clock.advance('6s');
    expect(await box(host).short()).toBe('again');
    await host.hibernate('Box', 'b');
    expect(await box(host).short(), 'also from the store').toBe('again');
    await host.clock.advance('4s');
    expect(await box(host).short()).toBe('fresh');
    await host.hibernate('Box', 'b');
    await host.clock.advance('1s');
    expect(await box(host).short()).toBe('fresh');
  });

  it('takes big values', async () => {
    await using host = await open({ actors, services: createStage() });
    const big = 'é'.repeat(2_000_000);
    await box(host).push(big);
    await host.hibernate('Box', 'b');
    expect(await box(host).look()).toEqual([big]);
  });

  it.each(['cheat', 'cheatInPlace', 'cheatOutbox', 'cheatTimer'] as const)(
    'cannot be changed by a read-only method (%s)',
    async (method) => {
      await using host = await open({ actors, services: createStage() });
      expect(await codeOf(box(host)[method]())).toBe('READ_ONLY');
      expect(await box(host).look()).toEqual([]);
      await host.settled();
      expect(await box(host, 'other').look()).toEqual([]);
    },
  );

  it('that cannot be stored is refused with its path, and the turn undone', async () => {
    await using host = await open({ actors: [Odd], services: createStage() });
    const odd = host.ref<Odd>('Odd', 'o');
    const error = await errorOf(odd.put());
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('$.deep[0]');
    expect(await odd.get()).toEqual({ deep: [] });
  });

  describe('an actor that is deleted', () => {
    it('comes back fresh, and is not listed', async () => {
      await using host = await open({ actors, services: createStage() });
      await box(host).push('a');
      await box(host).short('written');
      await box(host, 'c').push('stays');
      await box(host).leave();
      expect(await host.system.actors.list('Box')).toEqual(['c']);
      expect(await box(host).look()).toEqual([]);
      await box(host).push('b');
      await host.restart();
      expect(await box(host).look()).toEqual(['b']);
      expect(await box(host).short()).toBe('fresh');
      await box(host, 'never was').leave();
    });
  });

  it('lists the ids of a type in pages', async () => {
    await using host = await open({ actors, services: createStage() });
    const ids = Array.from({ length: 25 }, (_, i) => `id ${String(i).padStart(2, '0')}`);
    await Promise.all(ids.toReversed().map((id) => box(host, id).push(1)));
    await box(host, 'only read').look();
    const listed: string[] = [];
    for (;;) {
      const after = listed.at(-1);
      const page = await host.system.actors.list('Box', { limit: 10, ...(after && { after }) });
      listed.push(...page);
      if (page.length < 10) break;
    }
    expect(listed).toEqual(ids);
    expect(await host.system.actors.list('Nobody')).toEqual([]);
  });
});

class Odd extends Actor {
  static readonly type = 'Odd';
  readonly #value = this.state('value', { initial: (): { deep: unknown[] } => ({ deep: [] }) });
  async put(): Promise<void> {
    (await this.#value.get()).deep.push(1n);
  }
  async get(): Promise<object> {
    return this.#value.get();
  }
}
