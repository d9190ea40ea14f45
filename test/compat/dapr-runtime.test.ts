/** Actors of a program behind the official daprd, its placement and its scheduler. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystem, type System } from '../../runtime/index.ts';
import { Actor, ActorError } from '../../runtime/actor/index.ts';
import { DRAIN } from '../../runtime/stores/dapr-store.ts';
import type { Daprd } from '../servers/dapr.ts';
import { startDaprSet, type DaprSet } from '../servers/dapr-set.ts';

const seen: string[] = [];

class Counter extends Actor {
  static readonly type = 'Counter';
  static readonly subscriptions = [
    {
      topic: 'clicks',
      method: 'clicked',
      id: (event: { data: unknown }) => String((event.data as { id: string }).id),
    },
  ];
  readonly #count = this.state('count', { initial: () => ({ value: 0 }) });

  async add(by: number): Promise<number> {
    const count = await this.#count.get();
    return (count.value += by);
  }

  async fail(): Promise<never> {
    (await this.#count.get()).value = 1000;
    throw new ActorError('SOLD_OUT', 'nothing left', { details: { left: 0 }, status: 409 });
  }

  async wake(): Promise<void> {
    await this.ctx.reminders.set('up', { due: '1s', data: { from: 'wake' } });
    this.ctx.timers.set('tick', { due: '50ms', method: 'ticked', data: 7 });
  }

  ticked(data: number): void {
    seen.push(`tick ${data}`);
  }

  override onReminder({ name, data }: { name: string; data: unknown }): void {
    seen.push(`${name} ${JSON.stringify(data)}`);
  }

  async send(to: string): Promise<void> {
    await this.add(0);
    this.ctx.outbox.ref<Counter>('Counter', to).add(5);
    this.ctx.outbox.publish('clicks', { id: `${to}-clicked` });
  }

  async clicked(): Promise<void> {
    await this.add(100);
  }

  async loop(): Promise<unknown> {
    return this.ctx.ref<Counter>('Counter', this.ctx.id).add(1);
  }
}

let set: DaprSet;

beforeAll(async () => {
  set = await startDaprSet();
});

afterAll(() => set?.[Symbol.asyncDispose]());

describe.each(['HTTP', 'the actor stream'])('over %s', (wire) => {
  let daprd: Daprd;
  let system: System;

  beforeAll(async () => {
    seen.length = 0;
    const appPort = wire === 'HTTP' ? { appPort: await set.freePort() } : {};
    daprd = await set.daprd({ appId: wire === 'HTTP' ? 'shop' : 'stream', ...appPort });
    const { httpPort, grpcPort } = daprd;
    system = await createSystem({
      runtime: 'dapr',
      appId: 'shop',
      actors: [Counter],
      dapr: { httpPort, grpcPort, ...appPort },
    });
  });

  afterAll(async () => {
    await system?.close();
    await daprd?.stop();
  });

  it('answers calls through daprd', async () => {
    const clicks = system.ref(Counter, 'a');
    expect(await clicks.add(40)).toBe(40);
    expect(await clicks.add(2)).toBe(42);
    const answer = await fetch(
      `http://127.0.0.1:${daprd.httpPort}/v1.0/actors/Counter/a/method/add`,
      { method: 'PUT', body: '1' },
    );
    expect(await answer.json()).toBe(43);
  });

  it('keeps the identity of an error, and no state of the turn that threw it', async () => {
    const clicks = system.ref(Counter, 'b');
    await clicks.add(1);
    await expect(clicks.fail()).rejects.toMatchObject({
      code: 'SOLD_OUT',
      message: 'nothing left',
      details: { left: 0 },
      status: 409,
      application: true,
      actor: { type: 'Counter', id: 'b' },
      method: 'fail',
    });
    expect(await clicks.add(1)).toBe(2);
    await expect((clicks as unknown as { no(): Promise<void> }).no()).rejects.toMatchObject({
      code: 'METHOD_NOT_FOUND',
    });
  });

  it('fails a call of a program that does not know how Troupe says an error', async () => {
    const answer = await fetch(
      `http://127.0.0.1:${daprd.httpPort}/v1.0/actors/Counter/b/method/fail`,
      { method: 'POST' },
    );
    expect(answer.status).toBe(500);
    const { errorCode, message } = (await answer.json()) as Record<string, string>;
    expect(errorCode).toBe('ERR_ACTOR_INVOKE_METHOD');
    expect(message).toMatch(/error from actor service: .*"SOLD_OUT","message":"nothing left"/);
  });

  it('fires reminders of the scheduler, and timers of daprd', async () => {
    await system.ref(Counter, 'c').wake();
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['tick 7', 'up {"from":"wake"}']);
  });

  it('delivers what the outbox holds, and topics into actors', async () => {
    await system.ref(Counter, 'd').send('e');
    await expect.poll(() => system.ref(Counter, 'e').add(0), { timeout: 20_000 }).toBe(5);
    await expect.poll(() => system.ref(Counter, 'e-clicked').add(0), { timeout: 20_000 }).toBe(100);
    await system.outboxIdle();
  });

  it('names a deadlock', async () => {
    await expect(system.ref(Counter, 'f').loop()).rejects.toMatchObject({ code: 'DEADLOCK' });
  });

  it('forgets its actors when daprd begins anew', async () => {
    const clicks = system.ref(Counter, 'g');
    expect(await clicks.add(40)).toBe(40);
    await daprd.restart();
    // Its store was in memory, so an actor that came back with 40 would have kept it in this process.
    const first = async (): Promise<number> => clicks.add(1).catch(() => 0);
    await expect.poll(first, { timeout: 30_000 }).toSatisfy((n: number) => n > 0 && n < 40);
  });
});

it('sends from an outbox what the process that committed it did not', async () => {
  class Late extends Actor {
    static readonly type = 'Late';
    async hear(text: string): Promise<void> {
      seen.push(text);
    }
  }
  class Sender extends Actor {
    static readonly type = 'Sender';
    async send(text: string): Promise<void> {
      this.ctx.outbox.ref<Late>('Late', 'l').hear(text);
    }
  }
  const { httpPort, grpcPort } = await set.daprd({ appId: 'outbox' });
  const options = { runtime: 'dapr', appId: 'outbox', dapr: { httpPort, grpcPort } } as const;
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const before = await createSystem({ ...options, logger, actors: [Sender] });
  await before.ref(Sender, 's').send('from the one before');
  expect(before.stats().pendingOutbox, 'nobody hosts the receiver').toBe(1);
  const url = `http://127.0.0.1:${httpPort}/v1.0/actors/Sender/s/reminders/${DRAIN}`;
  const status = async (): Promise<number> => (await fetch(url)).status;
  expect(await status()).toBe(200);
  await before.close();
  seen.length = 0;

  // Reminders that wake the sender come 10 s after the commit and every 10 s from then on; one may
  // come while nobody hosts it yet.
  await using after = await createSystem({ ...options, actors: [Sender, Late] });
  await expect.poll(() => seen, { timeout: 120_000 }).toEqual(['from the one before']);
  await after.outboxIdle();
  await expect.poll(status, { timeout: 120_000 }).toBe(404);
});
