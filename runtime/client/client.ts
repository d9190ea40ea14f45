/** The client of one sidecar: values and typed refs over whichever transport the address asks for. */
import { randomUUID } from 'node:crypto';
import type { CallOptions } from '../actor/ref.ts';
import { toJson, toValue } from '../core/codec.ts';
import { TroupeError } from '../core/errors.ts';
import { assertName, createRef } from '../core/ref.ts';
import { createHttpWire } from './http.ts';
import type {
  ActorCallOptions,
  Client,
  ClientOptions,
  ClientRef,
  Crypto,
  ConfigurationStore,
  Jobs,
  Lock,
  LockOptions,
  StateItem,
  StateStore,
} from './types.ts';
import { limitsOf, type Wire, type WireEvent, type WireItem, type WireWrite } from './wire.ts';

const DEFAULT_ADDRESS = 'http://127.0.0.1:3500';
const DEFAULT_TIMEOUT_MS = 60_000;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** Bytes stay bytes, text and everything else is JSON. */
function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const text = toJson(value);
  return text === undefined ? NOTHING : encoder.encode(text);
}

function eventOf(data: unknown): WireEvent {
  const isBytes = data instanceof Uint8Array;
  return {
    data: bytesOf(data ?? null),
    contentType: isBytes ? 'application/octet-stream' : 'application/json',
  };
}

function itemOf<T>({ key, data, etag }: WireItem): StateItem<T> {
  return { key, value: toValue(data) as T | undefined, ...(etag === '' ? {} : { etag }) };
}

async function openWire(address: string, apiToken: string | undefined): Promise<Wire> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  switch (url?.protocol) {
    case 'http:':
    case 'https:':
      return createHttpWire(url, apiToken);
    case 'grpc:':
    case 'grpcs:': {
      const { createGrpcWire } = await import('./grpc.ts');
      return createGrpcWire(url, apiToken);
    }
    default:
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `"${address}" is no address of a sidecar; give http://host:port or grpc://host:port`,
      );
  }
}

