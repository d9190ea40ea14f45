/** What happens to requests when the server is not there, is killed, stands still or refuses. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createClient } from '@redis/client';
import { describe, expect, it, vi } from 'vitest';
import { startRedis } from '../../../../test/servers/redis.ts';
import type { ComponentMetadata } from '../../../component.ts';
import { createTestClock, type LogEntry, testOptions } from '../../../test-clock.ts';
import { expectCode } from '../../conformance/subject.ts';
import type { StateStore } from '../../contract.ts';
import { driver } from '../redis.ts';

function open(
  port: number,
  metadata: ComponentMetadata = {},
  { signal = new AbortController().signal, log }: { signal?: AbortSignal; log?: LogEntry[] } = {},
): Promise<StateStore> {
  const all = { redisHost: `127.0.0.1:${port}`, ...metadata };
  return driver.create(testOptions('state.redis', all, createTestClock(), log), { signal });
}

/** Resolves once a write is taken again. */
async function recovered(store: StateStore): Promise<void> {
  await vi.waitFor(() => store.apply({ kind: 'set', key: 'again', value: '1' }));
}

describe('opening', () => {
  it('fails at once, by name, where no server is', async () => {
    const server = await startRedis();
    await server.stop();
    const opening = open(server.port);
    await expectCode(opening, 'UNAVAILABLE');
    await expect(opening).rejects.toThrow(`cannot reach redis at 127.0.0.1:${server.port}`);
  });

  it('fails with the answer of the server to a wrong or missing password, which is not repeated', async () => {
    await using server = await startRedis({ password: 'right-secret' });
    await using store = await open(server.port, { redisPassword: 'right-secret' });
    await store.ping();
    await expectCode(open(server.port), 'COMPONENT');
    const wrong = open(server.port, { redisPassword: 'wrong-secret' });
    await expectCode(wrong, 'COMPONENT');
    await expect(wrong).rejects.toThrow(/WRONGPASS/);
    await expect(wrong).rejects.not.toThrow(/secret/);
  });

  it('gives up at dialTimeout, or when it is cancelled, on a server that accepts and stays silent', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const sockets = new Set<{ destroy(): void }>();
    silent.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
    const { port } = silent.address() as AddressInfo;
    await expectCode(open(port, { dialTimeout: '50ms' }), 'UNAVAILABLE');
    const abort = new AbortController();
    const opening = open(port, {}, { signal: abort.signal });
    abort.abort();
    await expectCode(opening, 'CANCELLED');
    await expectCode(open(port, {}, { signal: AbortSignal.abort() }), 'CANCELLED');
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});

describe('a server that is killed under load', () => {
  it('loses nothing that was acknowledged, and the store works again after its return', async () => {
    await using server = await startRedis();
    const log: LogEntry[] = [];
    await using store = await open(server.port, {}, { log });
    const acknowledged: string[] = [];
    const failures: { code?: string; retryable?: boolean }[] = [];
    let next = 0;
    async function writer(): Promise<void> {
      while (failures.length < 32) {
        const key = `k${next++}`;
        try {
          await store.transact([{ kind: 'set', key, value: '1' }]);
          acknowledged.push(key);
        } catch (error) {
          failures.push(error as { code?: string });
        }
        if (acknowledged.length === 2_000) void server.kill();
      }
    }
    await Promise.all(Array.from({ length: 32 }, writer));
    expect(failures.every(({ code }) => code === 'UNAVAILABLE')).toBe(true);
    // What was on its way may have happened; what came later was not sent.
    expect(failures.some(({ retryable }) => retryable === false)).toBe(true);
    const offline = store.get('k0');
    await expect(offline).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await expect(offline).rejects.toThrow(/nothing was sent/);
    await expectCode(store.ping(), 'UNAVAILABLE');

    await server.restart();
    await recovered(store);
    const rows = await store.getBulk(acknowledged);
    expect(acknowledged.length).toBeGreaterThanOrEqual(2_000);
    expect(rows.filter((row) => row.value === undefined)).toEqual([]);
    expect(log.map(({ message }) => message)).toEqual([
      'redis connection lost',
      'redis connection restored',
    ]);
  });

  it('does not keep close from ending', async () => {
    await using server = await startRedis();
    const store = await open(server.port);
    await server.kill();
    await expect.poll(() => store.ping().catch((error: Error) => error.message)).toMatch(/lost/);
    await store.close();
    await expect(store.ping()).rejects.toThrow(/is closed/);
  });
});

describe('a server that stands still', () => {
  it('fails what waits after readTimeout, and close does not wait longer', async () => {
    await using server = await startRedis();
    await using store = await open(server.port, { readTimeout: '2s' });
    const closing = await open(server.port, { readTimeout: '2s' });
    server.freeze();
    const write = store.apply({ kind: 'set', key: 'k', value: '1' });
    await expect(write).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    await expect(write).rejects.toThrow(/readTimeout/);
    const last = closing.get('k');
    await Promise.all([expectCode(last, 'UNAVAILABLE'), closing.close()]);
    server.thaw();
    await recovered(store);
  });
});

describe('a server that may lose what it acknowledged', () => {
  it('is told of when it keeps actors, and only then', async () => {
    await using server = await startRedis();
    const warnings = async (metadata: ComponentMetadata): Promise<string[]> => {
      const log: LogEntry[] = [];
      await (await open(server.port, metadata, { log })).close();
      return log.flatMap(({ level, message }) => (level === 'warn' ? [message] : []));
    };
    expect(await warnings({ actorStateStore: 'true' })).toEqual([]);
    const plain = await createClient({ socket: { port: server.port } }).connect();
    await plain.configSet({ appendfsync: 'everysec', 'maxmemory-policy': 'allkeys-lru' });
    plain.destroy();
    expect(await warnings({ actorStateStore: 'true' })).toEqual([
      expect.stringContaining('appendfsync always'),
      expect.stringContaining('noeviction'),
    ]);
    expect(await warnings({})).toEqual([]);
  });
});

describe('a server that refuses', () => {
  it('fails a write that finds no memory, whole, and with the answer of the server', async () => {
    await using server = await startRedis();
    await using store = await open(server.port);
    const plain = await createClient({ socket: { port: server.port } }).connect();
    await store.apply({ kind: 'set', key: 'k', value: '1' });
    await plain.configSet('maxmemory', '1');
    const write = store.transact([
      { kind: 'set', key: 'k', value: '2' },
      { kind: 'set', key: 'l', value: '2' },
    ]);
    await expectCode(write, 'COMPONENT');
    await expect(write).rejects.toThrow(/OOM/);
    const rows = await store.getBulk(['k', 'l']);
    expect(rows.map(({ value }) => value)).toEqual(['1', undefined]);
    await plain.configSet('maxmemory', '0');
    // The server forgets its scripts on request; they are sent again.
    await plain.scriptFlush();
    await store.apply({ kind: 'set', key: 'k', value: '3' });
    expect((await store.get('k'))?.value).toBe('3');
    plain.destroy();
  });
});
