/** What happens to requests when the server is not there, is killed, stands still or refuses. */
import { describe, expect, it, vi } from 'vitest';
import { makeCertificates, startEtcd } from '../../../../test/servers/etcd.ts';
import type { ComponentMetadata } from '../../../component.ts';
import { createTestClock, type LogEntry, testOptions } from '../../../test-clock.ts';
import { expectCode } from '../../conformance/subject.ts';
import type { StateStore } from '../../contract.ts';
import { driver } from '../etcd.ts';

function open(
  port: number,
  metadata: ComponentMetadata = {},
  { signal = new AbortController().signal, log }: { signal?: AbortSignal; log?: LogEntry[] } = {},
): Promise<StateStore> {
  const all = { endpoints: `127.0.0.1:${port}`, ...metadata };
  return driver.create(testOptions('state.etcd', all, createTestClock(), log), { signal });
}

/** Resolves once a write is taken again. */
async function recovered(store: StateStore): Promise<void> {
  await vi.waitFor(() => store.apply({ kind: 'set', key: 'again', value: '1' }));
}

describe('opening', () => {
  it('fails by name where no server is, and when it is cancelled', async () => {
    const server = await startEtcd();
    await server.stop();
    const opening = open(server.port, { timeout: '500ms' });
    await expectCode(opening, 'UNAVAILABLE');
    await expect(opening).rejects.toThrow(`cannot reach etcd at 127.0.0.1:${server.port}`);
    await expectCode(open(server.port, {}, { signal: AbortSignal.abort() }), 'CANCELLED');
    const abort = new AbortController();
    const late = open(server.port, {}, { signal: abort.signal });
    abort.abort();
    await expectCode(late, 'CANCELLED');
  });

  it('takes TLS with a certificate for each side, and user auth with roles', async () => {
    const certificates = await makeCertificates();
    await using server = await startEtcd({ certificates, password: 'right-secret' });
    const { ca, cert, key } = certificates;
    const metadata = { tlsEnable: 'true', ca, cert, key, username: 'root' };
    await using store = await open(server.port, { ...metadata, password: 'right-secret' });
    await store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 100 });
    expect((await store.get('k'))?.value).toBe('1');
    const wrong = open(server.port, { ...metadata, password: 'wrong-secret' });
    await expectCode(wrong, 'COMPONENT');
    await expect(wrong).rejects.toThrow(/authentication failed/);
    await expect(wrong).rejects.not.toThrow(/secret/);
    const noUser = { tlsEnable: 'true', ca, cert, key };
    await expectCode(open(server.port, noUser), 'COMPONENT');
    // Without a certificate the server takes no connection, and without TLS none either.
    const { cert: _cert, key: _key, ...bare } = metadata;
    const fast = { password: 'right-secret', timeout: '500ms' };
    await expectCode(open(server.port, { ...bare, ...fast }), 'UNAVAILABLE');
    await expectCode(open(server.port, { timeout: '500ms' }), 'UNAVAILABLE');
    await server.restart();
    // Its tokens are gone, so a new one is asked for.
    await recovered(store);
  });
});

describe('a server that is killed under load', () => {
  it('loses nothing that was acknowledged, and the store works again after its return', async () => {
    await using server = await startEtcd();
    const log: LogEntry[] = [];
    await using store = await open(server.port, { timeout: '2s' }, { log });
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
        if (acknowledged.length === 1_000) void server.kill();
      }
    }
    await Promise.all(Array.from({ length: 32 }, writer));
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['UNAVAILABLE']));
    // What was on its way may have happened; what came later was not sent.
    expect(failures.some(({ retryable }) => retryable === false)).toBe(true);
    const offline = store.get('k0');
    await expect(offline).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await expect(offline).rejects.toThrow(/nothing was sent/);
    await expectCode(store.ping(), 'UNAVAILABLE');
    expect(store.usage!()).toEqual({ connections: 0, inFlight: 0 });

    await server.restart();
    await recovered(store);
    expect(store.usage!()).toEqual({ connections: 1, inFlight: 0 });
    const rows = await store.getBulk(acknowledged);
    expect(acknowledged.length).toBeGreaterThanOrEqual(1_000);
    expect(rows.filter((row) => row.value === undefined)).toEqual([]);
    expect(log.map(({ message }) => message)).toEqual([
      'etcd connection lost',
      'etcd connection restored',
    ]);
  });
});

describe('a server that stands still', () => {
  it('fails what waits after the timeout, and close does not wait longer', async () => {
    await using server = await startEtcd();
    await using store = await open(server.port, { timeout: '2s' });
    const closing = await open(server.port, { timeout: '2s' });
    server.freeze();
    const write = store.apply({ kind: 'set', key: 'k', value: '1' });
    await expect(write).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    const last = closing.get('k');
    await Promise.all([expectCode(last, 'UNAVAILABLE'), closing.close()]);
    server.thaw();
    await recovered(store);
  });
});
