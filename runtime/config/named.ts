/** What every kind of resource but Component shares: its name, where it counts, and its spec. */
import type { Reader } from './reader.ts';
import { json, list, nonEmpty, object, text, type Read } from './shape.ts';

/** The head of a resource. */
export interface Named {
  readonly name: string;
  readonly namespace?: string;
  /** App ids that the resource is for. Absent or empty: all. */
  readonly scopes?: readonly string[];
  readonly source: { readonly file: string; readonly line: number };
}

/** Labels and annotations are for people and other tools; from `creationTimestamp` on, what a cluster adds. */
const meta = object(
  {
    name: nonEmpty,
    namespace: text,
    labels: json,
    annotations: json,
    creationTimestamp: json,
    generation: json,
    managedFields: json,
    ownerReferences: json,
    resourceVersion: json,
    uid: json,
  },
  ['name'],
);

export interface Document<T> {
  readonly head: Named;
  readonly spec: T;
  /** `auth.secretStore`. */
  readonly secretStore?: string;
}

/** Reads a whole document of a kind; undefined when something is wrong, which the reader was told. */
export function readNamed<T>(file: string, reader: Reader, spec: Read<T>): Document<T> | undefined {
  const whole = object(
    {
      apiVersion: text,
      kind: text,
      metadata: meta,
      spec,
      scopes: list(text),
      auth: object({ secretStore: text }),
      status: json,
    },
    ['metadata', 'spec'],
  )(reader, reader.root);
  if (!whole || !reader.sound()) return undefined;
  const { name, namespace } = whole.metadata;
  const secretStore = whole.auth?.secretStore;
  return {
    head: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(whole.scopes ? { scopes: whole.scopes } : {}),
      source: { file, line: reader.line(reader.root) },
    },
    spec: whole.spec as T,
    ...(secretStore ? { secretStore } : {}),
  };
}
