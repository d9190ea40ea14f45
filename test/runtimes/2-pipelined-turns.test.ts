import { expect, it } from 'vitest';
import { TroupeError } from '../../runtime/core/errors.ts';
import { Actor, ActorError } from '../../runtime/actor/index.ts';
import { createStage, rounds, until, type Stage } from './stage.ts';
import { guarantee, type StoreTap } from './table.ts';

class Cart extends Actor<Stage> {
  static readonly type = 'Cart';
  readonly #items = this.state('items', { initial: (): string[] => [] });

  async put(sku: string): Promise<void> {
    (await this.#items.get()).push(sku);
  }

  async alone(): Promise<string[]> {
    return this.#items.get();
  }

  async fullWhen(count: number): Promise<void> {
    if ((await this.#items.get()).length >= count) throw new ActorError('FULL', 'no more');
  }

  /** Is half way when the test lets it go on. */
  async slowPut(sku: string): Promise<void> {
    const items = await this.#items.get();
    await this.ctx.services.gate('slow');
    items.push(sku);
  }

  /** Tells another actor of what it has. */
  async ask(): Promise<string> {
    await this.#items.get();
    return this.ctx.ref<Looker>('Looker', 'l').asked();
  }
}

/** Asks the cart from outside of it. */
class Looker extends Actor<Stage> {
  static readonly type = 'Looker';
  async look(): Promise<string[]> {
    return this.ctx.ref<Cart>('Cart', 'c').alone();
  }
  async asked(): Promise<string> {
    this.ctx.services.log.push('asked');
    return 'asked';
  }
}

const actors = [Cart, Looker];

/** A tap that holds back every transaction of the cart until it is told how it is to end. */
function heldCommits(): {
  tap: StoreTap;
  waiting: () => number;
  end: (how: 'durable' | 'refused') => void;
} {
  let ends: ((how: 'durable' | 'refused') => void)[] = [];
  return {
    waiting: () => ends.length,
    end(how) {
      const all = ends;
      ends = [];
      for (const end of all) end(how);
    },
    tap: {
      async before(keys) {
        if (!keys.some((key) => key.endsWith('||c||items'))) return;
        const how = await new Promise<'durable' | 'refused'>((resolve) => ends.push(resolve));
        if (how === 'refused') throw new TroupeError('UNAVAILABLE', 'the disk is full');
      },
    },
  };
}

guarantee(2, 'all or nothing, while a commit is on its way', (open) => {
  /** A cart whose first commit is done, and calls whose outcome is noted when it comes. */
  async function prepare() {
    const commits = heldCommits();
    const stage = createStage();
    const host = await open({ actors, services: stage, tap: commits.tap });
    const cart = host.ref<Cart>('Cart', 'c');
    const first = cart.put('first');
    await until(() => commits.waiting() === 1, 'the first commit is on its way');
    commits.end('durable');
    await first;
    const outcomes: string[] = [];
    const note = (name: string, call: Promise<unknown>): void => {
      call.then(
        (value) => outcomes.push(`${name} ${JSON.stringify(value) ?? 'ok'}`),
        (error: TroupeError) => outcomes.push(`${name} ${error.code}`),
      );
    };
    note('put', cart.put('second'));
    await until(() => commits.waiting() === 1, 'its commit is on its way');
    return { commits, stage, host, cart, outcomes, note };
  }

  it('no answer leaves that builds on it, be it a value or an error', async () => {
    const { commits, host, cart, outcomes, note } = await prepare();
    await using _host = host;
    note('read', cart.alone());
    note('error', cart.fullWhen(2));
    note('call', host.ref<Looker>('Looker', 'another').look());
    note('ask', cart.ask());
    await rounds();
    expect(outcomes).toEqual([]);
    commits.end('durable');
    await until(() => outcomes.length === 5, 'all are answered');
    expect(outcomes.toSorted()).toEqual([
      'ask "asked"',
      'call ["first","second"]',
      'error FULL',
      'put ok',
      'read ["first","second"]',
    ]);
  });

  it('when it fails, everything that built on it is undone with it', async () => {
    const { commits, host, cart, outcomes, note } = await prepare();
    await using _host = host;
    note('read', cart.alone());
    note('error', cart.fullWhen(2));
    note('next', cart.put('third'));
    note('ask', cart.ask());
    await rounds();
    expect(outcomes).toEqual([]);
    commits.end('refused');
    await until(() => outcomes.length === 5, 'all are answered');
    expect(new Set(outcomes.map((outcome) => outcome.split(' ')[1]))).toEqual(
      new Set(['UNAVAILABLE']),
    );
    expect(await cart.alone()).toEqual(['first']);
    note('again', cart.put('fourth'));
    await until(() => commits.waiting() === 1, 'the next commit is on its way');
    commits.end('durable');
    await host.hibernate('Cart', 'c').catch(() => host.settled());
    expect(await cart.alone()).toEqual(['first', 'fourth']);
  });

  it('no call leaves either: it goes when the state is durable, and never if that fails', async () => {
    const { commits, stage, host, cart, outcomes, note } = await prepare();
    await using _host = host;
    note('ask', cart.ask());
    await rounds();
    expect(stage.log).toEqual([]);
    commits.end('refused');
    await until(() => outcomes.length === 2, 'both are answered');
    await rounds();
    expect(stage.log).toEqual([]);
    expect(await cart.ask()).toBe('asked');
  });

  it('a turn that was half way when it failed is undone too, whatever it does after', async () => {
    const { commits, stage, host, cart, outcomes, note } = await prepare();
    await using _host = host;
    note('slow', cart.slowPut('third'));
    await until(() => stage.held('slow') === 1, 'it is half way');
    commits.end('refused');
    await until(() => outcomes.length === 1, 'the first is refused');
    stage.open('slow');
    await until(() => outcomes.length === 2, 'so is the one that built on it');
    expect(outcomes).toEqual(['put UNAVAILABLE', 'slow UNAVAILABLE']);
    expect(commits.waiting()).toBe(0);
    expect(await cart.alone()).toEqual(['first']);
  });

  it('many turns that came meanwhile are committed whole, in order', async () => {
    const { commits, host, cart } = await prepare();
    await using _host = host;
    const items = Array.from({ length: 600 }, (_, i) => String(i));
    const puts = Promise.all(items.map((item) => cart.put(item)));
    let done = false;
    void puts.then(() => (done = true));
    while (!done) {
      commits.end('durable');
      await rounds(1);
    }
    await host.restart();
    expect(await host.ref<Cart>('Cart', 'c').alone()).toEqual(['first', 'second', ...items]);
  });
});
