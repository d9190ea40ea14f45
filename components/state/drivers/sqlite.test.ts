import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type LogEntry, type TestClock, testOptions } from '../../test-clock.ts';
import { stateConformance } from '../conformance/suite.ts';
import type { StateStore } from '../contract.ts';
import { expectCode, STATE_FEATURES } from '../conformance/subject.ts';
import { driver } from './sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = (): string => join(folder, `${files++}.db`);

function open(
  metadata: ComponentMetadata,
  clock: TestClock = createTestClock(),
  log: LogEntry[] = [],
): Promise<StateStore> {
  return driver.create(testOptions('state.sqlite', metadata, clock, log), {
    signal: new AbortController().signal,
  });
}

const locations = new WeakMap<StateStore, string>();

async function openFile(location: string, clock: TestClock): Promise<StateStore> {
  const store = await open({ connectionString: location }, clock);
  locations.set(store, location);
  return store;
}

stateConformance({
  name: 'state.sqlite in a file',
  create: (clock) => openFile(newFile(), clock),
  reopen: (closed, clock) => openFile(locations.get(closed)!, clock),
  features: STATE_FEATURES,
});

stateConformance({
  name: 'state.sqlite in memory',
  create: (clock) => open({ connectionString: ':memory:' }, clock),
  features: STATE_FEATURES,
});

describe('the file of state.sqlite', () => {
  it('has the tables that daprd makes and reads', async () => {
    const location = newFile();
    const clock = createTestClock();
    await using store = await open({ connectionString: location }, clock);
    await store.apply({ kind: 'set', key: 'json', value: '{"a":"ü"}' });
    await store.apply({ kind: 'set', key: 'bytes', value: new Uint8Array([0, 255]) });
    await store.apply({ kind: 'set', key: 'short', value: '1', ttlSeconds: 1.5 });

    using plain = new DatabaseSync(location);
    expect(plain.prepare('SELECT key, value FROM metadata').all()).toEqual([
      { key: 'migrations', value: '1' },
    ]);
    expect(
      plain.prepare('SELECT key, value, is_binary, expiration_time FROM state ORDER BY key').all(),
    ).toEqual([
      { key: 'bytes', value: 'AP8=', is_binary: 1, expiration_time: null },
      { key: 'json', value: '{"a":"ü"}', is_binary: 0, expiration_time: null },
      { key: 'short', value: '1', is_binary: 0, expiration_time: '2026-03-01 12:00:01.500' },
    ]);
    const columns = plain.prepare(
      'SELECT name, type, "notnull" AS filled FROM pragma_table_info(?)',
    );
    expect(columns.all('state')).toEqual([
      { name: 'key', type: 'TEXT', filled: 1 },
      { name: 'value', type: 'TEXT', filled: 1 },
      { name: 'is_binary', type: 'BOOLEAN', filled: 1 },
      { name: 'etag', type: 'TEXT', filled: 1 },
      { name: 'expiration_time', type: 'TIMESTAMP', filled: 0 },
      { name: 'update_time', type: 'TIMESTAMP', filled: 1 },
    ]);
  });

  it('reads what daprd wrote, and minds its etags and times', async () => {
    const location = newFile();
    const clock = createTestClock();
    await (await open({ connectionString: location }, clock)).close();
    using plain = new DatabaseSync(location);
    const insert = plain.prepare(`INSERT OR REPLACE INTO state
      (key, value, is_binary, etag, update_time, expiration_time)
      VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP, ?)`);
    insert.run('app||json', '"one"', 0, '0f1e2d3c', null);
    insert.run('app||bytes', 'AP8=', 1, '4b5a6978', '2026-03-01 12:00:05');

    await using store = await open({ connectionString: location }, clock);
    expect(await store.get('app||json')).toEqual({
      key: 'app||json',
      value: '"one"',
      etag: '0f1e2d3c',
    });
    expect(await store.get('app||bytes')).toMatchObject({
      value: new Uint8Array([0, 255]),
      expiresAt: clock.now() + 5_000,
    });
    clock.advance(5_000);
    expect(await store.get('app||bytes')).toBeUndefined();
    await store.apply({ kind: 'set', key: 'app||json', value: '2', etag: '0f1e2d3c' });
  });

  it('keeps the tables of two components in one file apart', async () => {
    const location = newFile();
    await using one = await open({ connectionString: location });
    await using two = await open({ connectionString: location, tableName: 'other' });
    await one.apply({ kind: 'set', key: 'k', value: '1', index: { name: 'x', score: 1 } });
    await two.apply({ kind: 'set', key: 'k', value: '2', index: { name: 'x', score: 2 } });
    expect((await one.range({ index: 'x', limit: 9 })).map((item) => item.score)).toEqual([1]);
    expect((await two.range({ index: 'x', limit: 9 })).map((item) => item.value)).toEqual(['2']);
  });

  it('refuses a file whose layout is newer than it knows', async () => {
    const location = newFile();
    await (await open({ connectionString: location })).close();
    using plain = new DatabaseSync(location);
    plain.exec(`UPDATE metadata SET value = '7' WHERE key = 'migrations'`);
    await expect(open({ connectionString: location })).rejects.toThrow(/is of level 7/);
  });

  it('refuses a file that is no database', async () => {
    const location = newFile();
    writeFileSync(location, 'not a database, but long enough to have a header'.repeat(50));
    await expectCode(open({ connectionString: location }), 'COMPONENT');
  });
});

