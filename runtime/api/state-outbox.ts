/**
 * Dapr's outbox of a state store: what a transaction sets is also published,
 * and only if the transaction was made. An event goes to an internal topic
 * first, a marker row into the transaction; whoever takes the event from the
 * internal topic looks for the marker, publishes, and removes it.
 */
import { randomUUID } from 'node:crypto';
import type { BrokerMessage, Subscription } from '../../components/pubsub/contract.ts';
import type { StateValue } from '../../components/state/contract.ts';
import type { EngineLogger } from '../core/ports.ts';
import { ApiError, reasonOf } from './api-error.ts';
import { CLOUD_EVENT_TYPE, mediaType } from './cloudevents.ts';
import type { PubSubApi } from './pubsub.ts';
import { rfc3339 } from './route.ts';
import type { StateStoreEntry, TransactionItem } from './state.ts';
import { realTimer, type Timer } from './subscriptions.ts';

/** As the metadata of a state component says. */
export interface OutboxSettings {
  readonly publishPubsub: string;
  readonly publishTopic: string;
  /** Component of the internal topic. */
  readonly pubsub: string;
  /** An event whose transaction is not found is dropped, and not kept for later. */
  readonly discardWhenMissing: boolean;
}

export interface OutboxOptions {
  readonly appId: string;
  readonly namespace?: string | undefined;
  readonly stateStores: ReadonlyMap<string, StateStoreEntry>;
  readonly pubsub: PubSubApi;
  readonly now: () => number;
  /** Default: real time. */
  readonly timer?: Timer | undefined;
  readonly logger: EngineLogger;
}

/** A transaction with its outbox: what to write, and the keys of the markers in it. */
export interface OutboxTransaction {
  readonly items: readonly TransactionItem[];
  readonly markers: readonly string[];
}

