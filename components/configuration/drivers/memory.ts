/**
 * `configuration.in-memory`: items in the memory of the process, given by
 * metadata. A program that holds the instance changes them with `set`.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { ConfigurationItem, ConfigurationItems, ConfigurationStore } from '../contract.ts';
import { createUpdates, type Updates } from '../updates.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'items',
    description:
      'JSON object of the items: key to value, or key to `{"value", "version", "metadata"}`. Default: none.',
  },
];

export interface MemoryConfigurationStore extends ConfigurationStore {
  /** Undefined deletes the key. */
  set(key: string, item: Partial<ConfigurationItem> | undefined): void;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined when it is no item. */
function itemOf(written: unknown): ConfigurationItem | undefined {
  if (typeof written === 'string') return { value: written, version: '', metadata: {} };
  if (!isObject(written)) return undefined;
  const { value, version = '', metadata = {}, ...others } = written;
  if (typeof value !== 'string' || typeof version !== 'string' || !isObject(metadata))
    return undefined;
  const texts = Object.values(metadata).every((text) => typeof text === 'string');
  if (!texts || Object.keys(others).length > 0) return undefined;
  return { value, version, metadata: metadata as Record<string, string> };
}

function readItems(options: ComponentOptions): Map<string, ConfigurationItem> {
  const metadata = readMetadata(options, fields);
  const text = metadata.text('items');
  if (text === undefined) return new Map();
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    throw metadata.refuse('items', 'is not valid JSON');
  }
  if (!isObject(written)) throw metadata.refuse('items', 'must be a JSON object');
  const items = new Map<string, ConfigurationItem>();
  for (const [key, value] of Object.entries(written)) {
    const item = itemOf(value);
    if (!item)
      throw metadata.refuse(
        'items',
        `has no text and no {"value", "version", "metadata"} of texts under "${key}"`,
      );
    items.set(key, item);
  }
  return items;
}

const DELETED: ConfigurationItem = Object.freeze({ value: '', version: '', metadata: {} });

export const driver: Driver<MemoryConfigurationStore> = {
  fields,
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const items = readItems(options);
    const subscriptions = new Set<{ keys: ReadonlySet<string>; updates: Updates }>();
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    async function close(): Promise<void> {
      closed = true;
      const open = [...subscriptions];
      subscriptions.clear();
      await Promise.all(open.map(({ updates }) => updates.close()));
    }

    return {
      features: [],
      async get({ keys }) {
        requireOpen();
        const wanted = keys.length === 0 ? [...items.keys()] : keys;
        const found = wanted.flatMap((key) => {
          const item = items.get(key);
          return item ? [[key, structuredClone(item)] as const] : [];
        });
        return Object.fromEntries(found) as ConfigurationItems;
      },
      async subscribe({ keys }, onUpdate) {
        requireOpen();
        const subscription = { keys: new Set(keys), updates: createUpdates(options, onUpdate) };
        subscriptions.add(subscription);
        const end = async (): Promise<void> => {
          subscriptions.delete(subscription);
          await subscription.updates.close();
        };
        return { close: end, [Symbol.asyncDispose]: end };
      },
      set(key, item) {
        requireOpen();
        const { value = '', version = '', metadata = {} } = item ?? DELETED;
        const next = { value, version, metadata: { ...metadata } };
        if (item) items.set(key, next);
        else if (!items.delete(key)) return;
        for (const { keys, updates } of subscriptions) {
          if (keys.size === 0 || keys.has(key))
            updates.push(() => Object.fromEntries([[key, structuredClone(next)]]));
        }
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
