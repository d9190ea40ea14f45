import { expect, it } from 'vitest';
import { Actor } from '../../runtime/actor/index.ts';
import { createTestHost } from '../../runtime/testing/index.ts';

class Herald extends Actor {
  static readonly type = 'Herald';
  async cry(text: string): Promise<void> {
    this.ctx.outbox.publish('news', text);
  }
}

it('an event whose handler fails waits for the virtual clock, and is handled when it moves', async () => {
  await using host = await createTestHost({ actors: [Herald] });
  const heard: unknown[] = [];
  let isDeaf = true;
  await host.system.subscribe({ topic: 'news' }, async ({ data }) => {
    if (isDeaf) throw new Error('deaf');
    heard.push(data);
  });
  await host.ref(Herald, 'h').cry('all is well');
  await host.settled();
  expect(heard).toEqual([]);
  isDeaf = false;
  await host.clock.advance('1m');
  expect(heard).toEqual(['all is well']);
  expect(host.system.stats().pendingOutbox).toBe(0);
});