export function createClient(options: ClientOptions = {}): Client {
  const { address = DEFAULT_ADDRESS, apiToken, timeout = DEFAULT_TIMEOUT_MS } = options;
  let opened: Promise<Wire> | undefined;
  let isClosed = false;

  const wire = (): Promise<Wire> => {
    if (isClosed) {
      return Promise.reject(
        new TroupeError('UNAVAILABLE', 'the client is closed', { retryable: false }),
      );
    }
    return (opened ??= openWire(address, apiToken));
  };
  const limits = (given: CallOptions = {}): ReturnType<typeof limitsOf> => limitsOf(given, timeout);

  async function call(
    actor: { type: string; id: string },
    method: string,
    argument: unknown,
    { idempotencyKey: key, ...given }: ActorCallOptions = {},
  ): Promise<unknown> {
    const bounds = limits(given);
    const body = bytesOf(argument);
    return toValue(await (await wire()).callActor({ ...actor, method, key }, body, bounds));
  }

  function ref<T extends object>(type: string, id: string): ClientRef<T> {
    assertName('an actor type', type);
    assertName('an actor id', id);
    return createRef<ClientRef<T>>((method, argument, given) =>
      call({ type, id }, method, argument, given as ActorCallOptions | undefined),
    );
  }

  function state(store: string): StateStore {
    const write = (
      key: string,
      json: string | undefined,
      given: { etag?: string; firstWrite?: boolean; metadata?: Readonly<Record<string, string>> },
    ): WireWrite => {
      // With an etag and no word on concurrency daprd lets the last write win.
      const { etag, firstWrite = etag !== undefined, metadata = {} } = given;
      return { key, json, etag, firstWrite, metadata };
    };
    return {
      async get<T>(key: string, { metadata = {}, ...given } = {}) {
        const item = await (await wire()).getState(store, key, metadata, limits(given));
        return itemOf<T>(item);
      },
      async getMany<T>(keys: readonly string[], { metadata = {}, ...given } = {}) {
        const items = await (await wire()).getManyStates(store, keys, metadata, limits(given));
        const byKey = new Map(items.map((item) => [item.key, item]));
        return keys.map((key) => itemOf<T>(byKey.get(key) ?? { key, data: NOTHING, etag: '' }));
      },
      async set(key, value, given = {}) {
        const json = toJson(value) ?? 'null';
        await (await wire()).saveState(store, write(key, json, given), limits(given));
      },
      async delete(key, given = {}) {
        await (await wire()).saveState(store, write(key, undefined, given), limits(given));
      },
      async transact(operations, { metadata = {}, ...given } = {}) {
        const writes = operations.map((one) =>
          'set' in one
            ? write(one.set, toJson(one.value) ?? 'null', one)
            : write(one.delete, undefined, one),
        );
        await (await wire()).transact(store, writes, metadata, limits(given));
      },
    };
  }

  async function lock(
    store: string,
    resource: string,
    { owner = randomUUID(), seconds, ...given }: LockOptions,
  ): Promise<Lock | undefined> {
    const taken = await (await wire()).tryLock(store, { resource, owner, seconds }, limits(given));
    if (!taken) return undefined;
    let released: Promise<void> | undefined;
    const release = async (bounds: CallOptions = {}): Promise<void> => {
      const status = await (await wire()).unlock(store, resource, owner, limits(bounds));
      if (status === 0) return;
      const what = `the lock "${resource}" of ${store}`;
      if (status === 1) throw new TroupeError('NOT_FOUND', `${what} has run out`);
      if (status === 2) throw new TroupeError('CONFLICT', `${what} is held by another now`);
      throw new TroupeError('COMPONENT', `${what} could not be given back`);
    };
    const once = (bounds?: CallOptions): Promise<void> => (released ??= release(bounds));
    return { owner, release: once, [Symbol.asyncDispose]: () => once() };
  }

  const configuration = (store: string): ConfigurationStore => ({
    async get(keys = [], { metadata = {}, ...given } = {}) {
      return (await wire()).configuration(store, keys, metadata, limits(given));
    },
    async subscribe(keys, changed, given = {}) {
      return (await wire()).watchConfiguration(store, keys, changed, given);
    },
  });

  const jobs: Jobs = {
    async schedule(name, { data, ...spec }, { overwrite = false, ...given } = {}) {
      const json = toJson(data);
      const job = { name, ...spec, ...(json === undefined ? {} : { json }) };
      await (await wire()).scheduleJob(job, overwrite, limits(given));
    },
    async get(name, given) {
      const { json, ...spec } = await (await wire()).getJob(name, limits(given));
      return {
        ...(spec as { name: string }),
        ...(json === undefined ? {} : { data: JSON.parse(json) as unknown }),
      };
    },
    async delete(name, given) {
      await (await wire()).deleteJob(name, limits(given));
    },
  };

  const crypto = (component: string): Crypto => ({
    async encrypt(plain, { keyName: name, algorithm, ...given }) {
      return (await wire()).encrypt(component, plain, { name, algorithm }, limits(given));
    },
    async decrypt(sealed, { keyName, ...given } = {}) {
      return (await wire()).decrypt(component, sealed, keyName, limits(given));
    },
  });

  const close = async (): Promise<void> => {
    isClosed = true;
    await (await opened?.catch(() => undefined))?.close();
  };

  return {
    ref,
    state,
    async publish(pubsub, topic, data, { id, metadata = {}, ...given } = {}) {
      const all = id === undefined ? metadata : { ...metadata, 'cloudevent.id': id };
      await (await wire()).publish(pubsub, topic, eventOf(data), all, limits(given));
    },
    async publishMany(pubsub, topic, data, { metadata = {}, ...given } = {}) {
      const events = data.map(eventOf);
      const failed = await (
        await wire()
      ).publishMany(pubsub, topic, events, metadata, limits(given));
      if (failed.length === 0) return;
      const message = `${failed.length} of ${data.length} events for ${topic} were not published`;
      throw new TroupeError('COMPONENT', message, { details: { failed } });
    },
    async subscribe(pubsub, topic, handler, given = {}) {
      return (await wire()).subscribe(pubsub, topic, handler, given);
    },
    async invoke<T>(
      appId: string,
      method: string,
      body?: unknown,
      { verb = 'POST', query = '', metadata = {}, ...given } = {},
    ) {
      const { data, contentType } = body === undefined ? eventOf(NOTHING) : eventOf(body);
      const type = body === undefined ? 'application/json' : contentType;
      const request = { appId, method, verb, query, body: data, contentType: type, metadata };
      return toValue(await (await wire()).invoke(request, limits(given))) as T;
    },
    async secret(store, key, { metadata = {}, ...given } = {}) {
      return (await wire()).secret(store, key, metadata, limits(given));
    },
    async secrets(store, { metadata = {}, ...given } = {}) {
      return (await wire()).secrets(store, metadata, limits(given));
    },
    configuration,
    lock,
    jobs,
    async binding(name, operation, data, { metadata = {}, ...given } = {}) {
      const json =
        data instanceof Uint8Array
          ? JSON.stringify(Buffer.from(data).toString('base64'))
          : toJson(data);
      const both = { bytes: bytesOf(data), json };
      return (await wire()).binding(name, operation, both, metadata, limits(given));
    },
    crypto,
    async metadata(given) {
      return (await wire()).metadata(limits(given));
    },
    async setMetadata(key, value, given) {
      await (await wire()).setMetadata(key, value, limits(given));
    },
    async isHealthy(given) {
      const bounds = limits(given);
      return (await wire()).isHealthy(bounds).catch(() => false);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
