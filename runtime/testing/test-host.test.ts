import { expect, it } from 'vitest';
import { Actor } from '../actor/index.ts';
import { createTestHost } from './index.ts';

class Sleeper extends Actor {
  static readonly type = 'Sleeper';
  readonly #woken = this.state('woken', { initial: () => 0 });
  async sleep(duration: string): Promise<number> {
    await this.ctx.sleep(duration);
    this.#woken.set((await this.#woken.get()) + 1);
    return this.ctx.now();
  }
  async never(): Promise<void> {
    await new Promise(() => {});
  }
  async woken(): Promise<number> {
    return this.#woken.get();
  }
}

const actors = [Sleeper];

it('starts at the given time, which stands still until it is advanced', async () => {
  const start = new Date('2026-05-01T00:00:00Z');
  await using host = await createTestHost({ actors, start, defaultTimeout: '10d' });
  expect(host.clock.now()).toBe(start.getTime());
  const woken = host.ref(Sleeper, 'a').sleep('3d');
  await host.settled();
  expect(host.clock.now()).toBe(start.getTime());
  await host.clock.advance('2d');
  expect(host.clock.now()).toBe(Date.parse('2026-05-03T00:00:00Z'));
  await host.clock.advance('2d');
  expect(await woken, 'the sleeper woke on time, not when the advance ended').toBe(
    Date.parse('2026-05-04T00:00:00Z'),
  );
});

it.each(['-1s', 'soon', Number.NaN])('refuses to advance by %s', async (by) => {
  await using host = await createTestHost({ actors });
  await expect(host.clock.advance(by)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

it('keeps what was committed over a crash, and loses the turn that ran', async () => {
  await using host = await createTestHost({ actors });
  const first = host.ref(Sleeper, 'a').sleep('1s');
  await host.clock.advance('1s');
  await first;
  const lost = host.ref(Sleeper, 'a').sleep('1s');
  lost.catch(() => {});
  await host.crash();
  const ref = host.ref(Sleeper, 'a');
  expect(() => ref.woken()).toThrow('restart()');
  await host.restart();
  await host.clock.advance('1h');
  expect(await ref.woken(), 'a ref outlives the restart').toBe(1);
});

it('refuses to hibernate an actor that is busy', async () => {
  await using host = await createTestHost({ actors });
  const sleeping = host.ref(Sleeper, 'a').sleep('1s');
  await expect(host.hibernate('Sleeper', 'a')).rejects.toMatchObject({ code: 'CONFLICT' });
  await host.clock.advance('1s');
  await sleeping;
  await host.hibernate('Sleeper', 'a');
  expect(host.system.stats().activeActors).toBe(0);
});

it('closes although a turn never ends and another sleeps', async () => {
  const host = await createTestHost({ actors });
  host
    .ref(Sleeper, 'a')
    .never()
    .catch(() => {});
  host
    .ref(Sleeper, 'b')
    .sleep('1h')
    .catch(() => {});
  await host.close();
  await host.close();
  expect(host.logs.map(({ message }) => message)).toContain(
    'turns were still running when the host stopped',
  );
});

it('ends the calls in flight when the host crashes', async () => {
  await using host = await createTestHost({ actors });
  const asleep = host.ref(Sleeper, 'a').sleep('1h');
  const waiting = host.ref(Sleeper, 'a').sleep('1h');
  const codes = Promise.all([asleep, waiting].map((call) => call.catch((error) => error.code)));
  await host.crash();
  expect(await codes).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
});

it('hibernates no actor of an unknown type', async () => {
  await using host = await createTestHost({ actors });
  await expect(host.hibernate('Nobody', 'a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
