import { describe, expect, it } from 'vitest';
import { Actor, ActorError } from '../../runtime/actor/index.ts';
import { codeOf, createStage, rounds, until, type Stage } from './stage.ts';
import { everyRuntime, type Running } from './table.ts';

class Lodger extends Actor<Stage> {
  static readonly type = 'Lodger';
  static readonly options = { idleTimeout: '10m', readOnly: ['look'] };
  readonly #visits = this.state('visits', { initial: () => 0 });
  readonly #wakings = this.state('wakings', { initial: () => 0 });

  override async onActivate(): Promise<void> {
    this.ctx.services.log.push('activate');
    this.#wakings.set((await this.#wakings.get()) + 1);
  }
  override async onDeactivate(): Promise<void> {
    this.ctx.services.log.push('deactivate');
    await this.ctx.services.gate('door');
    this.#visits.set((await this.#visits.get()) + 100);
  }
  async visit(): Promise<number> {
    const visits = (await this.#visits.get()) + 1;
    this.#visits.set(visits);
    return visits;
  }
  async look(): Promise<[number, number]> {
    return [await this.#visits.get(), await this.#wakings.get()];
  }
}

/** Its hooks, and its constructor, fail as long as the log says so. */
class Troubled extends Actor<Stage> {
  static readonly type = 'Troubled';
  readonly #visits = this.state('visits', { initial: () => 0 });
  #field = 0;

  constructor(ctx: Actor<Stage>['ctx']) {
    super(ctx);
    if (ctx.services.log.includes('constructor')) throw new TypeError('cannot be made');
  }
  override async onActivate(): Promise<void> {
    this.#field += 1;
    this.#visits.set(1000);
    const { log } = this.ctx.services;
    if (log.includes('refuse')) throw new ActorError('CLOSED', 'come back later');
    if (log.includes('bug')) throw new TypeError('cannot wake up');
    this.#visits.set(0);
  }
  override onDeactivate(): void {
    if (this.ctx.services.log.includes('stay')) throw new ActorError('STAY', 'I will not go');
  }
  async visit(): Promise<number[]> {
    this.#visits.set((await this.#visits.get()) + 1);
    return [await this.#visits.get(), this.#field];
  }
}

class Talker extends Actor<Stage> {
  static readonly type = 'Talker';
  override async onDeactivate(): Promise<void> {
    await this.ctx.ref<Lodger>('Lodger', 'friend').visit();
    this.ctx.outbox.ref<Lodger>('Lodger', 'other').visit();
    this.ctx.services.log.push('said goodbye');
  }
  async hello(): Promise<void> {}
  async never(): Promise<void> {
    await this.ctx.services.gate('never');
  }
}

const actors = [Lodger, Troubled, Talker];
const lodger = (host: Running, id = 'l') => host.ref<Lodger>('Lodger', id);
const troubled = (host: Running) => host.ref<Troubled>('Troubled', 't');

function openDoor(): Stage {
  const stage = createStage();
  stage.open('door');
  return stage;
}

everyRuntime('the life of an activation', (open) => {
  it('begins with the first call, before its method, and what onActivate changed is committed', async () => {
    const stage = openDoor();
    await using host = await open({ actors, services: stage });
    expect(host.system.actors.isActive({ type: 'Lodger', id: 'l' })).toBe(false);
    expect(await lodger(host).look(), 'a read-only method first').toEqual([0, 1]);
    expect(stage.log).toEqual(['activate']);
    await lodger(host).visit();
    expect(stage.log).toEqual(['activate']);
    expect(host.system.actors.types()).toContainEqual({ type: 'Lodger', count: 1 });
    await host.restart();
    expect(await lodger(host).look()).toEqual([1, 2]);
  });

  it('ends after its idle time, counted from the end of the last turn', async () => {
    const stage = openDoor();
    await using host = await open({ actors, services: stage });
    await lodger(host).visit();
    await host.clock.advance('9m');
    await lodger(host).look();
    await host.clock.advance('9m');
    expect(stage.log).toEqual(['activate']);
    await host.clock.advance('1m');
    expect(stage.log).toEqual(['activate', 'deactivate']);
    expect(host.system.stats().activeActors).toBe(0);
    expect(await lodger(host).look(), 'what onDeactivate changed is committed').toEqual([101, 2]);
  });

  it('of one that is still used does not end with those of others', async () => {
    const stage = openDoor();
    await using host = await open({ actors, services: stage });
    for (const id of ['a', 'b', 'c']) await lodger(host, id).visit();
    for (let i = 0; i < 3; i++) {
      await host.clock.advance('9m');
      await lodger(host, 'b').visit();
    }
    expect(host.system.stats().activeActors).toBe(1);
    expect(await lodger(host, 'b').look()).toEqual([4, 1]);
  });

  it('ends and begins anew for a call that comes while it ends', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    await lodger(host).visit();
    const passivated = host.hibernate('Lodger', 'l');
    await until(() => stage.held('door') === 1, 'onDeactivate runs');
    const call = lodger(host).visit();
    await rounds();
    expect(stage.log).toEqual(['activate', 'deactivate']);
    stage.open('door');
    await passivated;
    expect(await call).toBe(102);
    expect(stage.log).toEqual(['activate', 'deactivate', 'activate']);
    expect(await lodger(host).look()).toEqual([102, 2]);
  });

  it('ends without its hook in a crash, and with it when the host closes', async () => {
    const stage = openDoor();
    const host = await open({ actors, services: stage });
    await lodger(host).visit();
    await host.restart();
    expect(stage.log).toEqual(['activate']);
    await lodger(host).visit();
    await host[Symbol.asyncDispose]();
    expect(stage.log).toEqual(['activate', 'activate', 'deactivate']);
  });

  describe('that cannot begin', () => {
    it.each([
      ['refuse', 'CLOSED'],
      ['bug', 'INTERNAL'],
      ['constructor', 'INTERNAL'],
    ])(
      'fails the call (%s), leaves nothing behind, and begins afresh with the next',
      async (how, code) => {
        const stage = createStage();
        await using host = await open({ actors, services: stage });
        stage.log.push(how);
        expect(await codeOf(troubled(host).visit())).toBe(code);
        expect(await codeOf(troubled(host).visit())).toBe(code);
        stage.log.length = 0;
        expect(await troubled(host).visit()).toEqual([1, 1]);
        expect(await troubled(host).visit()).toEqual([2, 1]);
      },
    );

    it('lets each of those that waited try', async () => {
      const stage = createStage();
      await using host = await open({ actors, services: stage });
      stage.log.push('bug');
      const codes = await Promise.all([1, 2, 3].map(() => codeOf(troubled(host).visit())));
      expect(codes).toEqual(['INTERNAL', 'INTERNAL', 'INTERNAL']);
    });
  });

  it('ends although onDeactivate throws, and the error is logged', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    await troubled(host).visit();
    stage.log.push('stay');
    await host.hibernate('Troubled', 't');
    expect(host.system.stats().activeActors).toBe(0);
    expect(host.logs.map(({ message }) => message)).toContain('onDeactivate failed');
    await troubled(host).visit();
    await host[Symbol.asyncDispose]();
  });

  it('may end with calls and sends, also when the host closes', async () => {
    const stage = openDoor();
    const host = await open({ actors, services: stage });
    await host.ref<Talker>('Talker', 't').hello();
    await host.hibernate('Talker', 't');
    await host.settled();
    expect(await lodger(host, 'friend').look()).toEqual([1, 1]);
    expect(await lodger(host, 'other').look()).toEqual([1, 1]);
    await host.ref<Talker>('Talker', 't').hello();
    await host[Symbol.asyncDispose]();
    expect(stage.log.filter((line) => line === 'said goodbye')).toHaveLength(2);
  });

  it('a host that closes refuses new calls, and lets those that run end', async () => {
    const stage = createStage();
    const host = await open({ actors, services: stage });
    const { system } = host;
    const running = host.ref<Talker>('Talker', 't').never();
    await until(() => stage.held('never') === 1, 'a turn runs');
    const closing = system.close();
    await rounds();
    expect(await codeOf(system.ref<Lodger>('Lodger', 'l').visit())).toBe('UNAVAILABLE');
    stage.open('never');
    stage.open('door');
    await running;
    await closing;
    await host[Symbol.asyncDispose]();
  });
});
