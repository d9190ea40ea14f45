/**
 * The tables of `state.postgresql` v2. Those of state and metadata are laid
 * out as daprd lays them out at level 1; a later daprd brings them to its
 * own level by itself. The side table of the ordered index and the index for
 * prefixes are Troupe's own.
 */
import { ComponentError } from '../../../../runtime/core/errors.ts';
import type { ComponentOptions } from '../../../component.ts';
import type { Database } from '../../../postgresql/database.ts';
import type { PostgresqlSettings } from './settings.ts';

const LEVEL = '1';

/** @throws ComponentError when the tables cannot be made, or are those of another component. */
export async function prepareTables(
  options: ComponentOptions,
  database: Database,
  settings: PostgresqlSettings,
): Promise<void> {
  const { prefix, stateTable, indexTable, metadataTable } = settings;
  // "schema.app_state" has an index "app_state_troupe_prefix" in the same schema.
  const bare = stateTable.slice(stateTable.indexOf('.') + 1);
  const statements = [
    `CREATE TABLE IF NOT EXISTS ${metadataTable} (
      key text NOT NULL PRIMARY KEY,
      value text NOT NULL
    )`,
    `CREATE TABLE IF NOT EXISTS ${stateTable} (
      key text NOT NULL PRIMARY KEY,
      value bytea NOT NULL,
      etag uuid NOT NULL DEFAULT gen_random_uuid(),
      created_at timestamp with time zone NOT NULL DEFAULT now(),
      updated_at timestamp with time zone,
      expires_at timestamp with time zone
    )`,
    `CREATE INDEX IF NOT EXISTS ${bare}_expires_at_idx ON ${stateTable} (expires_at)`,
    `CREATE INDEX IF NOT EXISTS ${bare}_troupe_prefix ON ${stateTable} (key text_pattern_ops)`,
    `CREATE TABLE IF NOT EXISTS ${indexTable} (
      key text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES ${stateTable} ON DELETE CASCADE,
      name text NOT NULL,
      score double precision NOT NULL
    )`,
    `CREATE INDEX IF NOT EXISTS ${bare}_troupe_order ON ${indexTable} (name, score, key)`,
  ];
  await database.transaction(async (run) => {
    // Two hosts that start at once would both make the tables; this lock is for the transaction.
    await run({ text: `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, values: [bare] });
    for (const text of statements) await run({ text });
    await run({
      text: `INSERT INTO ${metadataTable} (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
      values: [`migrations-state-v2-${prefix}`, LEVEL],
    });
    const columns = await run({
      text: `SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0`,
      values: [stateTable],
    });
    const value = columns.find(({ attname }) => attname === 'value');
    if (value?.['type'] === 'bytea') return;
    throw new ComponentError(
      options,
      `table "${stateTable}" holds values of type ${String(value?.['type'])}; it belongs to version v1 of the component or to something else: set "tablePrefix"`,
    );
  });
}
