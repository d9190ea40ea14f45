/**
 * The components of a host by kind and name: what the API looks things up in.
 * An entry that is put or taken away counts from the next call on.
 */
import type { Binding } from '../../components/bindings/contract.ts';
import type { Component } from '../../components/component.ts';
import type { ConfigurationStore } from '../../components/configuration/contract.ts';
import type { Conversation } from '../../components/conversation/contract.ts';
import type { CryptoProvider } from '../../components/crypto/contract.ts';
import type { LockStore } from '../../components/lock/contract.ts';
import type { Middleware } from '../../components/middleware/contract.ts';
import type { PubSub } from '../../components/pubsub/contract.ts';
import type { KindName } from '../../components/registry.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { StateStore } from '../../components/state/contract.ts';
import type { ComponentInfo } from '../api/metadata.ts';
import type { ComponentSpec } from '../config/component.ts';
import { ComponentError } from '../core/errors.ts';
import { lockPrefix, statePrefix } from './key-prefix.ts';
import { encryptionOf, outboxOf } from './state-settings.ts';
import type {
  LoadedBinding,
  LoadedLockStore,
  LoadedMiddleware,
  LoadedPubSub,
  LoadedStateStore,
  LoadOptions,
} from './loaded-components.ts';
import { topicScopes } from './topic-scopes.ts';

/** State store features without which actors cannot live in it. */
const ACTOR_FEATURES = ['ETAG', 'TRANSACTIONAL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'];

export interface ComponentTables {
  readonly stateStores: Map<string, LoadedStateStore>;
  readonly pubsubs: Map<string, LoadedPubSub>;
  readonly secretStores: Map<string, SecretStore>;
  readonly configurations: Map<string, ConfigurationStore>;
  readonly locks: Map<string, LoadedLockStore>;
  readonly bindings: Map<string, LoadedBinding>;
  readonly cryptoProviders: Map<string, CryptoProvider>;
  readonly conversations: Map<string, Conversation>;
  readonly middlewares: Map<string, LoadedMiddleware>;
  /** In the order in which they were opened. */
  readonly list: ComponentInfo[];
}

export function createTables(): ComponentTables {
  return {
    stateStores: new Map(),
    pubsubs: new Map(),
    secretStores: new Map(),
    configurations: new Map(),
    locks: new Map(),
    bindings: new Map(),
    cryptoProviders: new Map(),
    conversations: new Map(),
    middlewares: new Map(),
    list: [],
  };
}

export interface Entry {
  readonly spec: ComponentSpec;
  readonly kind: KindName;
  /** As callers are to use it. */
  readonly component: Component;
  /** Value of a metadata field by its name, empty when it is absent. */
  readonly value: (field: string) => string;
}

/** A feature as daprd prints it, where only the store in memory deletes by prefix. */
const printed =
  (type: string) =>
  (feature: string): readonly string[] => {
    if (feature === 'ORDERED_INDEX') return ['KEYS_LIKE'];
    return feature === 'DELETE_WITH_PREFIX' && type !== 'state.in-memory' ? [] : [feature];
  };

/** Puts a component in its table; the result takes it out again. */
export function enter(
  tables: ComponentTables,
  { spec, kind, component, value }: Entry,
  { appId, env }: Pick<LoadOptions, 'appId' | 'env'>,
): () => void {
  const { name, type, version } = spec;
  const isFit = kind === 'state' && lackingForActors(component as StateStore).length === 0;
  // No API call tells the two apart: in daprd too, only what the runtime itself keeps is found by key.
  const listed: ComponentInfo = {
    name,
    type,
    version,
    capabilities: isFit
      ? [...component.features.flatMap(printed(type)), 'ACTOR']
      : component.features,
  };
  const put = <T>(table: Map<string, T>, entry: T): (() => void) => {
    table.set(name, entry);
    tables.list.push(listed);
    return () => {
      if (table.get(name) === entry) table.delete(name);
      const at = tables.list.indexOf(listed);
      if (at >= 0) tables.list.splice(at, 1);
    };
  };
  switch (kind) {
    case 'state': {
      const keyPrefix = statePrefix(spec, value('keyPrefix'), { appId, env });
      const encryption = encryptionOf(spec, value);
      return put(tables.stateStores, {
        name,
        store: component as StateStore,
        keyPrefix,
        encryption,
        outbox: outboxOf(spec, value),
      });
    }
    case 'pubsub': {
      const topics = topicScopes(appId, value);
      const prefix = isNamespaced(spec) ? { topicPrefix: env['NAMESPACE'] || 'default' } : {};
      return put(tables.pubsubs, { name, pubsub: component as PubSub, topics, ...prefix });
    }
    case 'secretstores':
      return put(tables.secretStores, component as SecretStore);
    case 'configuration':
      return put(tables.configurations, component as ConfigurationStore);
    case 'lock': {
      const keyPrefix = lockPrefix(spec, value('keyPrefix'), appId);
      return put(tables.locks, { store: component as LockStore, keyPrefix });
    }
    case 'bindings': {
      const direction = value('direction').toLowerCase() || undefined;
      const route = value('route').replace(/^\/+/, '') || name;
      return put(tables.bindings, { binding: component as Binding, direction, route });
    }
    case 'crypto':
      return put(tables.cryptoProviders, component as CryptoProvider);
    case 'conversation':
      return put(tables.conversations, component as Conversation);
    case 'middleware':
      return put(tables.middlewares, { type, version, middleware: component as Middleware });
    case 'nameresolution':
      throw new ComponentError(
        spec,
        'is a name resolver; it belongs into spec.nameResolution of a Configuration, not into a Component',
        { code: 'INVALID_ARGUMENT' },
      );
  }
  return kind satisfies never;
}

/** As in Dapr, a component whose metadata says {namespace} has topics of its own in each namespace. */
const isNamespaced = ({ metadata }: ComponentSpec): boolean =>
  metadata.some((item) => 'value' in item && item.value.includes('{namespace}'));

export const lackingForActors = (store: StateStore): string[] =>
  ACTOR_FEATURES.filter((feature) => !store.features.includes(feature));
