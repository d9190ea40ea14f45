import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestServer } from '../../../../test/servers/process.ts';
import { startRedis } from '../../../../test/servers/redis.ts';
import { testOptions } from '../../../test-clock.ts';
import { expectCode } from '../../conformance/subject.ts';
import type { StateOperation, StateStore } from '../../contract.ts';
import { driver } from '../redis.ts';

let server: TestServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

let databases = 0;
function open(): Promise<StateStore> {
  const metadata = { redisHost: `127.0.0.1:${server.port}`, redisDB: String(databases++) };
  return driver.create(testOptions('state.redis', metadata), {
    signal: new AbortController().signal,
  });
}

const set = (key: string): StateOperation => ({ kind: 'set', key, value: '1' });

/** How many scripts the server ran while `body` ran. */
async function scriptsIn(body: () => Promise<unknown>): Promise<number> {
  const plain = await createClient({ socket: { port: server.port } }).connect();
  await plain.configResetStat();
  await body();
  const stats = await plain.info('commandstats');
  plain.destroy();
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

describe('group commit', () => {
  it('sends what becomes ready together as one command', async () => {
    await using store = await open();
    const scripts = await scriptsIn(() =>
      Promise.all(Array.from({ length: 200 }, (_, i) => store.transact([set(`k${i}`)]))),
    );
    expect(scripts).toBe(1);
  });

  it('cuts what is too much for one command, and keeps the order', async () => {
    await using store = await open();
    let last: Promise<(string | undefined)[]> | undefined;
    const scripts = await scriptsIn(async () => {
      for (let i = 0; i < 3_000; i++)
        last = store.transact([{ kind: 'set', key: 'k', value: String(i) }]);
      await last;
    });
    expect(scripts).toBeGreaterThan(1);
    expect(scripts).toBeLessThan(10);
    expect(await store.get('k')).toMatchObject({ value: '2999', etag: (await last!)[0] });
  });

  it('takes a transaction that is larger than a batch', async () => {
    await using store = await open();
    const etags = await store.transact(Array.from({ length: 5_000 }, (_, i) => set(`k${i}`)));
    expect(new Set(etags).size).toBe(5_000);
    expect((await store.get('k4999'))?.etag).toBe(etags[4_999]);
  });

  it('lets a transaction see those before it in the same command', async () => {
    await using store = await open();
    const results = await Promise.allSettled([
      store.transact([{ kind: 'check', key: 'lock', etag: null }, set('lock'), set('a')]),
      store.transact([{ kind: 'check', key: 'lock', etag: null }, set('lock'), set('b')]),
      store.transact([{ kind: 'delete', key: 'lock' }]),
      store.transact([{ kind: 'check', key: 'lock', etag: null }, set('lock'), set('c')]),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(results[1]).toMatchObject({ reason: { code: 'CONFLICT', details: { key: 'lock' } } });
    const rows = await store.getBulk(['a', 'b', 'c']);
    expect(rows.map(({ value }) => value)).toEqual(['1', undefined, '1']);
  });

  it('leaves out what is cancelled while it waits', async () => {
    await using store = await open();
    const abort = new AbortController();
    const first = store.apply({ kind: 'set', key: 'a', value: '1' }, { signal: abort.signal });
    const second = store.transact([set('b')]);
    abort.abort();
    await expectCode(first, 'CANCELLED');
    await second;
    expect((await store.getBulk(['a', 'b'])).map(({ value }) => value)).toEqual([undefined, '1']);
  });

  it('has sent all that was asked for when it is closed', async () => {
    const store = await open();
    const writes = Array.from({ length: 3_000 }, (_, i) => store.transact([set(`k${i}`)]));
    await store.close();
    expect(await Promise.all(writes)).toHaveLength(3_000);
  });
});
