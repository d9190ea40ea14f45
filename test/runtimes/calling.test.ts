import { describe, expect, it } from 'vitest';
import type { Interceptor } from '../../runtime/core/interceptors.ts';
import { Actor, type ActorAddress, TroupeError } from '../../runtime/actor/index.ts';
import { codeOf, createStage, errorOf, until, type Stage } from './stage.ts';
import { everyRuntime, type Running } from './table.ts';

class Base extends Actor<Stage> {
  static readonly type: string = 'Base';
  async inherited(): Promise<string> {
    return `inherited by ${this.ctx.type}`;
  }
}

class Phone extends Base {
  static override readonly type = 'Phone';
  static readonly options = { mailbox: 3 };
  #secret = 'secret';
  notAMethod = 7;

  async echo(value: unknown): Promise<unknown> {
    return value;
  }
  sync(text: string): string {
    return text.toUpperCase();
  }
  async bytes(bytes: Uint8Array): Promise<Uint8Array> {
    return bytes.toReversed();
  }
  async give(kind: string): Promise<unknown> {
    const values: Record<string, unknown> = {
      map: { deep: [new Map()] },
      bigint: 1n,
      nan: { at: Number.NaN },
      nothing: undefined,
      date: new Date(0),
    };
    return values[kind];
  }
  async caller(): Promise<ActorAddress | undefined> {
    return this.ctx.caller;
  }
  async callerThrough(): Promise<ActorAddress | undefined> {
    return this.ctx.ref<Phone>('Phone', 'other').caller();
  }
  async me(): Promise<string[]> {
    return [this.ctx.type, this.ctx.id];
  }
  async hold(): Promise<void> {
    await this.ctx.services.gate('phone');
  }
  get accessor(): () => string {
    return () => 'accessor';
  }
  [Symbol.iterator](): Iterator<string> {
    return [this.#secret][Symbol.iterator]();
  }
  override onActivate(): void {
    this.ctx.services.log.push(`activate ${this.ctx.id}`);
  }
  override onDeactivate(): void {}
  override onReminder(): void {}
  override onTimer(): void {}
}

const actors = [Phone];
const phone = (host: Running, id = 'p') => host.ref<Phone>('Phone', id);
type AnyMethods = Record<string, (argument?: unknown) => Promise<unknown>>;

everyRuntime('calling an actor', (open) => {
  describe('what can be called', () => {
    it('methods declared below Actor, inherited and synchronous ones too', async () => {
      await using host = await open({ actors, services: createStage() });
      expect(await phone(host).inherited()).toBe('inherited by Phone');
      expect(await phone(host).sync('a')).toBe('A');
    });

    it.each([
      'onActivate',
      'onDeactivate',
      'onReminder',
      'onTimer',
      'state',
      'ctx',
      'accessor',
      'notAMethod',
      'hasOwnProperty',
      'valueOf',
      '__proto__',
      '#secret',
      'nothing',
      '',
    ])('not %j', async (method) => {
      await using host = await open({ actors, services: createStage() });
      const payload = new Uint8Array(0);
      const call = host.system.actors.call({ type: 'Phone', id: 'p', method, payload });
      expect(await errorOf(call)).toMatchObject({
        code: 'METHOD_NOT_FOUND',
        actor: { type: 'Phone', id: 'p' },
      });
      expect(host.system.stats().activeActors, 'and nothing was activated for it').toBe(0);
    });

    it('not the constructor or a symbol, and a ref is no promise', async () => {
      await using host = await open({ actors, services: createStage() });
      const ref = phone(host) as unknown as Record<PropertyKey, unknown>;
      expect([ref['constructor'], ref['then'], ref[Symbol.iterator]]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      const payload = new Uint8Array(0);
      const call = { type: 'Phone', id: 'p', method: 'constructor', payload };
      expect(await codeOf(host.system.actors.call(call))).toBe('METHOD_NOT_FOUND');
      expect(() => Object.assign(ref, { echo: 1 })).toThrow('cannot be set');
    });

    it('no type that is not hosted: the message lists those that are', async () => {
      await using host = await open({ actors, services: createStage() });
      const error = await errorOf(host.ref<AnyMethods>('Fax', 'f')['send']!());
      expect(error).toMatchObject({ code: 'NOT_FOUND' });
      expect(error.message).toMatch(/"Fax".*Phone/);
    });
  });

  it.each(['a b', 'ü/ß', '日本', 'a/b/../c', '🙂', '$owner', 'a|b', '%7C%7C', '__proto__', ' '])(
    'takes the id %j as it is, in memory and in the store',
    async (id) => {
      await using host = await open({ actors: [Phone, Keeper], services: createStage() });
      expect(await phone(host, id).me()).toEqual(['Phone', id]);
      await host.ref<Keeper>('Keeper', id).keep('x');
      await host.restart();
      expect(await host.ref<Keeper>('Keeper', id).kept()).toBe('x');
      expect(await host.system.actors.list('Keeper')).toEqual([id]);
    },
  );

  it.each(['', 'a||b', '|a', 'a|'])(
    'refuses the id %j, which no state key can hold',
    async (id) => {
      await using host = await open({ actors, services: createStage() });
      expect(() => host.system.ref<Phone>('Phone', id)).toThrow(TroupeError);
      const call = { type: 'Phone', id, method: 'me', payload: new Uint8Array(0) };
      expect(await codeOf(host.system.actors.call(call))).toBe('INVALID_ARGUMENT');
    },
  );

  describe('values', () => {
    it('arrive as JSON would bring them, and are the receiver’s own', async () => {
      await using host = await open({ actors, services: createStage() });
      const value = { a: [1, undefined, null], u: undefined, d: new Date(0), deep: { '': 0 } };
      expect(await phone(host).echo(value)).toStrictEqual({
        a: [1, null, null],
        d: '1970-01-01T00:00:00.000Z',
        deep: { '': 0 },
      });
      expect(await phone(host).echo(undefined)).toBe(undefined);
      expect(await phone(host).echo(null)).toBe(null);
      expect(await phone(host).bytes(new Uint8Array([1, 2]))).toEqual(new Uint8Array([2, 1]));
      expect(await phone(host).give('date')).toBe('1970-01-01T00:00:00.000Z');
      expect(await phone(host).give('nothing')).toBe(undefined);
    });

    it('a megabyte of text and a hundred thousand items pass', async () => {
      await using host = await open({ actors, services: createStage() });
      const big = {
        text: 'x'.repeat(1_000_000),
        items: Array.from({ length: 100_000 }, (_, i) => i),
      };
      expect(await phone(host).echo(big)).toEqual(big);
    });

    it.each<[string, unknown, string]>([
      ['a Map', { a: [0, new Map()] }, '$.a[1]'],
      ['a Set', new Set(), '$'],
      ['a bigint', { n: 1n }, '$.n'],
      ['NaN', [Number.NaN], '$[0]'],
      ['Infinity', { x: { y: Number.POSITIVE_INFINITY } }, '$.x.y'],
      ['a boxed NaN', [Object(Number.NaN)], '$[0]'],
      ['a function', { f: () => {} }, '$.f'],
      ['a symbol', [Symbol('s')], '$[0]'],
      ['nested bytes', { b: new Uint8Array(1) }, '$.b'],
    ])('%s is refused with its path', async (_what, value, path) => {
      await using host = await open({ actors, services: createStage() });
      const error = await errorOf(phone(host).echo(value));
      expect(error.code).toBe('INVALID_ARGUMENT');
      expect(error.message).toContain(`at ${path} `);
    });

    it('a cycle is refused', async () => {
      await using host = await open({ actors, services: createStage() });
      const cycle: { self?: object } = {};
      cycle.self = cycle;
      expect(await codeOf(phone(host).echo(cycle))).toBe('INVALID_ARGUMENT');
    });

    it.each(['map', 'bigint', 'nan'])('so is an answer with a %s in it', async (kind) => {
      await using host = await open({ actors, services: createStage() });
      expect(await codeOf(phone(host).give(kind))).toBe('INVALID_ARGUMENT');
    });
  });

  it('the caller is the actor that called, and nobody from outside', async () => {
    await using host = await open({ actors, services: createStage() });
    expect(await phone(host).caller()).toBe(undefined);
    expect(await phone(host).callerThrough()).toEqual({ type: 'Phone', id: 'p' });
  });

  it('a mailbox holds so many and then says OVERLOADED; who gives up makes room', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const running = phone(host).hold();
    await until(() => stage.held('phone') === 1, 'a turn runs');
    const giveUp = new AbortController();
    const waiting = [phone(host).echo(1), phone(host).echo(2)];
    const impatient = codeOf(phone(host).echo(3, { signal: giveUp.signal }));
    const error = await errorOf(phone(host).echo(4));
    expect(error).toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
      details: { waiting: 3, limit: 3 },
    });
    expect(await phone(host, 'other').echo('free')).toBe('free');
    giveUp.abort();
    expect(await impatient).toBe('CANCELLED');
    const late = phone(host).echo(5);
    expect(await codeOf(phone(host).echo(6))).toBe('OVERLOADED');
    stage.open('phone');
    await running;
    expect(await Promise.all([...waiting, late])).toEqual([1, 2, 5]);
  });

