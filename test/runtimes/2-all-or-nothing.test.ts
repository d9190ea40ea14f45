import { expect, it } from 'vitest';
import { TroupeError } from '../../runtime/core/errors.ts';
import { Actor, ActorError } from '../../runtime/actor/index.ts';
import { codeOf, createStage, rounds, until, type Stage } from './stage.ts';
import { guarantee, type Running } from './table.ts';

interface Item {
  sku: string;
  count: number;
}

class Cart extends Actor<Stage> {
  static readonly type = 'Cart';
  static readonly options = { reentrant: true };
  readonly #items = this.state('items', { initial: (): Item[] => [] });
  readonly #note = this.state('note', { initial: () => ({ text: '', tags: ['new'] }) });
  #calls = 0;

  async put(sku: string): Promise<void> {
    (await this.#items.get()).push({ sku, count: 1 });
    const note = await this.#note.get();
    note.text = `last ${sku}`;
    note.tags.push(sku);
  }

  async view(): Promise<{ items: string[]; text: string; tags: string[]; calls: number }> {
    this.#calls += 1;
    const { text, tags } = await this.#note.get();
    return {
      items: (await this.#items.get()).map(({ sku }) => sku),
      text,
      tags,
      calls: this.#calls,
    };
  }

  async putAndFail(how: 'application' | 'bug'): Promise<void> {
    await this.put('lost');
    this.#note.set({ text: 'lost', tags: [] });
    this.ctx.outbox.ref<Cart>('Cart', 'other').put('lost');
    this.ctx.outbox.publish('carts', 'lost');
    await this.ctx.reminders.set('remind', { due: '1s' });
    this.ctx.timers.set('time', { due: '1s' });
    if (how === 'bug') throw new TypeError('a bug');
    throw new ActorError('REFUSED', 'no');
  }

  async deleteAndFail(): Promise<void> {
    this.ctx.delete();
    throw new ActorError('REFUSED', 'no');
  }

  async remindAndFail(): Promise<void> {
    await this.ctx.reminders.delete('kept');
    throw new ActorError('REFUSED', 'no');
  }

  async remind(): Promise<void> {
    await this.ctx.reminders.set('kept', { due: '1h' });
  }

  /** The outer turn holds objects of its draft while an inner turn changes them and throws. */
  async outer(): Promise<{ items: string[]; same: boolean }> {
    const items = await this.#items.get();
    items.push({ sku: 'before', count: 1 });
    this.ctx.outbox.ref<Cart>('Cart', 'other').put('from outer');
    const bounce = this.ctx.ref<Bounce>('Bounce', 'b');
    await bounce.back(this.ctx.id).catch(() => {});
    const seen = items.map(({ sku, count }) => `${sku} ${count}`);
    items.push({ sku: 'after', count: 1 });
    return { items: seen, same: items === (await this.#items.get()) };
  }

  async innerThatFails(): Promise<void> {
    const items = await this.#items.get();
    items[0]!.count = 99;
    items.push({ sku: 'inner', count: 1 });
    (await this.#note.get()).text = 'inner';
    this.ctx.outbox.ref<Cart>('Cart', 'other').put('from inner');
    await this.ctx.reminders.set('remind', { due: '1s' });
    this.ctx.delete();
    throw new ActorError('REFUSED', 'inner');
  }

  /** Starts a call that comes back here and does not wait for it. */
  forgetful(): void {
    void this.ctx.ref<Bounce>('Bounce', 'b').put(this.ctx.id);
  }

  /** The same, but goes on long enough for the call to come back while it runs. */
  async forgetfulAndSlow(): Promise<void> {
    void this.ctx.ref<Bounce>('Bounce', 'b').slowPut(this.ctx.id);
    await this.ctx.services.gate('came back');
  }

  async slowPut(): Promise<void> {
    (await this.#items.get()).push({ sku: 'half', count: 1 });
    this.ctx.services.open('came back');
    await this.ctx.services.gate('go on');
    (await this.#items.get()).push({ sku: 'whole', count: 1 });
  }

  async alone(): Promise<string[]> {
    return (await this.#items.get()).map(({ sku }) => sku);
  }

  override onReminder({ name }: { name: string }): void {
    this.ctx.services.log.push(`reminder ${name}`);
  }

  override onTimer({ name }: { name: string }): void {
    this.ctx.services.log.push(`timer ${name}`);
  }
}

class Bounce extends Actor {
  static readonly type = 'Bounce';
  async back(id: string): Promise<void> {
    await this.ctx.ref<Cart>('Cart', id).innerThatFails();
  }
  async put(id: string): Promise<void> {
    await this.ctx.ref<Cart>('Cart', id).put('came back');
  }
  async slowPut(id: string): Promise<void> {
    await this.ctx.ref<Cart>('Cart', id).slowPut();
  }
}

/** Breaks the guarantee on purpose: its state is an instance field. */
class Careless extends Actor {
  static readonly type = 'Careless';
  readonly #items: string[] = [];
  async put(sku: string): Promise<void> {
    this.#items.push(sku);
  }
  async putAndFail(): Promise<void> {
    this.#items.push('lost');
    throw new ActorError('REFUSED', 'no');
  }
  async alone(): Promise<string[]> {
    return this.#items;
  }
}

const actors = [Cart, Bounce, Careless];

/** What an actor shows before and after a turn that throws, in memory and from the store. */
async function aroundFailure(
  host: Running,
  type: 'Cart' | 'Careless',
  how: 'application' | 'bug',
): Promise<{ before: string[]; memory: string[]; store: string[] }> {
  const cart = host.ref<Cart>(type, 'c');
  await cart.put('kept');
  const before = await cart.alone();
  await codeOf(cart.putAndFail(how));
  const memory = await cart.alone();
  await host.crash();
  await host.restart();
  return { before, memory, store: await host.ref<Cart>(type, 'c').alone() };
}

guarantee(2, 'all or nothing', (open) => {
  it.each(['application', 'bug'] as const)(
    'a turn that throws (%s) leaves memory and store as they were',
    async (how) => {
      await using host = await open({ actors, services: createStage() });
      const { before, memory, store } = await aroundFailure(host, 'Cart', how);
      expect([before, memory, store]).toEqual([['kept'], ['kept'], ['kept']]);
    },
  );

  it('negative control: the check sees state that a throw leaves changed', async () => {
    await using host = await open({ actors, services: createStage() });
    const { before, memory } = await aroundFailure(host, 'Careless', 'application');
    expect(memory).not.toEqual(before);
  });

  it('its outbox, reminders and timers are gone with it', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const published: unknown[] = [];
    await host.system.subscribe({ topic: 'carts' }, async ({ data }) => void published.push(data));
    const cart = host.ref<Cart>('Cart', 'c');
    expect(await codeOf(cart.putAndFail('application'))).toBe('REFUSED');
    await host.clock.advance('1h');
    expect([stage.log, published]).toEqual([[], []]);
    expect(await host.ref<Cart>('Cart', 'other').alone()).toEqual([]);
    expect(await host.system.actors.getReminder({ type: 'Cart', id: 'c' }, 'remind')).toBe(
      undefined,
    );
  });

  it('so is what it deleted: the actor, its reminders', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const cart = host.ref<Cart>('Cart', 'c');
    await cart.put('kept');
    await cart.remind();
    expect(await codeOf(cart.deleteAndFail())).toBe('REFUSED');
    expect(await codeOf(cart.remindAndFail())).toBe('REFUSED');
    expect(await cart.alone()).toEqual(['kept']);
    await host.clock.advance('1h');
    expect(stage.log).toEqual(['reminder kept']);
  });

  it('keeps the instance after an application error and drops it after a bug', async () => {
    await using host = await open({ actors, services: createStage() });
    const cart = host.ref<Cart>('Cart', 'c');
    expect((await cart.view()).calls).toBe(1);
    await codeOf(cart.putAndFail('application'));
    expect((await cart.view()).calls).toBe(2);
    await codeOf(cart.putAndFail('bug'));
    expect((await cart.view()).calls).toBe(1);
  });

  it('a reentrant turn that throws rolls back to its own start, in the objects the outer turn holds', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const cart = host.ref<Cart>('Cart', 'c');
    expect(await cart.outer()).toEqual({ items: ['before 1'], same: true });
    const { items, text, tags } = await cart.view();
    expect({ items, text, tags }).toEqual({ items: ['before', 'after'], text: '', tags: ['new'] });
    await host.clock.advance('1h');
    expect(stage.log).toEqual([]);
    expect(await host.ref<Cart>('Cart', 'other').alone()).toEqual(['from outer']);
    await host.hibernate('Cart', 'c');
    expect(await cart.alone()).toEqual(['before', 'after']);
  });

  it('a call that comes back after the turn that did not await it is a turn of its own', async () => {
    await using host = await open({ actors, services: createStage() });
    const cart = host.ref<Cart>('Cart', 'c');
    await cart.forgetful();
    await host.settled();
    expect(await cart.alone()).toEqual(['came back']);
    await host.hibernate('Cart', 'c');
    expect(await cart.alone(), 'and is committed').toEqual(['came back']);
  });

  it('a reentrant turn that was not awaited is committed whole, with the turn it runs inside', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const cart = host.ref<Cart>('Cart', 'c');
    const slow = cart.forgetfulAndSlow();
    await until(() => stage.held('go on') === 1, 'the inner turn is half way');
    await rounds();
    stage.open('go on');
    await slow;
    await host.hibernate('Cart', 'c');
    expect(await cart.alone()).toEqual(['half', 'whole']);
  });

  it('a commit that the store refuses changes nothing, and the next turn starts from the store', async () => {
    let refusing = false;
    const tap = {
      before() {
        if (refusing) throw new TroupeError('UNAVAILABLE', 'the disk is full');
      },
    };
    const stage = createStage();
    await using host = await open({ actors, services: stage, tap });
    const cart = host.ref<Cart>('Cart', 'c');
    await cart.put('kept');
    refusing = true;
    expect(await codeOf(cart.put('lost'))).toBe('UNAVAILABLE');
    expect(await cart.alone()).toEqual(['kept']);
    refusing = false;
    await cart.put('next');
    expect((await cart.view()).tags).toEqual(['new', 'kept', 'next']);
    await host.hibernate('Cart', 'c');
    expect(await cart.alone()).toEqual(['kept', 'next']);
  });

  it('a commit whose answer is lost is read again, so memory and store agree, and what it sent goes out', async () => {
    let losing = false;
    const tap = {
      after(keys: readonly string[]) {
        if (losing && keys.some((key) => key.includes('||c||items')))
          throw new TroupeError('UNAVAILABLE', 'the connection broke');
      },
    };
    await using host = await open({ actors: [Sender, Cart], services: createStage(), tap });
    const sender = host.ref<Sender>('Sender', 'c');
    losing = true;
    expect(await codeOf(sender.send('x'))).toBe('UNAVAILABLE');
    losing = false;
    expect(await sender.items()).toEqual(['x']);
    await host.clock.advance('1m');
    expect(await host.ref<Cart>('Cart', 'other').alone()).toEqual(['x']);
    expect(await sender.reminded()).toBe(1);
  });
});

class Sender extends Actor {
  static readonly type = 'Sender';
  readonly #items = this.state('items', { initial: (): string[] => [] });
  readonly #reminded = this.state('reminded', { initial: () => 0 });
  async send(item: string): Promise<void> {
    (await this.#items.get()).push(item);
    this.ctx.outbox.ref<Cart>('Cart', 'other').put(item);
    await this.ctx.reminders.set('r', { due: '10s' });
  }
  async items(): Promise<string[]> {
    return this.#items.get();
  }
  async reminded(): Promise<number> {
    return this.#reminded.get();
  }
  override async onReminder(): Promise<void> {
    this.#reminded.set((await this.#reminded.get()) + 1);
  }
}
