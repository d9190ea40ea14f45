/** Actors whose state is in a real Redis: across hosts, and across a loss of the server. */
import { Actor, type Firing } from 'troupe/actor';
import { component, createSystem, type System } from 'troupe';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { TestServer } from './process.ts';
import { startRedis } from './redis.ts';

class Tally extends Actor {
  static readonly type = 'Tally';
  readonly #sum = this.state('sum', { initial: () => ({ value: 0, rings: 0 }) });

  async add(amount: number): Promise<number> {
    const sum = await this.#sum.get();
    sum.value += amount;
    return sum.value;
  }

  async rings(): Promise<number> {
    return (await this.#sum.get()).rings;
  }

  async ringIn(due: string): Promise<void> {
    await this.ctx.reminders.set('ring', { due });
  }

  async leave(): Promise<void> {
    this.ctx.delete();
  }

  override async onReminder(_: Firing): Promise<void> {
    (await this.#sum.get()).rings += 1;
  }
}

let server: TestServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

function host(appId: string): Promise<System> {
  const redisHost = `127.0.0.1:${server.port}`;
  return createSystem({
    appId,
    actors: [Tally],
    components: [
      component('statestore', 'state.redis', { redisHost, actorStateStore: 'true' }),
      component('pubsub', 'pubsub.in-memory', {}),
    ],
  });
}

it('keeps state and reminders of actors from one host to the next', async () => {
  const first = await host('next');
  const tally = first.ref<Tally>('Tally', 'a');
  await tally.add(2);
  await tally.ringIn('50ms');
  await first.close();
  await using second = await host('next');
  const again = second.ref<Tally>('Tally', 'a');
  await vi.waitFor(async () => expect(await again.rings()).toBe(1), { timeout: 10_000 });
  expect(await again.add(3)).toBe(5);
  await again.leave();
  expect(await again.add(1)).toBe(1);
});

it('fences the host that an actor was taken from', async () => {
  await using older = await host('fence');
  await older.ref<Tally>('Tally', 'a').add(1);
  await using newer = await host('fence');
  expect(await newer.ref<Tally>('Tally', 'a').add(1)).toBe(2);
  await expect(older.ref<Tally>('Tally', 'a').add(100)).rejects.toMatchObject({ code: 'FENCED' });
  expect(await newer.ref<Tally>('Tally', 'a').add(1)).toBe(3);
});

it('loses no acknowledged turn when the server is killed under load, and goes on after its return', async () => {
  await using system = await host('killed');
  const acknowledged = new Map<string, number>();
  const unknown = new Map<string, number>();
  const codes = new Set<unknown>();
  let done = 0;
  let failed = 0;
  async function caller(id: string): Promise<void> {
    while (failed < 64) {
      try {
        await system.ref<Tally>('Tally', id).add(1);
        acknowledged.set(id, (acknowledged.get(id) ?? 0) + 1);
        if (++done === 2_000) void server.kill();
      } catch (error) {
        codes.add((error as { code?: string }).code);
        unknown.set(id, (unknown.get(id) ?? 0) + 1);
        failed += 1;
      }
    }
  }
  const ids = Array.from({ length: 32 }, (_, i) => `t${i}`);
  await Promise.all(ids.map(caller));
  expect([...codes]).toEqual(['UNAVAILABLE']);

  await server.restart();
  await vi.waitFor(() => system.ref<Tally>('Tally', 'probe').add(1), { timeout: 10_000 });
  for (const id of ids) {
    const sum = await system.ref<Tally>('Tally', id).add(0);
    const least = acknowledged.get(id) ?? 0;
    expect(sum).toBeGreaterThanOrEqual(least);
    expect(sum).toBeLessThanOrEqual(least + (unknown.get(id) ?? 0));
  }
});
