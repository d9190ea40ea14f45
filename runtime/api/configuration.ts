/**
 * The configuration building block: items by key, and subscriptions, each with
 * an id under which it ends. Updates go to whoever subscribed: the app over
 * HTTP, or a stream of the gRPC server.
 */
import { randomUUID } from 'node:crypto';
import type {
  ConfigurationItems,
  ConfigurationStore,
  ConfigurationSubscription,
} from '../../components/configuration/contract.ts';
import { drain } from '../core/bytes.ts';
import type { EngineLogger } from '../core/ports.ts';
import { traced, type SpanOptions, type Tracer } from '../core/tracing.ts';
import { ApiError, reasonOf } from './api-error.ts';
import type { AppChannel } from './invoke.ts';
import { empty, json, metadataOf, type HttpRequest, type HttpRoute } from './route.ts';

export interface ConfigurationOptions {
  readonly configurations: ReadonlyMap<string, ConfigurationStore>;
  /** The app that HTTP subscriptions post to. */
  readonly app?: AppChannel | undefined;
  readonly logger: EngineLogger;
  /** Each change that is delivered begins a trace. */
  readonly tracer?: Tracer | undefined;
}

export interface ConfigurationQuery {
  readonly store: string;
  /** Empty: all. */
  readonly keys: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ConfigurationUpdate {
  readonly id: string;
  readonly items: ConfigurationItems;
  /** The span of its delivery. */
  readonly traceparent?: string;
}

export interface ConfigurationApi {
  get(query: ConfigurationQuery): Promise<ConfigurationItems>;
  /** Resolves to the id, before the first update is delivered. */
  subscribe(
    query: ConfigurationQuery,
    deliver: (update: ConfigurationUpdate) => Promise<void>,
    options?: { onEnd?: () => void },
  ): Promise<string>;
  /** A subscription that posts to `/configuration/<store>/<key>` of the app. */
  subscribeApp(query: ConfigurationQuery): Promise<string>;
  /** False when there is no such subscription, or not in the store that is named. */
  unsubscribe(id: string, store?: string): Promise<boolean>;
  /** Ends the subscriptions. Idempotent. */
  close(): Promise<void>;
}

/** Go prints lists this way, and clients compare messages. */
const listOf = (keys: readonly string[]): string => `[${keys.join(' ')}]`;

/** Empty members are left out, as daprd leaves them out. */
function bodyOf(items: ConfigurationItems): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(items).map(([key, { value, version, metadata }]) => [
      key,
      {
        ...(value === '' ? {} : { value }),
        ...(version === '' ? {} : { version }),
        ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      },
    ]),
  );
}

/** What changed, without the values: they may be secrets. */
function spanOf(items: ConfigurationItems): SpanOptions {
  const entries = Object.entries(items);
  return {
    kind: 'consumer',
    attributes: {
      'troupe.configuration.keys': entries.map(([key]) => key).join(' '),
      'troupe.configuration.versions': entries.map(([, { version }]) => version).join(' '),
    },
  };
}

interface Open {
  readonly store: string;
  readonly subscription: ConfigurationSubscription;
  readonly onEnd: (() => void) | undefined;
}

