import { expect, it } from 'vitest';
import { Actor, type Firing, type TimerOptions } from '../../runtime/actor/index.ts';
import { codeOf } from './stage.ts';
import { everyRuntime, type Running } from './table.ts';

interface Fired {
  name: string;
  at: number;
  data: unknown;
}

class Alarm extends Actor {
  static readonly type = 'Alarm';
  readonly #fired = this.state('fired', { initial: (): Fired[] => [] });

  async time({ name, ...options }: TimerOptions & { name: string }): Promise<void> {
    this.ctx.timers.set(name, options);
  }
  async stop(name: string): Promise<void> {
    this.ctx.timers.delete(name);
  }
  async fired(): Promise<Fired[]> {
    return this.#fired.get();
  }

  override async onTimer(firing: Firing): Promise<void> {
    if (firing.name === 'replaced by itself' && (await this.#fired.get()).length === 0)
      this.ctx.timers.set('replaced by itself', { due: '10s' });
    if (firing.name === 'stops itself') this.ctx.timers.delete('stops itself');
    await this.#note(firing);
  }

  async tick(data: unknown): Promise<void> {
    await this.#note({ name: 'tick', data, due: this.ctx.now() });
  }

  async #note({ name, data }: Firing): Promise<void> {
    (await this.#fired.get()).push({ name, at: this.ctx.now(), data });
  }
}

const actors = [Alarm];
const alarm = (host: Running) => host.ref<Alarm>('Alarm', 'a');

/** Seconds after `start` at which each firing happened. */
async function seconds(host: Running, start: number): Promise<number[]> {
  return (await alarm(host).fired()).map(({ at }) => (at - start) / 1000);
}

everyRuntime('timers', (open) => {
  it('fire as often as they say, into a method if they name one', async () => {
    await using host = await open({ actors });
    const start = host.clock.now();
    await alarm(host).time({ name: 't', due: '10s', period: 'R2/PT5S' });
    await alarm(host).time({ name: 'u', due: '12s', method: 'tick', data: { b: 1 } });
    await host.clock.advance('1h');
    const fired = (await alarm(host).fired()).map(({ name, at, data }) => [
      name,
      (at - start) / 1000,
      data,
    ]);
    expect(fired).toEqual([
      ['t', 10, undefined],
      ['tick', 12, { b: 1 }],
      ['t', 15, undefined],
    ]);
  });

  it('end with idle passivation, and take calendar periods', async () => {
    await using host = await open({ actors });
    await alarm(host).time({ name: 't', due: 'P1D', period: 'P1D' });
    await host.clock.advance('40h');
    expect(await alarm(host).fired()).toEqual([]);
  });

  it('may be replaced and stopped by their own firing', async () => {
    await using host = await open({ actors });
    const start = host.clock.now();
    await alarm(host).time({ name: 'replaced by itself', due: '1s', period: '1s' });
    await host.clock.advance('30s');
    expect(await seconds(host, start)).toEqual([1, 11]);
    await alarm(host).time({ name: 'stops itself', due: '1s', period: '1s' });
    await host.clock.advance('30s');
    expect(await alarm(host).fired()).toHaveLength(3);
  });

  it('are refused when they name a method that is not there', async () => {
    await using host = await open({ actors });
    expect(await codeOf(alarm(host).time({ name: 't', method: 'onActivate' }))).toBe(
      'METHOD_NOT_FOUND',
    );
    expect(await codeOf(alarm(host).time({ name: 't', due: 'soon' }))).toBe('INVALID_ARGUMENT');
  });

  it('can be stopped', async () => {
    await using host = await open({ actors });
    await alarm(host).time({ name: 't', due: '1s' });
    await alarm(host).stop('t');
    await host.clock.advance('1m');
    expect(await alarm(host).fired()).toEqual([]);
  });
});
