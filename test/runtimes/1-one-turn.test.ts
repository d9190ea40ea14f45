import { expect, it } from 'vitest';
import { Actor } from '../../runtime/actor/index.ts';
import { createStage, rounds, until, type Stage } from './stage.ts';
import { guarantee } from './table.ts';

class Desk extends Actor<Stage> {
  static readonly type = 'Desk';
  static readonly options = { readOnly: ['look', 'pretend'], reentrant: true };
  readonly #total = this.state('total', { initial: () => 0 });

  async work(name: string): Promise<void> {
    await this.#step(name);
    this.#total.set((await this.#total.get()) + 1);
  }

  /** Declared read-only although it behaves as `work` does. */
  async pretend(name: string): Promise<void> {
    await this.#step(name);
  }

  async look(name: string): Promise<number> {
    this.ctx.services.log.push(`look ${name}`);
    await this.ctx.services.gate(name);
    return this.#total.get();
  }

  async hold(name: string): Promise<void> {
    this.ctx.services.log.push(`hold ${name}`);
    await this.ctx.services.gate(name);
    this.ctx.services.log.push(`held ${name}`);
  }

  async total(): Promise<number> {
    return this.#total.get();
  }

  async outer(): Promise<number> {
    await this.work('outer');
    await this.ctx.ref<Messenger>('Messenger', 'm').pass({ id: this.ctx.id, name: 'inner' });
    return this.#total.get();
  }

  async outerTwice(): Promise<number> {
    const messengers = ['m', 'n'].map((id) => this.ctx.ref<Messenger>('Messenger', id));
    await Promise.all(messengers.map((m, i) => m.pass({ id: this.ctx.id, name: `inner ${i}` })));
    return this.#total.get();
  }

  setTimer(): void {
    this.ctx.timers.set('t', { due: '1s' });
  }

  override async onTimer(): Promise<void> {
    await this.#step('timer');
  }

  async #step(name: string): Promise<void> {
    this.ctx.services.log.push(`begin ${name}`);
    await new Promise((resolve) => setImmediate(resolve));
    this.ctx.services.log.push(`end ${name}`);
  }
}

class Messenger extends Actor {
  static readonly type = 'Messenger';
  async pass({ id, name }: { id: string; name: string }): Promise<void> {
    await this.ctx.ref<Desk>('Desk', id).work(name);
  }
}

const actors = [Desk, Messenger];

/** Turns that began while another was open. */
function overlaps(log: readonly string[]): string[] {
  const open = new Set<string>();
  return log.filter((line) => {
    const [what, ...name] = line.split(' ');
    if (what === 'end') open.delete(name.join(' '));
    else if (what === 'begin') return open.add(name.join(' ')).size > 1;
    return false;
  });
}

const names = Array.from({ length: 40 }, (_, i) => String(i));

guarantee(1, 'one turn at a time', (open) => {
  it('runs calls one after the other, in the order in which they came', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const desk = host.ref<Desk>('Desk', 'd');
    await Promise.all(names.map((name) => desk.work(name)));
    expect(overlaps(stage.log)).toEqual([]);
    expect(stage.log).toEqual(names.flatMap((name) => [`begin ${name}`, `end ${name}`]));
    expect(await desk.total()).toBe(names.length);
  });

  it('negative control: the check sees calls that overlap', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const desk = host.ref<Desk>('Desk', 'd');
    await desk.total();
    await Promise.all(names.map((name) => desk.pretend(name)));
    expect(overlaps(stage.log)).not.toEqual([]);
  });

  it('runs different actors side by side', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const calls = ['a', 'b'].map((id) => host.ref<Desk>('Desk', id).hold('g'));
    await until(() => stage.held('g') === 2, 'both actors stand at the gate');
    stage.open('g');
    await Promise.all(calls);
  });

  it('runs read-only calls together, and lets none overtake a call that writes', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const desk = host.ref<Desk>('Desk', 'd');
    await desk.work('first');
    stage.log.length = 0;
    const readers = [desk.look('r1'), desk.look('r2')];
    await until(() => stage.held('r1') + stage.held('r2') === 2, 'both readers run');
    const writer = desk.work('w');
    const late = desk.look('r3');
    await rounds();
    expect(stage.log).toEqual(['look r1', 'look r2']);
    stage.open('r3');
    stage.open('r1');
    expect(await readers[0]).toBe(1);
    await rounds();
    expect(stage.log, 'the writer waits for the last reader').toEqual(['look r1', 'look r2']);
    stage.open('r2');
    await writer;
    expect([await readers[1], await late]).toEqual([1, 2]);
    expect(stage.log).toEqual(['look r1', 'look r2', 'begin w', 'end w', 'look r3']);
  });

  it('lets a reader in when the writer before it gave up', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const desk = host.ref<Desk>('Desk', 'd');
    await desk.total();
    const first = desk.look('r1');
    await until(() => stage.held('r1') === 1, 'the first reader runs');
    const giveUp = new AbortController();
    const writer = desk.work('w', { signal: giveUp.signal });
    stage.open('r2');
    const second = desk.look('r2');
    giveUp.abort();
    await expect(writer).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await second).toBe(0);
    stage.open('r1');
    await first;
    expect(stage.log).toEqual(['look r1', 'look r2']);
  });

  it('runs a chain that comes back inside the waiting turn, if the actor is reentrant', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const desk = host.ref<Desk>('Desk', 'd');
    const [total] = await Promise.all([desk.outer(), desk.work('stranger')]);
    expect(total, 'the outer turn sees what the inner one did, and no stranger').toBe(2);
    expect(stage.log).toEqual(
      ['outer', 'inner', 'stranger'].flatMap((name) => [`begin ${name}`, `end ${name}`]),
    );
    expect(await desk.total()).toBe(3);
  });

  it('runs two that come back to the same turn one after the other', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    expect(await host.ref<Desk>('Desk', 'd').outerTwice()).toBe(2);
    expect(overlaps(stage.log)).toEqual([]);
    expect(stage.log).toHaveLength(4);
  });

  it('takes timers as turns of their own', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const desk = host.ref<Desk>('Desk', 'd');
    await desk.setTimer();
    const held = desk.hold('g');
    await until(() => stage.held('g') === 1, 'the turn runs');
    const advanced = host.clock.advance('2s');
    await rounds();
    stage.open('g');
    await Promise.all([held, advanced]);
    expect(stage.log).toEqual(['hold g', 'held g', 'begin timer', 'end timer']);
  });
});
