import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runStatements, startPostgresql, urlOf } from '../../../test/servers/postgresql.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { configurationConformance } from '../conformance/suite.ts';
import type { ConfigurationStore } from '../contract.ts';
import { driver } from './postgresql.ts';

let server: TestServer;
beforeAll(async () => void (server = await startPostgresql()));
afterAll(() => server.stop());

let tables = 0;
const tableOf = new WeakMap<ConfigurationStore, string>();

const run = (text: string, values?: unknown[]) => runStatements(server, text, values);

/** The table and the trigger of Dapr's documentation. */
async function makeTable(table: string): Promise<void> {
  await run(`
    CREATE TABLE ${table} (key varchar NOT NULL, value varchar NOT NULL, version varchar NOT NULL, metadata json);
    CREATE FUNCTION notify_${table}() RETURNS trigger AS $$
      DECLARE data json;
      BEGIN
        IF (TG_OP = 'DELETE') THEN data = row_to_json(OLD); ELSE data = row_to_json(NEW); END IF;
        PERFORM pg_notify('${table}_changes',
          json_build_object('table', TG_TABLE_NAME, 'action', TG_OP, 'data', data)::text);
        RETURN NULL;
      END;
    $$ LANGUAGE plpgsql;
    CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON ${table}
      FOR EACH ROW EXECUTE PROCEDURE notify_${table}()`);
}

async function open(metadata: Record<string, string>): Promise<ConfigurationStore> {
  const all = { connectionString: urlOf(server), maxConns: '2', timeout: '2s', ...metadata };
  const signal = new AbortController().signal;
  return driver.create(testOptions('configuration.postgresql', all), { signal });
}

async function create(metadata?: Record<string, string>): Promise<ConfigurationStore> {
  const table = `conf${tables++}`;
  await makeTable(table);
  const store = await open({ table, notifyChannel: `${table}_changes`, ...metadata });
  tableOf.set(store, table);
  return store;
}

async function write(
  store: ConfigurationStore,
  key: string,
  item: { value: string; version: string } | undefined,
): Promise<void> {
  const table = tableOf.get(store)!;
  const insert = item
    ? `, written AS (INSERT INTO ${table} SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM changed))`
    : '';
  const change = item
    ? `UPDATE ${table} SET value = $2, version = $3 WHERE key = $1 RETURNING 1`
    : `DELETE FROM ${table} WHERE key = $1 RETURNING 1`;
  const values = item ? [key, item.value, item.version] : [key];
  await run(`WITH changed AS (${change})${insert} SELECT`, values);
}

configurationConformance({ name: 'configuration.postgresql', create, write });

describe('configuration.postgresql', () => {
  it('takes the highest number of several versions, with the metadata of the row', async () => {
    await using store = await create();
    await run(`INSERT INTO ${tableOf.get(store)!} VALUES
      ('k', 'old', '9', NULL), ('k', 'new', '10', '{"by": "me"}'), ('k', 'odd', 'x', NULL)`);
    expect(await store.get({ keys: ['k'] })).toEqual({
      k: { value: 'new', version: '10', metadata: { by: 'me' } },
    });
  });

  it('takes the channel of a subscription where the component has none', async () => {
    const table = `conf${tables++}`;
    await makeTable(table);
    await using store = await open({ table });
    tableOf.set(store, table);
    const seen: string[] = [];
    const none = store.subscribe({ keys: ['k'] }, async () => {});
    await expect(none).rejects.toThrow(/needs a channel: set "notifyChannel"/);
    const metadata = { pgNotifyChannel: `${table}_changes` };
    await store.subscribe(
      { keys: ['k'], metadata },
      async (items) => void seen.push(items['k']!.value),
    );
    await write(store, 'k', { value: '1', version: '1' });
    await vi.waitFor(() => expect(seen).toEqual(['1']));
  });

  it('delivers what changed while its connection was lost', async () => {
    await using store = await create();
    const seen: string[] = [];
    await store.subscribe({ keys: ['k'] }, async (items) => void seen.push(items['k']!.value));
    await run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name LIKE 'troupe%listener'`);
    await write(store, 'k', { value: 'meanwhile', version: '1' });
    await vi.waitFor(() => expect(seen).toEqual(['meanwhile']));
    await server.restart();
    await vi.waitFor(() => write(store, 'k', { value: 'later', version: '2' }));
    await vi.waitFor(() => expect(seen.at(-1)).toBe('later'));
  });

  it.each([
    [{ table: 'Upper' }, /"table" must be a name of small letters/],
    [{ table: 'a', notifyChannel: 'x; drop' }, /"notifyChannel" must be a name/],
    [{ table: 'nowhere' }, /table "nowhere" does not exist/],
  ])('refuses %j by name', async (metadata, message) => {
    await expect(open(metadata)).rejects.toThrow(message);
  });
});
