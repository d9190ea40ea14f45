/**
 * `configuration.redis`: keys as Dapr keeps them, a string of `value||version`.
 * Changes come by Redis' keyspace notifications, which it turns on whenever it
 * connects. After a lost connection every subscription reads its keys again, so
 * that a change made meanwhile is delivered late and not lost.
 */
import { ErrorReply } from '@redis/client';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Connection } from '../../redis/connection.ts';
import { connectionFields, readConnection } from '../../redis/settings.ts';
import { type Prepare, Subscriber } from '../../redis/subscriber.ts';
import type { ConfigurationItem, ConfigurationItems, ConfigurationStore } from '../contract.ts';
import { createUpdates, type Updates } from '../updates.ts';

/** Keyspace events of strings: generic commands, writes, expiry and eviction. */
const EVENTS = 'Kg$xe';
const SCAN_COUNT = '1000';

/** Values by key; null: the key is not there, or is no string. */
type Raw = ReadonlyMap<string, string | null>;

function itemOf(raw: string | null): ConfigurationItem {
  const [value = '', version = ''] = (raw ?? '').split('||');
  return { value, version, metadata: {} };
}

/** Characters that mean something in a pattern of Redis. */
const literal = (key: string): string => key.replace(/[\\*?[\]^]/g, '\\$&');

/** Adds to the server's setting, for others may rely on theirs. A server that does not let us is believed to be set. */
const turnOnEvents =
  (options: ComponentOptions): Prepare =>
  async (send) => {
    const name = 'notify-keyspace-events';
    try {
      const [, present] = (await send(['CONFIG', 'GET', name])) as Buffer[];
      const flags = new Set(`${String(present ?? '')}${EVENTS}`);
      if (flags.has('A')) for (const flag of 'g$lshzxet') flags.delete(flag);
      if ([...flags].join('') !== String(present))
        await send(['CONFIG', 'SET', name, [...flags].join('')]);
    } catch (cause) {
      if (!(cause instanceof ErrorReply)) throw cause;
      options.logger.warn(
        { component: options.name, cause },
        `redis does not let its settings be changed; changes are seen only if ${name} has ${EVENTS}`,
      );
    }
  };

async function openStore(
  options: ComponentOptions,
  signal: AbortSignal,
): Promise<ConfigurationStore> {
  const settings = readConnection(options);
  const connection = await Connection.open(options, settings, { scripts: [], signal });
  const subscriber = new Subscriber(options, settings, turnOnEvents(options));
  const channels = `__keyspace@${settings.database}__:`;
  const open = new Set<Updates>();
  let closed = false;

  function requireOpen(): void {
    if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  async function allKeys(): Promise<string[]> {
    const keys = new Set<string>();
    let cursor = '0';
    do {
      const scan = ['SCAN', cursor, 'COUNT', SCAN_COUNT];
      const [next, page] = (await connection.send(scan, false)) as [Buffer, Buffer[]];
      for (const key of page) keys.add(String(key));
      cursor = String(next);
    } while (cursor !== '0');
    return [...keys];
  }

  /** Keys of another kind than a string read as absent. */
  async function read(keys: readonly string[]): Promise<Raw> {
    if (keys.length === 0) return new Map();
    const values = (await connection.send(['MGET', ...keys], false)) as (Buffer | null)[];
    return new Map(keys.map((key, i) => [key, values[i] ? String(values[i]) : null]));
  }

  const store: ConfigurationStore = {
    features: [],
    usage: () => connection.usage(),

    async get({ keys }) {
      requireOpen();
      const raw = await read(keys.length === 0 ? await allKeys() : [...new Set(keys)]);
      const items: [string, ConfigurationItem][] = [];
      for (const [key, text] of raw) {
        const item = itemOf(text);
        if (item.value !== '') items.push([key, item]);
      }
      return Object.fromEntries(items);
    },

    async subscribe({ keys }, onUpdate) {
      requireOpen();
      const updates = createUpdates(options, onUpdate);
      const known = new Map<string, string | null>();
      const wanted = async (): Promise<string[]> =>
        keys.length === 0 ? [...new Set([...known.keys(), ...(await allKeys())])] : [...keys];

      /** What is not as it was when it was last read. */
      async function changesOf(names: readonly string[]): Promise<ConfigurationItems> {
        const changed: [string, ConfigurationItem][] = [];
        for (const [key, text] of await read(names)) {
          if ((known.get(key) ?? null) === text) continue;
          known.set(key, text);
          changed.push([key, itemOf(text)]);
        }
        return Object.fromEntries(changed);
      }

      const listener = {
        message: (channel: string) =>
          updates.push(() => changesOf([channel.slice(channels.length)])),
        restored: () => updates.push(async () => changesOf(await wanted())),
      };
      const patterns = keys.length === 0 ? ['*'] : [...new Set(keys)].map(literal);
      const ends: (() => Promise<void>)[] = [];
      const end = async (): Promise<void> => {
        open.delete(updates);
        await Promise.all(ends.splice(0).map((one) => one()));
        await updates.close();
      };
      try {
        for (const pattern of patterns)
          ends.push(await subscriber.listen(channels + pattern, listener));
        for (const [key, text] of await read(await wanted())) known.set(key, text);
      } catch (error) {
        await end();
        throw error;
      }
      open.add(updates);
      return { close: end, [Symbol.asyncDispose]: end };
    },

    async ping() {
      requireOpen();
      await connection.send(['PING'], false);
    },

    async close() {
      closed = true;
      await subscriber.close();
      await Promise.all([...open].map((updates) => updates.close()));
      open.clear();
      await connection.close();
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
  return store;
}

export const driver: Driver<ConfigurationStore> = {
  fields: connectionFields,
  create: (options, { signal }) => openStore(options, signal),
};