describe('two connections on one file', () => {
  it('see the writes of each other, and only one wins an etag', async () => {
    const location = newFile();
    await using one = await open({ connectionString: location });
    await using two = await open({ connectionString: location });
    const etag = await one.apply({ kind: 'set', key: 'k', value: '0' });
    expect((await two.get('k'))?.etag).toBe(etag);
    const results = await Promise.allSettled([
      one.apply({ kind: 'set', key: 'k', value: '1', etag: etag! }),
      two.apply({ kind: 'set', key: 'k', value: '2', etag: etag! }),
    ]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((result) => result.status === 'rejected')?.reason).toMatchObject({
      code: 'CONFLICT',
    });
    expect((await one.get('k'))?.value).toBe((await two.get('k'))?.value);
  });

  it('fail with UNAVAILABLE when the lock is not given up in time, and work again afterwards', async () => {
    const location = newFile();
    await using store = await open({ connectionString: location, busyTimeout: '20ms' });
    await store.apply({ kind: 'set', key: 'k', value: '1' });
    using other = new DatabaseSync(location);
    other.exec('BEGIN IMMEDIATE');
    const writes = ['k', 'l'].map((key) => store.apply({ kind: 'set', key, value: '2' }));
    for (const write of writes) {
      await expect(write).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      await expect(write).rejects.toThrow(/busyTimeout/);
    }
    expect((await store.get('k'))?.value).toBe('1');
    other.exec('ROLLBACK');
    await store.apply({ kind: 'set', key: 'k', value: '3' });
    expect((await store.get('k'))?.value).toBe('3');
  });
});

