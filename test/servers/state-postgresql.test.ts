/** Actors whose state is in a real PostgreSQL that is killed, frozen and started again in mid-load. */
import { Actor } from 'troupe/actor';
import { component, createSystem, type System } from 'troupe';
import { expect, it, vi } from 'vitest';
import { startPostgresql } from './postgresql.ts';
import type { TestServer } from './process.ts';

class Tally extends Actor {
  static readonly type = 'Tally';
  readonly #sum = this.state('sum', { initial: () => 0 });

  async add(amount: number): Promise<number> {
    this.#sum.set((await this.#sum.get()) + amount);
    return this.#sum.get();
  }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function host(server: TestServer): Promise<System> {
  const connectionString = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
  return createSystem({
    actors: [Tally],
    logger: silent,
    components: [
      {
        ...component('statestore', 'state.postgresql', {
          connectionString,
          timeout: '1s',
          actorStateStore: 'true',
        }),
        version: 'v2',
      },
      component('pubsub', 'pubsub.in-memory', {}),
    ],
  });
}

it.each([
  ['killed', (server: TestServer) => server.kill(), (server: TestServer) => server.restart()],
  [
    'frozen',
    async (server: TestServer) => server.freeze(),
    async (server: TestServer) => server.thaw(),
  ],
])(
  'loses no acknowledged turn when the server is %s under load, and goes on after its return',
  async (_, hurt, mend) => {
    await using server = await startPostgresql();
    await using system = await host(server);
    const ids = Array.from({ length: 16 }, (_unused, i) => `t${i}`);
    const acknowledged = new Map(ids.map((id) => [id, 0]));
    const unknown = new Map(ids.map((id) => [id, 0]));
    const codes = new Set<unknown>();
    let done = 0;
    let failed = 0;
    let isStopped = false;
    const lanes = ids.map(async (id) => {
      while (!isStopped) {
        try {
          await system.ref<Tally>('Tally', id).add(1);
          acknowledged.set(id, acknowledged.get(id)! + 1);
          done++;
        } catch (error) {
          unknown.set(id, unknown.get(id)! + 1);
          codes.add((error as { code?: unknown }).code);
          failed++;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    });
    await vi.waitFor(() => expect(done).toBeGreaterThan(200), { timeout: 20_000 });
    await hurt(server);
    await vi.waitFor(() => expect(failed).toBeGreaterThan(16), { timeout: 20_000 });
    const before = done;
    await mend(server);
    await vi.waitFor(() => expect(done).toBeGreaterThan(before + 200), { timeout: 30_000 });
    isStopped = true;
    await Promise.all(lanes);
    for (const id of ids) {
      const sum = await system.ref<Tally>('Tally', id).add(0);
      expect(sum).toBeGreaterThanOrEqual(acknowledged.get(id)!);
      expect(sum).toBeLessThanOrEqual(acknowledged.get(id)! + unknown.get(id)!);
    }
    expect([...codes]).toEqual(['UNAVAILABLE']);
  },
);
