/**
 * `configuration.postgresql`: the rows of a table that Dapr lays out, `key`,
 * `value`, `version` and `metadata`; of several rows of a key the one with the
 * highest number for a version counts. A trigger of the table notifies a
 * channel; then, and after a lost connection, the keys are read again, so what
 * is delivered is what the table has.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import { Database, type Row } from '../../postgresql/database.ts';
import { Listener } from '../../postgresql/listener.ts';
import { connectionFields, readConnection } from '../../postgresql/settings.ts';
import type {
  ConfigurationItem,
  ConfigurationItems,
  ConfigurationRequest,
  ConfigurationStore,
} from '../contract.ts';
import { createUpdates, type Updates } from '../updates.ts';

const fields: readonly MetadataField[] = [
  ...connectionFields,
  {
    name: 'table',
    required: true,
    description: 'Table of the items; it has to exist. Small letters, digits, `.`, `_`.',
  },
  {
    name: 'notifyChannel',
    aliases: ['pgNotifyChannel'],
    description:
      'Channel that the trigger of the table notifies. Default: the metadata `pgNotifyChannel` of each subscription.',
  },
];

const NAME = /^[a-z0-9_]{1,63}(?:\.[a-z0-9_]{1,63})?$/;
const GONE: ConfigurationItem = { value: '', version: '', metadata: {} };

function itemOf({ value, version, metadata }: Row): ConfigurationItem {
  const more = Object.entries((metadata as Record<string, unknown> | null) ?? {});
  return {
    value: String(value),
    version: typeof version === 'string' ? version : '',
    metadata: Object.fromEntries(more.map(([name, text]) => [name, String(text)])),
  };
}

const numberOf = (version: string): number => (/^\d+$/.test(version) ? Number(version) : -1);

async function openStore(
  options: ComponentOptions,
  signal: AbortSignal,
): Promise<ConfigurationStore> {
  const settings = readConnection(options);
  const metadata = readMetadata(options, fields);
  const table = metadata.text('table') ?? '';
  if (!NAME.test(table))
    throw metadata.refuse('table', 'must be a name of small letters, digits and _');
  const channel = metadata.text('notifyChannel');
  if (channel !== undefined && !NAME.test(channel))
    throw metadata.refuse('notifyChannel', 'must be a name of small letters, digits and _');
  const database = await Database.open(options, settings, signal);
  try {
    const [found] = await database.query({
      text: 'SELECT to_regclass($1) IS NOT NULL AS found',
      values: [table],
    });
    if (found?.['found'] !== true)
      throw new ComponentError(options, `table "${table}" does not exist; make it, or set "table"`);
  } catch (error) {
    await database.close();
    throw error;
  }
  const listener = new Listener(options, settings);
  const open = new Set<Updates>();
  let isClosed = false;

  function requireOpen(): void {
    if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  async function read(keys: readonly string[]): Promise<Map<string, ConfigurationItem>> {
    const rows = await database.query({
      text: `SELECT key, value, version, metadata FROM ${table}${keys.length === 0 ? '' : ' WHERE key = ANY($1::text[])'}`,
      values: keys.length === 0 ? [] : [keys],
    });
    const items = new Map<string, ConfigurationItem>();
    for (const row of rows) {
      const item = itemOf(row);
      const before = items.get(row['key'] as string);
      if (!before || numberOf(item.version) > numberOf(before.version))
        items.set(row['key'] as string, item);
    }
    return items;
  }

  function channelOf({ metadata: given = {} }: ConfigurationRequest): string {
    const named = Object.entries(given).find(([name]) => name.toLowerCase() === 'pgnotifychannel');
    const wanted = channel ?? named?.[1];
    if (wanted !== undefined && NAME.test(wanted)) return wanted;
    const problem = `a subscription needs a channel: set "notifyChannel" of the component, or "pgNotifyChannel" of the request, to a name of small letters, digits and _`;
    throw new ComponentError(options, problem, { code: 'INVALID_ARGUMENT' });
  }

  async function subscribe(
    request: ConfigurationRequest,
    onUpdate: (items: ConfigurationItems) => Promise<void>,
  ) {
    requireOpen();
    const { keys } = request;
    const wanted = channelOf(request);
    const updates = createUpdates(options, onUpdate);
    const known = new Map<string, ConfigurationItem>();

    /** What is not as it was when it was last read. */
    async function changesOf(names: readonly string[]): Promise<ConfigurationItems> {
      const now = await read(names);
      const gone = [...(names.length === 0 ? known.keys() : names)].filter(
        (key) => known.has(key) && !now.has(key),
      );
      const changed = [...now].filter(
        ([key, item]) => JSON.stringify(known.get(key)) !== JSON.stringify(item),
      );
      for (const key of gone) known.delete(key);
      for (const [key, item] of changed) known.set(key, item);
      return Object.fromEntries([...gone.map((key) => [key, GONE] as const), ...changed]);
    }

    const unlisten = await listener.listen(wanted, {
      notified(payload) {
        const key = keyIn(payload);
        if (key === undefined) updates.push(() => changesOf(keys));
        else if (keys.length === 0 || keys.includes(key)) updates.push(() => changesOf([key]));
      },
      restored: () => updates.push(() => changesOf(keys)),
    });
    try {
      for (const [key, item] of await read(keys)) known.set(key, item);
    } catch (error) {
      unlisten();
      throw error;
    }
    open.add(updates);
    const end = async (): Promise<void> => {
      open.delete(updates);
      unlisten();
      await updates.close();
    };
    return { close: end, [Symbol.asyncDispose]: end };
  }

  const store: ConfigurationStore = {
    features: [],
    usage: () => database.usage(),
    async get({ keys }) {
      requireOpen();
      return Object.fromEntries(await read(keys));
    },
    subscribe,
    async ping() {
      requireOpen();
      await database.query({ text: 'SELECT 1' });
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await listener.close();
      await Promise.all([...open].map((updates) => updates.close()));
      await database.close();
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
  return store;
}

/** The key in the notification of Dapr's trigger; undefined when it says nothing of one. */
function keyIn(payload: string): string | undefined {
  try {
    const { data } = JSON.parse(payload) as { data?: { key?: unknown } | null };
    return typeof data?.key === 'string' ? data.key : undefined;
  } catch {
    return undefined;
  }
}

export const driver: Driver<ConfigurationStore> = {
  fields,
  create: (options, { signal }) => openStore(options, signal),
};
