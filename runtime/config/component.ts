/**
 * What a component is before it is opened: the validated plain object that a
 * `kind: Component` YAML document, or `component()`, stands for. Secrets, env
 * and templates are still references here; runtime/hosts/components.ts
 * resolves them.
 */

/** One metadata entry; exactly one of a value, a secret reference or an env reference. */
export type MetadataItem =
  | { readonly name: string; readonly value: string; readonly line?: number }
  | { readonly name: string; readonly secretKeyRef: SecretKeyRef; readonly line?: number }
  | { readonly name: string; readonly envRef: string; readonly line?: number };

export interface SecretKeyRef {
  /** Name of the secret in the store that `auth.secretStore` names. */
  readonly name: string;
  /** Key inside the secret. Same as `name` for stores with one value a secret. */
  readonly key: string;
}

export interface ComponentSpec {
  readonly name: string;
  /** Dapr type name, for example `state.sqlite`. */
  readonly type: string;
  /** Default `v1`. */
  readonly version: string;
  readonly namespace?: string;
  /** App ids that the component is for. Absent or empty: all. */
  readonly scopes?: readonly string[];
  /** True: a failure to open it is logged and the component is left out. */
  readonly ignoreErrors: boolean;
  /** Milliseconds that opening may take. Default 5000. */
  readonly initTimeoutMs: number;
  /** Name of the secret store component that `secretKeyRef` items are read from. */
  readonly secretStore?: string;
  readonly metadata: readonly MetadataItem[];
  readonly source?: { readonly file: string; readonly line: number };
}

/** Milliseconds that a component may take to open, unless it says otherwise. */
export const DEFAULT_INIT_TIMEOUT_MS = 5000;

/**
 * A component made by a program instead of YAML:
 * `component('statestore', 'state.sqlite', { connectionString: 'data.db', actorStateStore: 'true' })`.
 */
export function component(
  name: string,
  type: string,
  metadata: Readonly<Record<string, string>> = {},
): ComponentSpec {
  return {
    name,
    type,
    version: 'v1',
    ignoreErrors: false,
    initTimeoutMs: DEFAULT_INIT_TIMEOUT_MS,
    metadata: Object.entries(metadata).map(([key, value]) => ({ name: key, value })),
  };
}
