import { expect, it } from 'vitest';
import { Actor } from '../../runtime/actor/index.ts';
import { codeOf, createStage, errorOf, type Stage } from './stage.ts';
import { guarantee, type Running } from './table.ts';

class Hop extends Actor<Stage> {
  static readonly type = 'Hop';

  async deadline(): Promise<number> {
    return this.ctx.deadline - this.ctx.now();
  }

  /** Deadlines left at this hop and at those behind it, in milliseconds. */
  async left({ hops, timeout }: { hops: number; timeout?: number }): Promise<number[]> {
    const here = this.ctx.deadline - this.ctx.now();
    if (hops === 0) return [here];
    await this.ctx.sleep(1000);
    const next = this.ctx.ref<Hop>('Hop', `${this.ctx.id}+`);
    const options = timeout === undefined ? {} : { timeout };
    return [here, ...(await next.left({ hops: hops - 1 }, options))];
  }

  /** Waits at the last hop; every hop notes why it was woken. */
  async wait({ hops, duration }: { hops: number; duration: string }): Promise<void> {
    const { id } = this.ctx;
    this.ctx.signal.addEventListener('abort', () => {
      this.ctx.services.log.push(`${id} ${(this.ctx.signal.reason as { code: string }).code}`);
    });
    if (hops > 0) await this.ctx.ref<Hop>('Hop', `${id}+`).wait({ hops: hops - 1, duration });
    else await this.ctx.sleep(duration);
    this.ctx.services.log.push(`${id} done`);
  }

  /** Breaks the guarantee on purpose: does not look at its signal. */
  async deaf(): Promise<void> {
    for (let i = 0; i < 10; i++) await this.ctx.sleep('1s').catch(() => {});
    this.ctx.services.log.push('deaf done');
  }

  async note(text: string): Promise<void> {
    this.ctx.services.log.push(text);
  }

  async lateCall(): Promise<string> {
    await this.ctx.sleep('5s').catch(() => {});
    return codeOf(this.ctx.ref<Hop>('Hop', 'late').note('never')).then((code) => {
      this.ctx.services.log.push(`late call ${code}`);
      return code;
    });
  }
}

const actors = [Hop];
const hop = (host: Running, id = 'h') => host.ref<Hop>('Hop', id);

guarantee(7, 'deadlines shrink', (open) => {
  it('a call that names none has the default of the system, a minute', async () => {
    await using host = await open({ actors, services: createStage() });
    expect(await hop(host).deadline()).toBe(60_000);
    await using other = await open({ actors, services: createStage(), defaultTimeout: '3s' });
    expect(await hop(other).deadline()).toBe(3000);
    expect(await hop(host).deadline(undefined, { deadline: host.clock.now() + 5 })).toBe(5);
  });

  it('each hop has what is left', async () => {
    await using host = await open({ actors, services: createStage() });
    const left = hop(host).left({ hops: 3 }, { timeout: 10_000 });
    await host.clock.advance('5s');
    expect(await left).toEqual([10_000, 9000, 8000, 7000]);
  });

  it('an actor can shorten the time of its own calls and never lengthen it', async () => {
    await using host = await open({ actors, services: createStage() });
    const shorter = hop(host).left({ hops: 1, timeout: 500 }, { timeout: 10_000 });
    const longer = hop(host, 'l').left({ hops: 1, timeout: 99_000 }, { timeout: 10_000 });
    await host.clock.advance('5s');
    expect(await shorter).toEqual([10_000, 500]);
    expect(await longer).toEqual([10_000, 9000]);
  });

  it('when the time is over every hop is told, and the caller hears TIMEOUT', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const call = errorOf(hop(host).wait({ hops: 2, duration: '1h' }, { timeout: 5000 }));
    await host.clock.advance('4s');
    expect(stage.log).toEqual([]);
    await host.clock.advance('1s');
    expect((await call).code).toBe('TIMEOUT');
    expect(stage.log.toSorted()).toEqual(['h TIMEOUT', 'h+ TIMEOUT', 'h++ TIMEOUT']);
  });

  it('negative control: the check sees an actor that does not listen', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const call = errorOf(hop(host).deaf(undefined, { timeout: 5000 }));
    await host.clock.advance('1m');
    expect((await call).code).toBe('TIMEOUT');
    expect(stage.log).toEqual(['deaf done']);
  });

  it('cancellation travels as well', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const giveUp = new AbortController();
    const call = errorOf(hop(host).wait({ hops: 2, duration: '1h' }, { signal: giveUp.signal }));
    await host.clock.advance('1s');
    giveUp.abort(new Error('the user left'));
    expect(await call).toMatchObject({ code: 'CANCELLED', details: { started: true } });
    await host.settled();
    expect(stage.log.toSorted()).toEqual(['h CANCELLED', 'h+ CANCELLED', 'h++ CANCELLED']);
    expect(await hop(host, 'h++').deadline(), 'the actors are free again').toBe(60_000);
  });

  it('a call whose signal is aborted already, or whose time is over, does not start', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const signal = AbortSignal.abort();
    expect(await codeOf(hop(host).note('a', { signal }))).toBe('CANCELLED');
    expect(await codeOf(hop(host).note('b', { timeout: 0 }))).toBe('TIMEOUT');
    expect(await codeOf(hop(host).note('c', { deadline: 0 }))).toBe('TIMEOUT');
    await host.settled();
    expect(stage.log).toEqual([]);
  });

  it.each([{ timeout: -1 }, { timeout: Number.NaN }, { deadline: Number.NaN }])(
    'refuses %o',
    async (options) => {
      await using host = await open({ actors, services: createStage() });
      expect(await codeOf(hop(host).note('x', options))).toBe('INVALID_ARGUMENT');
    },
  );

  it('a queued call that expires, or is given up, never runs, and leaves its place', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const busy = hop(host).wait({ hops: 0, duration: '10s' });
    const giveUp = new AbortController();
    const expired = errorOf(hop(host).note('expired', { timeout: 1000 }));
    const given = errorOf(hop(host).note('given up', { signal: giveUp.signal }));
    const patient = hop(host).note('patient');
    await host.clock.advance('2s');
    giveUp.abort();
    expect(await expired).toMatchObject({ code: 'TIMEOUT', details: { started: false } });
    expect(await given).toMatchObject({ code: 'CANCELLED', details: { started: false } });
    await host.clock.advance('10s');
    await Promise.all([busy, patient]);
    expect(stage.log).toEqual(['h done', 'patient']);
  });

  it('after its time is over a turn cannot start calls any more', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const call = errorOf(hop(host).lateCall(undefined, { timeout: 1000 }));
    await host.clock.advance('10s');
    expect((await call).code).toBe('TIMEOUT');
    expect(stage.log).toEqual(['late call TIMEOUT']);
  });
});
