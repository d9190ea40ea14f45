/** Programs that host their own actors as members of Dapr's placement, with reminders in its scheduler. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { component, createSystem, type System } from '../../runtime/index.ts';
import { Actor } from '../../runtime/actor/index.ts';
import { startPlacement, startScheduler } from '../servers/dapr.ts';
import type { TestServer } from '../servers/process.ts';
import { startRedis } from '../servers/redis.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const WAIT = { timeout: 30_000, interval: 50 };
const fired: string[] = [];

class Counter extends Actor {
  static readonly type = 'Counter';
  readonly #count = this.state('count', { initial: () => ({ value: 0 }) });

  async add(by: number): Promise<number> {
    const count = await this.#count.get();
    return (count.value += by);
  }

  async addTo(other: string): Promise<number> {
    return this.ctx.ref<Counter>('Counter', other).add(1);
  }

  async wake(): Promise<void> {
    await this.ctx.reminders.set('up', { due: '1s', data: { from: this.ctx.id } });
  }

  override async onReminder({ name, data }: { name: string; data: unknown }): Promise<void> {
    fired.push(`${this.ctx.id} ${name} ${JSON.stringify(data)}`);
    await this.add(100);
  }
}

const ids = Array.from({ length: 20 }, (_, i) => `c-${i}`);
let servers: TestServer[] = [];
let systems: System[] = [];

async function open(): Promise<System> {
  const [placement, scheduler, redis] = servers as [TestServer, TestServer, TestServer];
  const redisHost = `127.0.0.1:${redis.port}`;
  return createSystem({
    runtime: 'sidecar',
    appId: 'programs',
    actors: [Counter],
    components: [component('store', 'state.redis', { redisHost, actorStateStore: 'true' })],
    controlPlane: {
      placement: `127.0.0.1:${placement.port}`,
      scheduler: `127.0.0.1:${scheduler.port}`,
    },
    logger: silent,
  });
}

const active = ({ actors }: System): number =>
  actors.types().reduce((sum, { count }) => sum + count, 0);

beforeAll(async () => {
  servers = await Promise.all([startPlacement(), startScheduler(), startRedis()]);
  systems = await Promise.all([open(), open()]);
});
afterAll(async () => {
  await Promise.all(systems.map((system) => system.close()));
  await Promise.all(servers.map((server) => server.stop()));
});

it('share their actors, call each other, and take over with the state', async () => {
  const [one, other] = systems as [System, System];
  await vi.waitFor(async () => {
    for (const id of ids) await one.ref(Counter, id).add(0);
    expect([active(one) > 0, active(other) > 0]).toEqual([true, true]);
  }, WAIT);
  for (const id of ids) expect(await one.ref(Counter, id).add(1)).toBe(1);
  for (const id of ids) expect(await other.ref(Counter, id).add(1)).toBe(2);
  for (const [i, id] of ids.entries()) {
    expect(await one.ref(Counter, ids[(i + 1) % ids.length]!).addTo(id)).toBe(3);
  }
  for (const id of ids) await other.ref(Counter, id).wake();
  await vi.waitFor(() => expect(fired).toHaveLength(ids.length), WAIT);
  expect(new Set(fired)).toEqual(new Set(ids.map((id) => `${id} up {"from":"${id}"}`)));
  // Each waits for the turn of its reminder.
  for (const id of ids) expect(await other.ref(Counter, id).add(0)).toBe(103);
  await one.close();
  for (const id of ids) expect(await other.ref(Counter, id).add(1)).toBe(104);
});
