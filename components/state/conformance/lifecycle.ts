/** Opening, closing, and data that outlives both. */
import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../test-clock.ts';
import { expectCode, type StateSubject, type WithStore } from './subject.ts';

export function lifecycleTests(withStore: WithStore, subject: StateSubject): void {
  describe('lifecycle', () => {
    it(
      'answers a ping while it is open',
      withStore(async (store) => {
        await expect(store.ping()).resolves.toBeUndefined();
      }),
    );

    it(
      'closes twice, and refuses every use afterwards',
      withStore(async (store) => {
        await store.apply({ kind: 'set', key: 'k', value: '1' });
        await store.close();
        await store.close();
        await store[Symbol.asyncDispose]();
        const uses = [
          store.get('k'),
          store.getBulk(['k']),
          store.apply({ kind: 'set', key: 'k', value: '2' }),
          store.transact([{ kind: 'delete', key: 'k' }]),
          store.range({ index: 'i', limit: 1 }),
          store.ping(),
        ];
        for (const use of uses) {
          await expectCode(use, 'COMPONENT');
          await expect(use).rejects.toThrow(/is closed/);
        }
      }),
    );

    it(
      'finishes what was asked before it was closed',
      withStore(async (store) => {
        const writes = Array.from({ length: 20 }, (_, i) =>
          store.apply({ kind: 'set', key: `k${i}`, value: '1' }),
        );
        await store.close();
        expect(await Promise.all(writes)).toHaveLength(20);
      }),
    );

    it('shares nothing with another store that was created apart', async () => {
      const clock = createTestClock();
      const first = await subject.create(clock);
      const second = await subject.create(clock);
      await first.apply({ kind: 'set', key: 'k', value: '1' });
      expect(await second.get('k')).toBeUndefined();
      await Promise.all([first.close(), second.close()]);
    });

    const { reopen } = subject;
    if (reopen) {
      it('has everything again when it is opened again', async () => {
        const clock = createTestClock();
        const before = await subject.create(clock);
        const bytes = new Uint8Array([0, 255]);
        const etag = await before.apply({ kind: 'set', key: 'text', value: '"ü"' });
        await before.apply({ kind: 'set', key: 'bytes', value: bytes });
        await before.apply({ kind: 'set', key: 'short', value: '1', ttlSeconds: 10 });
        await before.apply({ kind: 'set', key: 'i', value: '1', index: { name: 'x', score: 7 } });
        await before.close();
        clock.advance(10_000);
        await using after = await reopen.call(subject, before, clock);
        expect(await after.get('text')).toEqual({ key: 'text', value: '"ü"', etag });
        expect((await after.get('bytes'))?.value).toEqual(bytes);
        expect(await after.get('short')).toBeUndefined();
        expect((await after.range({ index: 'x', limit: 9 })).map((item) => item.score)).toEqual([
          7,
        ]);
        await after.apply({ kind: 'set', key: 'text', value: '2', etag: etag! });
      });
    }
  });
}
