/**
 * Opens components one after another into a growing set, and closes the set.
 * An instance that arrives after its time was up is closed as soon as it is there.
 */
import { randomUUID } from 'node:crypto';
import type { Component, ComponentOptions, Driver } from '../../components/component.ts';
import type { ConfigurationStore } from '../../components/configuration/contract.ts';
import type { Conversation } from '../../components/conversation/contract.ts';
import type { CryptoProvider } from '../../components/crypto/contract.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { StateStore } from '../../components/state/contract.ts';
import type { ComponentInfo } from '../api/metadata.ts';
import type { ComponentSpec } from '../config/component.ts';
import { ComponentError, isTroupeError } from '../core/errors.ts';
import { invalid, resolveMetadata } from './component-metadata.ts';
import { lockPrefix as lockPrefixOf, statePrefix } from './key-prefix.ts';
import type {
  LoadedBinding,
  LoadedComponents,
  LoadedLockStore,
  LoadedPubSub,
  LoadedStateStore,
  LoadOptions,
  Planned,
} from './loaded-components.ts';
import { topicScopes } from './topic-scopes.ts';

/** State store features without which actors cannot live in it. */
const ACTOR_FEATURES = ['ETAG', 'TRANSACTIONAL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'];

export interface Loading {
  readonly loaded: LoadedComponents;
  open(planned: Planned): Promise<void>;
}

const realTimer: ComponentOptions['timer'] = (delayMs, fire) => {
  const timer = setTimeout(fire, delayMs).unref();
  return { cancel: () => clearTimeout(timer) };
};

type Values = Readonly<Record<string, string>>;

