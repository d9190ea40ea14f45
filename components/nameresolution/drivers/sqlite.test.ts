import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { createTestClock, testOptions, type LogEntry, type TestClock } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import { driver } from './sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const create = (metadata: Record<string, string>, clock?: TestClock, log?: LogEntry[]) =>
  driver.create(testOptions('nameresolution.sqlite', metadata, clock, log), {
    signal: new AbortController().signal,
  });

const shared = join(folder, 'shared.db');
nameResolutionConformance({
  name: 'nameresolution.sqlite',
  create: () => create({ connectionString: shared }),
});

const host = { appId: 'shop', namespace: 'ns', host: '127.0.0.1', port: 50_002 };

describe('the table of nameresolution.sqlite', () => {
  it("is daprd's", async () => {
    const path = join(folder, `${files++}.db`);
    await using resolver = await create({ connectionString: `file:${path}?mode=rwc` });
    await resolver.register({ ...host, host: '::1' });
    const database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare('SELECT address, app_id, namespace FROM hosts').all()).toEqual([
      { address: '[::1]:50002', app_id: 'shop', namespace: '' },
    ]);
    expect(database.prepare('SELECT * FROM metadata').all()).toEqual([
      { key: 'nr-migrations', value: '1' },
    ]);
    database.close();
    expect(await resolver.resolve({ appId: 'shop' })).toEqual({ host: '::1', port: 50_002 });
  });

  it('keeps a host as long as it renews, and not longer', async () => {
    const connectionString = join(folder, `${files++}.db`);
    const clock = createTestClock();
    const stopped = createTestClock();
    await using asker = await create({ connectionString }, clock);
    await using alive = await create({ connectionString }, clock);
    await using hung = await create({ connectionString }, stopped);
    await alive.register(host);
    await hung.register({ ...host, appId: 'bank', port: 50_003 });
    clock.advance(4999);
    expect((await asker.resolve({ appId: 'bank' })).port).toBe(50_003);
    clock.advance(60_000);
    expect((await asker.resolve({ appId: 'shop' })).port).toBe(50_002);
    await expect(asker.resolve({ appId: 'bank' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    clock.advance(3_600_000);
    const database = new DatabaseSync(connectionString, { readOnly: true });
    expect(database.prepare('SELECT app_id FROM hosts').all()).toEqual([{ app_id: 'shop' }]);
    database.close();
  });

  it('gives an address to whoever registers it last, and tells the other', async () => {
    const connectionString = join(folder, `${files++}.db`);
    const clock = createTestClock();
    const log: LogEntry[] = [];
    await using first = await create({ connectionString }, clock, log);
    await using second = await create({ connectionString }, clock);
    await first.register(host);
    await second.register({ ...host, appId: 'bank' });
    await expect(first.resolve({ appId: 'shop' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    clock.advance(5000);
    expect(log.map(({ message }) => message)).toContain(
      'another host has taken this address; this one is not found any more',
    );
  });

  it.each([
    [{}, '"connectionString"'],
    [{ tableName: 'a;b' }, '"tableName"'],
    [{ updateInterval: '1500ms' }, '"updateInterval"'],
    [{ updateInterval: '2s', timeout: '2s' }, '"updateInterval"'],
    [{ connectionString: '/no/such/folder/x.db' }, 'cannot be opened'],
  ])('refuses %j', async (metadata, named) => {
    const path =
      Object.keys(metadata).length === 0 ? {} : { connectionString: join(folder, 'r.db') };
    await expect(create({ ...path, ...metadata } as Record<string, string>)).rejects.toThrow(named);
  });
});