describe('group commit', () => {
  it('commits what became ready in one turn together', async () => {
    const location = newFile();
    await using store = await open({ connectionString: location });
    await store.apply({ kind: 'set', key: 'k', value: '1' });
    const logged = () => statSync(`${location}-wal`).size;
    const before = logged();
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        store.transact([{ kind: 'set', key: 'k', value: String(i) }]),
      ),
    );
    // Every commit logs at least one page of 4 kB; the batch logs each page it changed once.
    expect(logged() - before).toBeLessThan(5 * 4_200);
    expect((await store.get('k'))?.value).toBe('99');
  });

  it('has on disk whatever it resolved, when its process is killed', async () => {
    const location = newFile();
    const writer = spawn(
      process.execPath,
      [join(import.meta.dirname, 'sqlite/writer.fixture.ts'), location],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const resolved: string[] = [];
    for await (const line of createInterface(writer.stdout)) {
      resolved.push(line);
      if (resolved.length === 200) writer.kill('SIGKILL');
    }
    await using store = await open({ connectionString: location });
    const rows = await store.getBulk(resolved);
    expect(resolved.length).toBeGreaterThanOrEqual(200);
    expect(rows.filter((row) => row.value === undefined)).toEqual([]);
  });

  it('undoes a batch that a statement fails in, and fails only the transaction to blame', async () => {
    const location = newFile();
    await using store = await open({ connectionString: location });
    using plain = new DatabaseSync(location);
    plain.exec(`CREATE TRIGGER guard BEFORE INSERT ON state WHEN NEW.key = 'bad'
      BEGIN SELECT RAISE(ABORT, 'no such row allowed'); END`);
    const results = await Promise.allSettled(
      ['a', 'b', 'bad', 'c', 'taken'].map((key) =>
        store.transact([
          { kind: 'set', key: `before-${key}`, value: '1' },
          {
            kind: 'check',
            key: key === 'taken' ? 'none' : 'free',
            etag: key === 'taken' ? 'x' : null,
          },
          { kind: 'set', key, value: '1' },
        ]),
      ),
    );
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ]);
    expect(results[2]).toMatchObject({ reason: { code: 'COMPONENT' } });
    expect(results[4]).toMatchObject({ reason: { code: 'CONFLICT' } });
    const keys = ['before-a', 'before-bad', 'before-c', 'before-taken', 'bad', 'c'];
    expect((await store.getBulk(keys)).map((item) => item.value)).toEqual([
      '1',
      undefined,
      '1',
      undefined,
      undefined,
      '1',
    ]);
  });

  it('takes more work than one commit holds', async () => {
    await using store = await open({ connectionString: ':memory:' });
    const writes = Array.from({ length: 5_000 }, (_, i) =>
      store.transact([{ kind: 'set', key: `k${i}`, value: '1' }]),
    );
    const etags = (await Promise.all(writes)).map(([etag]) => etag);
    expect(new Set(etags).size).toBe(5_000);
    expect((await store.get('k4999'))?.etag).toBe(etags[4_999]);
  });

  it('leaves out what is cancelled while it waits', async () => {
    await using store = await open({ connectionString: ':memory:' });
    const abort = new AbortController();
    const cancelled = store.apply({ kind: 'set', key: 'a', value: '1' }, { signal: abort.signal });
    const kept = store.apply({ kind: 'set', key: 'b', value: '1' });
    abort.abort();
    await expectCode(cancelled, 'CANCELLED');
    await kept;
    expect((await store.getBulk(['a', 'b'])).map((item) => item.value)).toEqual([undefined, '1']);
  });
});

describe('cleanup', () => {
  it('deletes expired rows and their index entries at the interval, and stops on close', async () => {
    const location = newFile();
    const clock = createTestClock();
    const store = await open({ connectionString: location, cleanupInterval: '1m' }, clock);
    using plain = new DatabaseSync(location);
    const count = (table: string) =>
      plain.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'] as number;
    await store.apply({ kind: 'set', key: 'kept', value: '1' });
    await store.transact(
      Array.from({ length: 1_500 }, (_, i) => ({
        kind: 'set' as const,
        key: `k${i}`,
        value: '1',
        ttlSeconds: 10,
        index: { name: 'x', score: i },
      })),
    );
    clock.advance(59_999);
    expect(count('state')).toBe(1_501);
    clock.advance(1);
    await expect.poll(() => count('state')).toBe(1);
    expect(count('troupe_index')).toBe(0);
    await expect.poll(() => clock.pending()).toBe(1);
    await store.close();
    expect(clock.pending()).toBe(0);
  });

  it('leaves the turn to another process that cleaned up within the interval', async () => {
    const location = newFile();
    const clock = createTestClock();
    await using store = await open({ connectionString: location, cleanupInterval: '1m' }, clock);
    using plain = new DatabaseSync(location);
    await store.apply({ kind: 'set', key: 'k', value: '1', ttlSeconds: 1 });
    plain.exec(`INSERT INTO metadata VALUES ('last-cleanup', '2026-03-01 12:00:30')`);
    const rows = () => plain.prepare('SELECT count(*) AS n FROM state').get()?.['n'];
    clock.advance(60_000);
    expect(rows()).toBe(1);
    clock.advance(60_000);
    expect(rows()).toBe(0);
  });
});