export function createLoading(options: LoadOptions): Loading {
  const { appId, env, logger, now, timer = realTimer } = options;
  const stateStores = new Map<string, LoadedStateStore>();
  const pubsubs = new Map<string, LoadedPubSub>();
  const secretStores = new Map<string, SecretStore>();
  const configurations = new Map<string, ConfigurationStore>();
  const locks = new Map<string, LoadedLockStore>();
  const bindings = new Map<string, LoadedBinding>();
  const cryptoProviders = new Map<string, CryptoProvider>();
  const conversations = new Map<string, Conversation>();
  const list: ComponentInfo[] = [];
  const opened: { spec: ComponentSpec; instance: Component }[] = [];
  let actorStore: LoadedStateStore | undefined;
  let closed: Promise<void> | undefined;

  async function within<T>(
    spec: ComponentSpec,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const expiry = new AbortController();
    const late = new ComponentError(
      spec,
      `was not open after ${spec.initTimeoutMs} ms; see that its backend answers, or raise spec.initTimeout`,
      { code: 'UNAVAILABLE' },
    );
    const signal = options.signal
      ? AbortSignal.any([options.signal, expiry.signal])
      : expiry.signal;
    // Opening waits for the outside, so its limit is real time also under a virtual clock.
    const limit = setTimeout(() => expiry.abort(late), spec.initTimeoutMs);
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      return await Promise.race([work(signal), given]);
    } catch (error) {
      throw expiry.signal.aborted ? late : error;
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** An instance that nobody waits for any more is closed here. */
  async function create<C extends Component>(
    spec: ComponentSpec,
    driver: Driver<C>,
    metadata: Values,
    signal: AbortSignal,
  ): Promise<C> {
    const { name, type, version } = spec;
    const given: ComponentOptions = { name, type, version, metadata, appId, logger, now, timer };
    const instance = await driver.create(given, { signal });
    if (!signal.aborted) return instance;
    await instance.close();
    throw signal.reason;
  }

  async function instantiate({ spec, resolved }: Planned): Promise<void> {
    const { kind, driver } = resolved;
    const values = await within(spec, (signal) =>
      resolveMetadata(spec, { appId, env, secretStores, uuid: randomUUID }, signal),
    );
    const forActors = kind === 'state' && isTruthy(valueOf(values, 'actorStateStore'));
    if (forActors && actorStore) {
      throw invalid(
        spec,
        `is marked actorStateStore, and so is component "${actorStore.name}"; actors live in one store, keep the mark on one`,
      );
    }
    const strategy = valueOf(values, 'keyPrefix');
    const keyPrefix = kind === 'state' ? statePrefix(spec, strategy, options) : '';
    const lockPrefix = kind === 'lock' ? lockPrefixOf(spec, strategy, appId) : '';
    const own = ownedBy(driver, values);
    const keep = <C extends Component>(instance: C): C => {
      opened.push({ spec, instance });
      return instance;
    };
    switch (kind) {
      case 'state': {
        const store = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        const entry = { name: spec.name, store, keyPrefix };
        if (forActors) {
          refuseUnfit(spec, store);
          actorStore = entry;
        }
        stateStores.set(spec.name, entry);
        list.push(info(spec, fitForActors(store) ? [...store.features, 'ACTOR'] : store.features));
        return;
      }
      case 'pubsub': {
        const pubsub = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        const topics = topicScopes(appId, (field) => valueOf(values, field));
        pubsubs.set(spec.name, { name: spec.name, pubsub, topics });
        list.push(info(spec, pubsub.features));
        return;
      }
      case 'secretstores': {
        const store = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        secretStores.set(spec.name, store);
        list.push(info(spec, store.features));
        return;
      }
      case 'configuration': {
        const store = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        configurations.set(spec.name, store);
        list.push(info(spec, store.features));
        return;
      }
      case 'lock': {
        const store = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        locks.set(spec.name, { store, keyPrefix: lockPrefix });
        list.push(info(spec, store.features));
        return;
      }
      case 'bindings': {
        const binding = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        const direction = valueOf(values, 'direction').toLowerCase() || undefined;
        const route = valueOf(values, 'route').replace(/^\/+/, '') || spec.name;
        bindings.set(spec.name, { binding, direction, route });
        list.push(info(spec, binding.features));
        return;
      }
      case 'crypto': {
        const provider = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        cryptoProviders.set(spec.name, provider);
        list.push(info(spec, provider.features));
        return;
      }
      case 'conversation': {
        const model = keep(await within(spec, (signal) => create(spec, driver, own, signal)));
        conversations.set(spec.name, model);
        list.push(info(spec, model.features));
        return;
      }
      case 'nameresolution':
        throw invalid(
          spec,
          'is a name resolver; it belongs into spec.nameResolution of a Configuration, not into a Component',
        );
    }
    kind satisfies never;
  }

  async function closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const { spec, instance } of opened.toReversed()) {
      try {
        await instance.close();
      } catch (error) {
        failures.push(error);
        logger.error({ name: spec.name, type: spec.type, err: error }, 'component failed to close');
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not every component closed well');
  }

  const close = (): Promise<void> => (closed ??= closeAll());

  return {
    loaded: {
      stateStores,
      pubsubs,
      secretStores,
      configurations,
      locks,
      bindings,
      cryptoProviders,
      conversations,
      list,
      get actorStore() {
        return actorStore;
      },
      close,
      [Symbol.asyncDispose]: close,
    },
    async open(planned) {
      const { spec } = planned;
      const { name, type, version } = spec;
      const before = opened.length;
      try {
        await instantiate(planned);
        logger.info({ name, type, version }, 'component loaded');
      } catch (error) {
        const named = nameError(spec, error);
        if (!spec.ignoreErrors || options.signal?.aborted) throw named;
        for (const { instance } of opened.splice(before)) await instance.close();
        logger.warn({ name, type, version, reason: named.message }, 'component left out');
      }
    },
  };
}

const info = (
  { name, type, version }: ComponentSpec,
  capabilities: readonly string[],
): ComponentInfo => ({
  name,
  type,
  version,
  capabilities,
});

/** Every error of opening names its component. */
function nameError(spec: ComponentSpec, error: unknown): Error {
  if (isTroupeError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ComponentError(spec, `failed to open: ${reason}`, { cause: error });
}

function valueOf(values: Values, field: string): string {
  const name = Object.keys(values).find((key) => key.toLowerCase() === field.toLowerCase());
  return name === undefined ? '' : values[name]!;
}

/** What Dapr takes for true. */
const isTruthy = (text: string): boolean =>
  ['y', 'yes', 'true', 't', 'on', '1'].includes(text.trim().toLowerCase());

/** The values of the driver's own fields; the runtime's stay with the runtime. */
function ownedBy(driver: Driver<Component>, values: Values): Values {
  const names = new Set(
    driver.fields.flatMap(({ name, aliases = [] }) =>
      [name, ...aliases].map((text) => text.toLowerCase()),
    ),
  );
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => names.has(name.toLowerCase())),
  );
}

const lacking = (store: StateStore): string[] =>
  ACTOR_FEATURES.filter((feature) => !store.features.includes(feature));

const fitForActors = (store: StateStore): boolean => lacking(store).length === 0;

function refuseUnfit(spec: ComponentSpec, store: StateStore): void {
  if (fitForActors(store)) return;
  throw new ComponentError(
    spec,
    `cannot keep actors: it lacks ${lacking(store).join(', ')}. Mark another state store with actorStateStore (state.sqlite and state.in-memory can), or remove the mark from this one`,
    { code: 'UNSUPPORTED' },
  );
}