export interface StateOutbox {
  /** Publishes the events of a transaction to the internal topic. Errors: ERR_PUBLISH_OUTBOX. */
  prepare(store: string, items: readonly TransactionItem[]): Promise<OutboxTransaction>;
  /** The transaction with these markers was refused: its events need not wait for it. */
  drop(markers: readonly string[]): void;
  /** Takes up the internal topics, those that wait there since before a crash too. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The marker may come a little after the event, since the event goes first. */
const WAITS_MS = [50, 150, 500, 1500, 3000, 3000];
/** How long a refused transaction is remembered. */
const REMEMBER_MS = 60_000;
const decoder = new TextDecoder();

const isTruthy = (text: string | undefined): boolean =>
  ['y', 'yes', 'true', 't', 'on', '1'].includes((text ?? '').trim().toLowerCase());

type Upsert = Extract<TransactionItem, { operation: 'upsert' }>;

const isUpsert = (item: TransactionItem): item is Upsert => item.operation === 'upsert';
const isProjection = (item: TransactionItem): boolean =>
  isUpsert(item) && isTruthy(item.metadata?.['outbox.projection']);

function dataOf(value: StateValue, contentType: string): unknown {
  const text = typeof value === 'string' ? value : decoder.decode(value);
  if (mediaType(contentType) === 'application/json') return JSON.parse(text) as unknown;
  return typeof value === 'string' && text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

export function createStateOutbox(options: OutboxOptions): StateOutbox {
  const { appId, namespace = '', stateStores, pubsub, now, timer = realTimer, logger } = options;
  const subscribed = new Map<string, Promise<Subscription>>();
  const dropped = new Set<string>();
  const leaving = Promise.withResolvers<void>();
  let closed = false;

  const topicOf = ({ pubsub: name, publishTopic }: OutboxSettings): string =>
    `${pubsub.require(name).topicPrefix ?? ''}${namespace}${appId}${publishTopic}outbox`;

  function eventOf(item: Upsert, value: StateValue, id: string, settings: OutboxSettings): object {
    const { metadata = {} } = item;
    const contentType = metadata['datacontenttype'] ?? metadata['contentType'] ?? '';
    const { data: _data, id: _id, ...overrides } = metadata;
    return {
      id,
      source: appId,
      type: 'com.dapr.event.sent',
      specversion: '1.0',
      datacontenttype: contentType || 'text/plain',
      time: rfc3339(now()),
      pubsubname: settings.pubsub,
      data: dataOf(value, contentType),
      ...overrides,
    };
  }

  async function isMarked({ store }: StateStoreEntry, key: string): Promise<boolean> {
    for (const wait of [0, ...WAITS_MS]) {
      if (wait > 0) {
        const passed = new Promise<void>((resolve) => void timer(wait, resolve));
        await Promise.race([passed, leaving.promise]);
      }
      if (closed) throw new Error('the host is closing');
      if (dropped.has(key)) return false;
      if ((await store.get(key))?.value !== undefined) return true;
    }
    return false;
  }

  async function take(name: string, settings: OutboxSettings, data: Uint8Array): Promise<void> {
    const event = JSON.parse(decoder.decode(data)) as { readonly id: string };
    const entry = stateStores.get(name);
    if (!entry) throw new Error(`state store ${name} is not there`);
    const { publishPubsub, publishTopic: topic } = settings;
    if (!(await isMarked(entry, event.id))) {
      const fields = { store: name, topic, id: event.id };
      if (dropped.delete(event.id)) return;
      if (!settings.discardWhenMissing) {
        throw new Error(`cannot publish outbox message ${event.id}: outbox state not found`);
      }
      logger.error(fields, 'outbox state not found, discarding message');
      return;
    }
    const published = { ...event, topic, pubsubname: publishPubsub };
    await pubsub.publish({
      pubsub: publishPubsub,
      topic,
      data: Buffer.from(JSON.stringify(published)),
      contentType: CLOUD_EVENT_TYPE,
    });
    await entry.store.apply({ kind: 'delete', key: event.id });
  }

  function subscribe(name: string, settings: OutboxSettings): Promise<Subscription> {
    const known = subscribed.get(name);
    if (known) return known;
    const topic = topicOf(settings);
    const handler = async ({ data }: BrokerMessage): Promise<void> => take(name, settings, data);
    const subscription = pubsub.require(settings.pubsub).pubsub.subscribe({ topic }, handler);
    subscribed.set(name, subscription);
    subscription.catch(() => subscribed.delete(name));
    return subscription;
  }

  return {
    async prepare(name, items) {
      const settings = stateStores.get(name)?.outbox;
      if (!settings) return { items, markers: [] };
      const projections = new Map(
        items
          .filter(isUpsert)
          .filter(isProjection)
          .map((one) => [one.key, one]),
      );
      const kept = items.filter((item) => !isProjection(item));
      const markers: string[] = [];
      try {
        await subscribe(name, settings);
        const topic = topicOf(settings);
        for (const item of kept) {
          if (!isUpsert(item)) continue;
          const id = `outbox-${randomUUID()}`;
          const value = (projections.get(item.key) ?? item).value;
          const event = JSON.stringify(eventOf(item, value, id, settings));
          const { pubsub: broker } = pubsub.require(settings.pubsub);
          await broker.publish({ topic, data: Buffer.from(event), contentType: CLOUD_EVENT_TYPE });
          markers.push(id);
        }
      } catch (cause) {
        const why = reasonOf(cause);
        throw new ApiError('PUBSUB_OUTBOX', `error while publishing outbox message: ${why}`, {
          cause,
          rich: { metadata: { appID: appId, error: why } },
        });
      }
      return { items: kept, markers };
    },

    drop(markers) {
      for (const marker of markers) {
        dropped.add(marker);
        // Another host may take the event; then nobody asks here.
        timer(REMEMBER_MS, () => dropped.delete(marker));
      }
    },

    async start() {
      for (const [name, { outbox }] of stateStores) {
        if (!outbox) continue;
        try {
          await subscribe(name, outbox);
        } catch (err) {
          logger.warn({ store: name, err }, 'could not subscribe to the internal outbox topic');
        }
      }
    },

    async close() {
      closed = true;
      leaving.resolve();
      const all = await Promise.allSettled(subscribed.values());
      for (const one of all) if (one.status === 'fulfilled') await one.value.close();
    },
  };
}
