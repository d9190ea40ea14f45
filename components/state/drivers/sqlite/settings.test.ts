import { mkdtempSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { ComponentMetadata } from '../../../component.ts';
import { testOptions } from '../../../test-clock.ts';
import { driver } from '../sqlite.ts';
import { readSettings } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe settings ü '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (metadata: ComponentMetadata) => readSettings(testOptions('state.sqlite', metadata));
const open = (metadata: ComponentMetadata) =>
  driver.create(testOptions('state.sqlite', metadata), { signal: new AbortController().signal });

describe('the connection string of state.sqlite', () => {
  it.each([
    ['a path', (path: string) => path],
    ['a path with options', (path: string) => `${path}?mode=rwc`],
    ['a file URI without slashes', (path: string) => `file:${encodeURI(path)}?cache=shared`],
    ['a file URL', (path: string) => `${pathToFileURL(path).href}?_txlock=immediate`],
  ])('may be %s', async (form, connection) => {
    const path = join(folder, `${form}.db`);
    await (await open({ connectionString: connection(path) })).close();
    expect(existsSync(path)).toBe(true);
  });

  it.each([':memory:', 'file::memory:', 'file::memory:?cache=shared', 'file:any?mode=memory'])(
    'may be %s, for a database in memory',
    async (connectionString) => {
      expect(read({ connectionString })).toMatchObject({ location: ':memory:', inMemory: true });
      await (await open({ connectionString })).close();
    },
  );

  it.each([
    ['data.db?mode=ro', /mode=ro/],
    ['data.db?mode=often', /unknown mode/],
    ['data.db?cache=big', /unknown cache/],
    ['data.db?_txlock=deferred', /_txlock/],
    ['data.db?vfs=memdb', /unknown option "vfs"/],
    ['data.db?_pragma=busy_timeout(1)', /busyTimeout/],
    ['data.db?_pragma=journal_mode(OFF)', /disableWAL/],
    ['data.db?_pragma=a;DROP TABLE state', /malformed _pragma/],
    ['file:', /names no file/],
    ['file:%zz', /not a valid file URI/],
  ])('may not be %s', (connectionString, reason) => {
    expect(() => read({ connectionString })).toThrow(reason);
    expect(() => read({ connectionString })).toThrow(/"connectionString"/);
  });

  it('sets pragmas', () => {
    const { pragmas } = read({
      connectionString: 'x.db?_pragma=cache_size(-20000)&_pragma=mmap_size=100',
    });
    expect(pragmas).toEqual(['PRAGMA cache_size = -20000', 'PRAGMA mmap_size = 100']);
  });

  it('names a folder or a file that is not there', async () => {
    await expect(open({ connectionString: join(folder, 'no', 'x.db') })).rejects.toThrow(
      /folder ".*no" does not exist; create it first/,
    );
    const missing = join(folder, 'missing.db');
    await expect(open({ connectionString: `${missing}?mode=rw` })).rejects.toThrow(
      /does not exist and mode=rw does not create it/,
    );
    expect(existsSync(missing)).toBe(false);
  });
});

describe('the other metadata of state.sqlite', () => {
  it('has the defaults of Dapr', () => {
    expect(read({ connectionString: 'x.db' })).toMatchObject({
      openTimeoutMs: 20_000,
      busyTimeoutMs: 2_000,
      wal: true,
      table: 'state',
      metadataTable: 'metadata',
      cleanupIntervalMs: 0,
    });
  });

  it('takes the names in any case and by their aliases, and values in each form', () => {
    expect(
      read({
        URL: 'x.db',
        timeoutInSeconds: '5',
        busytimeout: '1m30s',
        disableWAL: 'TRUE',
        cleanupIntervalInSeconds: '60',
        tableName: 'T1',
      }),
    ).toMatchObject({
      openTimeoutMs: 5_000,
      busyTimeoutMs: 90_000,
      wal: false,
      cleanupIntervalMs: 60_000,
      table: 'T1',
      indexTable: 'troupe_index_T1',
    });
  });

  it.each([
    [{}, /"connectionString" is missing/],
    [{ connectionString: 'x', timeout: '10ms' }, /"timeout" must be at least 1s/],
    [{ connectionString: 'x', timeout: 'soon' }, /"timeout" is not a duration/],
    [{ connectionString: 'x', disableWAL: 'maybe' }, /"disableWAL" is not a boolean/],
    [{ connectionString: 'x', tableName: 'a; b' }, /"tableName" may only have/],
    [{ connectionString: 'x', metadataTableName: 'STATE' }, /must name different tables/],
  ])('refuses %j', (metadata, reason) => {
    expect(() => read(metadata)).toThrow(reason);
  });

  it('works without a write-ahead log', async () => {
    const path = join(folder, 'no-wal.db');
    await using store = await open({ connectionString: path, disableWAL: 'true' });
    await store.apply({ kind: 'set', key: 'k', value: '1' });
    expect((await store.get('k'))?.value).toBe('1');
    expect(existsSync(`${path}-wal`)).toBe(false);
  });
});