export function createConfigurationApi(options: ConfigurationOptions): ConfigurationApi {
  const { configurations, app, logger, tracer } = options;
  const open = new Map<string, Open>();

  function find(name: string): ConfigurationStore {
    const store = configurations.get(name);
    if (store) return store;
    if (configurations.size === 0) {
      const text = 'configuration stores not configured';
      throw new ApiError('CONFIGURATION_STORES_NOT_CONFIGURED', text);
    }
    const text = `configuration store ${name} not found`;
    throw new ApiError('CONFIGURATION_STORE_NOT_FOUND', text);
  }

  async function post(
    store: string,
    { id, items, traceparent }: ConfigurationUpdate,
  ): Promise<void> {
    const body = Buffer.from(`${JSON.stringify({ id, items: bodyOf(items) })}\n`);
    for (const key of Object.keys(items)) {
      try {
        const answer = await app!.invoke({
          method: 'POST',
          path: `/configuration/${encodeURIComponent(store)}/${encodeURIComponent(key)}`,
          query: '',
          headers: {
            'content-type': 'application/json',
            ...(traceparent === undefined ? {} : { traceparent }),
          },
          body,
        });
        await drain(answer);
        if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      } catch (err) {
        logger.error({ store, key, err }, 'app did not take the configuration update');
      }
    }
  }

  const api: ConfigurationApi = {
    async get({ store: name, keys, metadata = {}, signal }) {
      const store = find(name);
      try {
        return await store.get({ keys, metadata, ...(signal ? { signal } : {}) });
      } catch (cause) {
        const text = `failed to get ${listOf(keys)} from Configuration store ${name}: ${reasonOf(cause)}`;
        throw new ApiError('CONFIGURATION_GET', text, { cause });
      }
    },

    async subscribe({ store: name, keys, metadata = {} }, deliver, { onEnd } = {}) {
      const store = find(name);
      const id = randomUUID();
      // Updates wait until the caller knows the id.
      const { promise: known, resolve } = Promise.withResolvers<void>();
      try {
        const subscription = await store.subscribe({ keys, metadata }, async (items) => {
          await known;
          const update = { id, items };
          if (!tracer) return deliver(update);
          await traced(tracer, `configuration/${name}`, spanOf(items), (traceparent) =>
            deliver({ ...update, traceparent }),
          );
        });
        open.set(id, { store: name, subscription, onEnd });
      } catch (cause) {
        const text = `failed to subscribe ${listOf(keys)} from Configuration store ${name}: ${reasonOf(cause)}`;
        throw new ApiError('CONFIGURATION_SUBSCRIBE', text, { cause });
      } finally {
        setImmediate(resolve);
      }
      return id;
    },

    async subscribeApp(query) {
      find(query.store);
      if (!app) {
        throw new ApiError(
          'APP_CHANNEL_MISSING',
          'app channel is not initialized. cannot subscribe to configuration updates',
        );
      }
      return api.subscribe(query, (update) => post(query.store, update));
    },

    async unsubscribe(id, name) {
      if (name !== undefined) find(name);
      const found = open.get(id);
      if (!found || (name !== undefined && found.store !== name)) return false;
      open.delete(id);
      await found.subscription.close();
      found.onEnd?.();
      return true;
    },

    async close() {
      await Promise.all([...open.keys()].map((id) => api.unsubscribe(id)));
    },
  };
  return api;
}

function queryOf({ params, query }: HttpRequest): ConfigurationQuery {
  const keys = new URLSearchParams(query).getAll('key');
  return { store: params[0]!, keys, metadata: metadataOf(query) };
}

export function configurationRoutes(api: ConfigurationApi): HttpRoute[] {
  const methods = ['GET'];
  return ['v1.0', 'v1.0-alpha1'].flatMap((version): HttpRoute[] => [
    {
      methods,
      pattern: `${version}/configuration/{store}`,
      async handle(request) {
        const items = await api.get({ ...queryOf(request), signal: request.signal });
        return Object.keys(items).length === 0 ? empty() : json(bodyOf(items));
      },
    },
    {
      methods,
      pattern: `${version}/configuration/{store}/subscribe`,
      handle: async (request) => json({ id: await api.subscribeApp(queryOf(request)) }),
    },
    {
      methods,
      pattern: `${version}/configuration/{store}/{id}/unsubscribe`,
      async handle({ params }) {
        const [store, id] = params as [string, string];
        if (await api.unsubscribe(id, store)) return json({ ok: true });
        const message = `failed to unsubscribe to configuration request ${id}: subscription with id ${id} does not exist`;
        return json({ message }, 500);
      },
    },
  ]);
}
