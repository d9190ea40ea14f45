/** `state.sqlite` beside node:sqlite: the same journal and sync. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stateRows } from './state.ts';

export const rows = stateRows({
  driver: 'state.sqlite',
  bare: {
    set: 'upsert in a transaction of its own, synced',
    get: 'select by primary key',
  },
  metadata: ({ name }, { dir }) => ({ connectionString: join(dir, `${name}.db`) }),
  async open({ name }, { dir }) {
    const database = new DatabaseSync(join(dir, `${name}.db`));
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec('CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT, etag TEXT) WITHOUT ROWID');
    const upsert = database.prepare(
      `INSERT INTO state VALUES (?, ?, hex(randomblob(16)))
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, etag = excluded.etag`,
    );
    const select = database.prepare('SELECT value, etag FROM state WHERE key = ?');
    return {
      set: async (key, value) => upsert.run(key, value),
      get: async (key) => select.get(key),
      close: async () => database.close(),
    };
  },
});
