import { expect, it, vi } from 'vitest';
import { Actor } from '../actor/index.ts';
import type { CloudEvent } from '../actor/actor.ts';
import { createSystem } from '../index.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

class Tally extends Actor {
  static readonly type = 'Tally';
  static readonly subscriptions = [
    { topic: 'marks', method: 'mark', id: (event: CloudEvent) => String(event.data) },
  ];
  readonly #count = this.state('count', { initial: () => 0 });

  async mark(): Promise<void> {
    this.#count.set((await this.#count.get()) + 1);
  }

  count(): Promise<number> {
    return this.#count.get();
  }
}

it('a program may open a sidecar around its own actors', async () => {
  await using system = await createSystem({
    runtime: 'sidecar',
    appId: 'shop',
    actors: [Tally],
    http: { port: 0 },
    logger: silent,
  });
  const base = `http://${system.http!.host}:${system.http!.port}/v1.0`;
  expect((await fetch(`${base}/healthz`)).status).toBe(204);
  await system.publish('marks', 'a');
  const tally = system.ref(Tally, 'a');
  await vi.waitFor(async () => expect(await tally.count()).toBe(1));
  const put = await fetch(`${base}/actors/Tally/a/method/mark`, { method: 'PUT' });
  expect(put.status).toBe(200);
  const got = await fetch(`${base}/actors/Tally/a/method/count`);
  expect(await got.json()).toBe(2);
});

it('a runtime that there is not is named', () => {
  expect(() => createSystem({ runtime: 'cloud' as never, actors: [] })).toThrow(
    'there is no runtime "cloud"; known: embedded, sidecar',
  );
});