  describe('interceptors', () => {
    it('wrap calls on the way out and in, first outermost, with headers and the caller', async () => {
      const log: string[] = [];
      const noting = (name: string): Interceptor => ({
        async outgoing(call, next) {
          log.push(`${name} out ${call.method} by ${call.caller?.id ?? 'nobody'}`);
          call.headers[`x-${name}`] = call.actor.id;
          return next();
        },
        async incoming(call, next) {
          log.push(
            `${name} in ${call.kind} ${call.method} by ${call.caller?.id ?? 'nobody'} ${call.headers['x-a']}`,
          );
          const outcome = await next();
          log.push(`${name} done`);
          return outcome;
        },
      });
      await using host = await open({
        actors,
        services: createStage(),
        interceptors: [noting('a'), noting('b')],
      });
      await phone(host).callerThrough();
      expect(log).toEqual([
        'a out callerThrough by nobody',
        'b out callerThrough by nobody',
        'a in method callerThrough by nobody p',
        'b in method callerThrough by nobody p',
        'a out caller by p',
        'b out caller by p',
        'a in method caller by p other',
        'b in method caller by p other',
        'b done',
        'a done',
        'b done',
        'a done',
      ]);
    });

    it('may refuse a call, so that it never runs', async () => {
      const refusing: Interceptor = {
        incoming: (call, next) =>
          call.method === 'sync' ? Promise.reject(new TroupeError('FORBIDDEN', 'not you')) : next(),
      };
      await using host = await open({ actors, services: createStage(), interceptors: [refusing] });
      expect(await codeOf(phone(host).sync('a'))).toBe('FORBIDDEN');
      expect(await phone(host).echo(1)).toBe(1);
    });
  });
});

class Keeper extends Actor {
  static readonly type = 'Keeper';
  readonly #text = this.state('text', { initial: () => '' });
  async keep(text: string): Promise<void> {
    this.#text.set(text);
  }
  async kept(): Promise<string> {
    return this.#text.get();
  }
}
