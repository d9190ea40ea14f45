/**
 * From a Dapr type name and version to a driver, by the tables of the kinds.
 * It opens nothing: a driver's module is imported when a component of its type
 * is asked for, so an installation pays only for what its YAML names.
 */
import { nearest } from '../runtime/config/nearest.ts';
import { TroupeError } from '../runtime/core/errors.ts';
import type { Binding } from './bindings/contract.ts';
import { bindingKind } from './bindings/index.ts';
import type { ComponentMetadata, Driver, Kind, MetadataField } from './component.ts';
import type { ConfigurationStore } from './configuration/contract.ts';
import { configurationKind } from './configuration/index.ts';
import type { Conversation } from './conversation/contract.ts';
import { conversationKind } from './conversation/index.ts';
import type { CryptoProvider } from './crypto/contract.ts';
import { cryptoKind } from './crypto/index.ts';
import type { LockStore } from './lock/contract.ts';
import { lockKind } from './lock/index.ts';
import type { NameResolver } from './nameresolution/contract.ts';
import type { Middleware } from './middleware/contract.ts';
import { middlewareKind } from './middleware/index.ts';
import { nameResolutionKind } from './nameresolution/index.ts';
import type { PubSub } from './pubsub/contract.ts';
import { pubsubKind } from './pubsub/index.ts';
import type { SecretStore } from './secretstores/contract.ts';
import { secretStoreKind } from './secretstores/index.ts';
import type { StateStore } from './state/contract.ts';
import { stateKind } from './state/index.ts';

/** The instance type of each kind; the names are the first part of Dapr's type names. */
export interface Kinds {
  readonly state: StateStore;
  readonly pubsub: PubSub;
  readonly secretstores: SecretStore;
  readonly configuration: ConfigurationStore;
  readonly lock: LockStore;
  readonly bindings: Binding;
  readonly crypto: CryptoProvider;
  readonly conversation: Conversation;
  readonly nameresolution: NameResolver;
  readonly middleware: Middleware;
}

export type KindName = keyof Kinds;

export type KindTables = { readonly [K in KindName]: Kind<Kinds[K]> };

/** A driver together with its kind, so that a switch over `kind` knows what `driver.create` makes. */
export type ResolvedDriver = {
  readonly [K in KindName]: {
    readonly kind: K;
    readonly driver: Driver<Kinds[K]>;
    /** Every metadata field that a component of this type may have: the kind's and the driver's. */
    readonly fields: readonly MetadataField[];
  };
}[KindName];

export interface Registry {
  /** Every type name that can be resolved, ascending. */
  types(): string[];
  /**
   * @param version as in YAML; empty or absent means `v1`, as in Dapr.
   * @throws TroupeError INVALID_ARGUMENT for an unknown type or version, with the nearest known one.
   */
  resolve(type: string, version?: string): Promise<ResolvedDriver>;
}

/** The kinds and drivers that ship with Troupe. */
export const componentKinds: KindTables = {
  state: stateKind,
  pubsub: pubsubKind,
  secretstores: secretStoreKind,
  configuration: configurationKind,
  lock: lockKind,
  bindings: bindingKind,
  crypto: cryptoKind,
  conversation: conversationKind,
  nameresolution: nameResolutionKind,
  middleware: middlewareKind,
};

/** A registry over the given tables. Default: those that ship with Troupe. */
export function createRegistry(kinds: KindTables = componentKinds): Registry {
  const types = Object.values(kinds)
    .flatMap((kind) => kind.drivers.map((entry) => entry.type))
    .sort();

  async function load<K extends KindName>(
    kind: K,
    type: string,
    version: string,
  ): Promise<ResolvedDriver | undefined> {
    const table: Kind<Kinds[K]> = kinds[kind];
    const entry = table.drivers.find((candidate) => candidate.type === type);
    if (!entry) return undefined;
    if (!entry.versions.includes(version)) throw unknownVersion(type, version, entry.versions);
    const driver = await entry.load();
    const resolved = { kind, driver, fields: [...table.fields, ...driver.fields] };
    return resolved as unknown as ResolvedDriver;
  }

  return {
    types: () => [...types],
    async resolve(type, version) {
      for (const kind of Object.keys(kinds) as KindName[]) {
        const resolved = await load(kind, type, version || 'v1');
        if (resolved) return resolved;
      }
      const near = nearest(type, types);
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `component type "${type}" is not known${near ? `; did you mean "${near}"?` : '.'} Known types: ${types.join(', ')}`,
        { details: { type, ...(near ? { nearest: near } : {}), known: types } },
      );
    },
  };
}

function unknownVersion(type: string, version: string, known: readonly string[]): TroupeError {
  const near = nearest(version, known);
  return new TroupeError(
    'INVALID_ARGUMENT',
    `component type "${type}" has no version "${version}"${near ? `; did you mean "${near}"?` : '.'} Known versions: ${known.join(', ')}`,
    { details: { type, version, ...(near ? { nearest: near } : {}), known } },
  );
}

/** Something about a component's metadata that must be put right before it can be created. */
export interface MetadataProblem {
  readonly kind: 'unknown' | 'missing' | 'duplicate';
  /** Name as written for an unknown field, as declared for a missing one. */
  readonly field: string;
  /** The known field that was probably meant. */
  readonly nearest?: string;
  /** A sentence that can be shown as it is. */
  readonly message: string;
}

/** Holds metadata against the fields a component may have. Names are compared without regard to case, as in Dapr. */
export function checkMetadata(
  metadata: ComponentMetadata,
  fields: readonly MetadataField[],
): MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  const spellings = new Map<string, string>();
  for (const field of fields)
    for (const name of [field.name, ...(field.aliases ?? [])])
      spellings.set(name.toLowerCase(), field.name);

  const seen = new Map<string, string>();
  for (const name of Object.keys(metadata)) {
    const known = spellings.get(name.toLowerCase());
    if (known === undefined) {
      problems.push(unknownField(name, fields));
      continue;
    }
    const earlier = seen.get(known);
    if (earlier !== undefined) {
      const message = `metadata fields "${earlier}" and "${name}" mean the same; keep one of them`;
      problems.push({ kind: 'duplicate', field: name, nearest: known, message });
    }
    seen.set(known, name);
  }
  for (const field of fields) {
    const given = seen.get(field.name);
    if (!field.required || (given !== undefined && metadata[given] !== '')) continue;
    const message = `metadata field "${field.name}" is missing: ${field.description}`;
    problems.push({ kind: 'missing', field: field.name, message });
  }
  return problems;
}

function unknownField(name: string, fields: readonly MetadataField[]): MetadataProblem {
  const names = fields.map((field) => field.name);
  const near = nearest(name, names);
  const hint = near ? `; did you mean "${near}"?` : '.';
  const known = names.length > 0 ? `Known fields: ${names.join(', ')}` : 'It has no fields';
  return {
    kind: 'unknown',
    field: name,
    ...(near ? { nearest: near } : {}),
    message: `metadata field "${name}" is not known${hint} ${known}`,
  };
}
